"""What the server can do and what resources look like (RFC 7644 §4).

Readable by anybody, since clients learn from it how to authenticate. Who has credentials sees the
schemas of their tenant, others those of the contract.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gateway.handlers.errors import filter_forbidden, no_such
from gateway.handlers.response import located, respond, respond_with
from gateway.scim import discovery, json_text
from rollbook.schema_sets import DEFAULT, SchemaSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.web import Response

    from gateway.handlers.request import ScimRequest
    from gateway.handlers.schema_sets import SchemaSets

    Document = dict[str, Any]


class DiscoveryHandlers:
    """Each handler may raise HttpError, and AioRpcError when it has to ask the service."""

    def __init__(self, schema_sets: SchemaSets) -> None:
        self._schema_sets = schema_sets

    async def service_provider_config(self, scim: ScimRequest) -> Response:
        """GET /ServiceProviderConfig (RFC 7643 §5)."""
        _check_query(scim)
        document = _config(scim.base_url, interop=scim.dialect.is_interop_profile)
        address = f"{scim.base_url}/ServiceProviderConfig"
        return respond_with(scim.http, document, headers=located(address))

    async def resource_types(self, scim: ScimRequest) -> Response:
        """GET /ResourceTypes (RFC 7643 §6)."""
        return await self._all(scim, discovery.resource_types)

    async def resource_type(self, scim: ScimRequest) -> Response:
        """GET /ResourceTypes/{name}."""
        return await self._one(scim, discovery.resource_type, "resource type")

    async def schemas(self, scim: ScimRequest) -> Response:
        """GET /Schemas (RFC 7643 §7)."""
        return await self._all(scim, discovery.schemas)

    async def schema(self, scim: ScimRequest) -> Response:
        """GET /Schemas/{urn}; the case of a URN does not matter."""
        return await self._one(scim, discovery.schema, "schema")

    async def _all(self, scim: ScimRequest, make: Callable[[str, SchemaSet], Document]) -> Response:
        _check_query(scim)
        schemas = await self._schemas(scim)
        return respond_with(scim.http, _document(make, scim.base_url, schemas))

    async def _one(
        self, scim: ScimRequest, make: Callable[[str, str, SchemaSet], Document | None], kind: str
    ) -> Response:
        _check_query(scim)
        document = make(scim.id, scim.base_url, await self._schemas(scim))
        if document is None:
            raise no_such(kind, scim.id)
        return respond(scim.http, document, headers=located(document["meta"]["location"]))

    async def _schemas(self, scim: ScimRequest) -> SchemaSet:
        if "Authorization" not in scim.http.headers:
            return DEFAULT
        return await self._schema_sets.fetch(scim)


@lru_cache(maxsize=64)
def _config(base_url: str, *, interop: bool) -> bytes:
    return json_text.dumps(discovery.service_provider_config(base_url, interop_profile=interop))


@lru_cache(maxsize=64)
def _document(
    make: Callable[[str, SchemaSet], Document], base_url: str, schemas: SchemaSet
) -> bytes:
    return json_text.dumps(make(base_url, schemas))


def _check_query(scim: ScimRequest) -> None:
    if scim.names_parameter("filter"):
        raise filter_forbidden()
