"""/Roles and /Entitlements: what a client may write into `roles` and `entitlements`. Read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.handlers.errors import no_such
from gateway.handlers.response import located, respond
from gateway.scim.available_role_filter import meets
from gateway.scim.available_roles import ENTITLEMENT, ROLE, available_roles
from gateway.scim.errors import invalid_value
from gateway.scim.filters import parse_filter
from gateway.scim.listing import MAX_COUNT, list_query_from_query, list_response
from gateway.scim.translation import resource_to_scim
from rollbook.v1.role_service_pb2 import GetRoleCatalogueRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp.web import Response
    from google.protobuf.message import Message

    from gateway.handlers.request import ScimRequest
    from rollbook.attributes import ResourceType
    from rollbook.v1.available_role_pb2 import AvailableRole
    from rollbook.v1.role_service_pb2_grpc import RoleServiceAsyncStub


class AvailableRolesHandlers:
    """Each handler may raise ScimError, and AioRpcError."""

    def __init__(self, stub: RoleServiceAsyncStub, timeout: float) -> None:
        self._stub = stub
        self._timeout = timeout

    async def roles(self, scim: ScimRequest) -> Response:
        """GET /Roles."""
        return _page(scim, ROLE, await self._available(scim))

    async def role(self, scim: ScimRequest) -> Response:
        """GET /Roles/{id}."""
        for role in await self._available(scim):
            if role.id == scim.id:
                body = resource_to_scim(ROLE, role, scim.base_url, scim.projection())
                return respond(scim.http, body, headers=_location(body))
        raise no_such("role", scim.id)

    async def entitlements(self, scim: ScimRequest) -> Response:
        """GET /Entitlements: there is no catalogue of them, so none is named."""
        await self._available(scim)
        return _page(scim, ENTITLEMENT, [])

    async def entitlement(self, scim: ScimRequest) -> Response:
        """GET /Entitlements/{id}."""
        await self._available(scim)
        raise no_such("entitlement", scim.id)

    async def _available(self, scim: ScimRequest) -> Sequence[AvailableRole]:
        answer = await self._stub.GetRoleCatalogue(
            GetRoleCatalogueRequest(), metadata=scim.metadata(), timeout=self._timeout
        )
        return available_roles(answer.catalogue)


def _page(scim: ScimRequest, kind: ResourceType, found: Sequence[Message]) -> Response:
    query = list_query_from_query(scim.query())
    if query.sort_by is not None or query.cursor is not None:
        raise invalid_value(f"{kind.endpoint} comes in one order, and in pages by startIndex.")
    if query.filter is not None:
        condition = parse_filter(query.filter, kind, scim.reading())
        meets(condition, kind.message(), kind)  # It may be wrong where there is nothing to filter.
        found = [each for each in found if meets(condition, each, kind)]
    start = query.start_index - 1
    count = MAX_COUNT if query.count is None else query.count
    shown = [
        resource_to_scim(kind, each, scim.base_url, query.projection)
        for each in found[start : start + count]
    ]
    return respond(scim.http, list_response(query, shown, len(found)))


def _location(body: dict[str, object]) -> dict[str, str]:
    meta = body.get("meta")
    return located(str(meta["location"])) if isinstance(meta, dict) and "location" in meta else {}
