"""GET /Groups/{id}/members: who belongs to a group, page by page (docs/scim-members.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.handlers.response import respond
from gateway.scim.listing import list_query_from_query, list_response
from gateway.scim.members import members_request, members_to_scim
from rollbook.attributes import GROUP

if TYPE_CHECKING:
    from aiohttp.web import Response

    from gateway.handlers.request import ScimRequest
    from rollbook.v1.group_service_pb2_grpc import GroupServiceAsyncStub


class MembersHandler:
    """Reads the query, makes one call and renders a page."""

    def __init__(self, stub: GroupServiceAsyncStub, timeout: float) -> None:
        self._stub = stub
        self._timeout = timeout

    async def list(self, scim: ScimRequest) -> Response:
        """Raises ScimError for a query that cannot be understood, AioRpcError."""
        group = scim.schemas.resource_type(GROUP.name)
        query = list_query_from_query(scim.query())
        base_url = scim.base_url
        response = await self._stub.ListMembers(
            members_request(query, scim.id, group, scim.reading()),
            metadata=scim.metadata(),
            timeout=self._timeout,
        )
        members = members_to_scim(response.members, group, base_url, query.projection)
        return respond(
            scim.http,
            list_response(
                query,
                members,
                response.total_size,
                response.next_page_token,
                response.previous_page_token,
            ),
        )
