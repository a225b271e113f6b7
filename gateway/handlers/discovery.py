"""What the server can do and what resources look like (RFC 7644 §4).

Readable by anybody, since clients learn from it how to authenticate. Who has credentials sees what
their connection demands and the schemas of their tenant, others what holds by default.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gateway.handlers.errors import filter_forbidden, no_such
from gateway.handlers.response import located, respond, respond_with
from gateway.scim import json_text
from gateway.scim.discovery import View, service_provider_config
from rollbook.schema_sets import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.web import Response

    from gateway.handlers.request import ScimRequest
    from gateway.handlers.schema_sets import SchemaSets

    Document = dict[str, Any]


class DiscoveryHandlers:
    """Each handler may raise HttpError, and AioRpcError when it has to ask the service."""

    def __init__(self, schema_sets: SchemaSets, *, roles: bool = False) -> None:
        self._schema_sets = schema_sets
        self._roles = roles

    async def service_provider_config(self, scim: ScimRequest) -> Response:
        """GET /ServiceProviderConfig (RFC 7643 §5)."""
        _check_query(scim)
        # By asking, the gateway learns the dialect of the connection.
        await self._view(scim)
        document = _config(
            scim.base_url, interop=scim.dialect.is_interop_profile, roles=self._roles
        )
        address = f"{scim.base_url}/ServiceProviderConfig"
        return respond_with(scim.http, document, headers=located(address))

    async def resource_types(self, scim: ScimRequest) -> Response:
        """GET /ResourceTypes (RFC 7643 §6)."""
        return await self._all(scim, View.resource_types)

    async def resource_type(self, scim: ScimRequest) -> Response:
        """GET /ResourceTypes/{name}."""
        return await self._one(scim, View.resource_type, "resource type")

    async def schemas(self, scim: ScimRequest) -> Response:
        """GET /Schemas (RFC 7643 §7)."""
        return await self._all(scim, View.schemas)

    async def schema(self, scim: ScimRequest) -> Response:
        """GET /Schemas/{urn}; the case of a URN does not matter."""
        return await self._one(scim, View.schema, "schema")

    async def _all(self, scim: ScimRequest, make: Callable[[View], Document]) -> Response:
        _check_query(scim)
        return respond_with(scim.http, _document(make, await self._view(scim)))

    async def _one(
        self, scim: ScimRequest, make: Callable[[View, str], Document | None], kind: str
    ) -> Response:
        _check_query(scim)
        document = make(await self._view(scim), scim.id)
        if document is None:
            raise no_such(kind, scim.id)
        return respond(scim.http, document, headers=located(document["meta"]["location"]))

    async def _view(self, scim: ScimRequest) -> View:
        schemas = await self._schema_sets.fetch(scim) if scim.has_credentials else DEFAULT
        return View(scim.base_url, schemas, scim.dialect.keeps_unmapped, roles=self._roles)


@lru_cache(maxsize=64)
def _config(base_url: str, *, interop: bool, roles: bool) -> bytes:
    return json_text.dumps(service_provider_config(base_url, interop_profile=interop, roles=roles))


@lru_cache(maxsize=64)
def _document(make: Callable[[View], Document], view: View) -> bytes:
    return json_text.dumps(make(view))


def _check_query(scim: ScimRequest) -> None:
    if scim.names_parameter("filter"):
        raise filter_forbidden()
