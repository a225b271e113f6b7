"""Queries over all resource types: GET on the base URL and POST /.search (RFC 7644 §3.4.2.1,
§3.4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.handlers.response import respond
from gateway.scim.errors import ScimError
from gateway.scim.listing import list_query_from_query, list_query_from_search, list_response
from gateway.scim.translation import resource_to_scim
from rollbook.attributes import TYPES_BY_FIELD
from rollbook.v1.directory_service_pb2 import SearchResourcesRequest

if TYPE_CHECKING:
    from aiohttp.web import Response

    from gateway.handlers.body import BodyReader
    from gateway.handlers.request import ScimRequest
    from gateway.scim.dialects import Reading
    from gateway.scim.listing import ListQuery
    from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceAsyncStub


class RootHandlers:
    """Each handler may raise ScimError for a query that cannot be understood and AioRpcError for
    a call that fails."""

    def __init__(self, stub: DirectoryServiceAsyncStub, bodies: BodyReader, timeout: float) -> None:
        self._stub = stub
        self._bodies = bodies
        self._timeout = timeout

    async def list(self, scim: ScimRequest) -> Response:
        """GET /; everything there is would be tooMany (RFC 7644 §3.4.2.1)."""
        query = list_query_from_query(scim.query())
        if query.filter is None:
            raise ScimError(
                400, "A query over all resource types needs a filter; or use /Users.", "tooMany"
            )
        return await self._list(scim, query, scim.reading())

    async def search(self, scim: ScimRequest) -> Response:
        """POST /.search. It is paged, so it may do without a filter: scim2-tester searches so."""
        reading = scim.reading()
        body = await self._bodies.json(scim.http)
        return await self._list(scim, list_query_from_search(body, reading), reading)

    async def _list(self, scim: ScimRequest, query: ListQuery, reading: Reading) -> Response:
        base_url = scim.base_url
        request = query.to_request(SearchResourcesRequest(), None, reading, base_url=base_url)
        response = await self._stub.SearchResources(
            request, metadata=scim.metadata(), timeout=self._timeout
        )
        resources = []
        for each in response.resources:
            field = each.WhichOneof("kind")
            if field is not None:
                kind = scim.schemas.resource_type(TYPES_BY_FIELD[field].name)
                resource = getattr(each, field)
                resources.append(resource_to_scim(kind, resource, base_url, query.projection))
        return respond(
            scim.http,
            list_response(
                query,
                resources,
                response.total_size,
                response.next_page_token,
                response.previous_page_token,
            ),
        )
