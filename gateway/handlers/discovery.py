"""What the server can do and what resources look like (RFC 7644 §4). Readable by anybody: the
documents hold nothing of a tenant, and clients learn from them how to authenticate."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.handlers.errors import filter_forbidden, no_such
from gateway.handlers.response import respond_with
from gateway.scim import discovery, json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.web import Response

    from gateway.handlers.request import ScimRequest


async def service_provider_config(scim: ScimRequest) -> Response:
    """GET /ServiceProviderConfig (RFC 7643 §5)."""
    return _respond(scim, _config(scim.base_url, interop=scim.dialect.is_interop_profile))


async def resource_types(scim: ScimRequest) -> Response:
    """GET /ResourceTypes (RFC 7643 §6)."""
    return _respond(scim, _document(discovery.resource_types, scim.base_url))


async def resource_type(scim: ScimRequest) -> Response:
    """GET /ResourceTypes/{name}."""
    return _respond_one(scim, discovery.resource_type, "resource type")


async def schemas(scim: ScimRequest) -> Response:
    """GET /Schemas (RFC 7643 §7)."""
    return _respond(scim, _document(discovery.schemas, scim.base_url))


async def schema(scim: ScimRequest) -> Response:
    """GET /Schemas/{urn}; the case of a URN does not matter."""
    return _respond_one(scim, discovery.schema, "schema")


@lru_cache(maxsize=64)
def _config(base_url: str, *, interop: bool) -> bytes:
    return json_text.dumps(discovery.service_provider_config(base_url, interop_profile=interop))


@lru_cache(maxsize=64)
def _document(make: Callable[[str], dict[str, object]], base_url: str) -> bytes:
    return json_text.dumps(make(base_url))


def _respond(scim: ScimRequest, document: bytes) -> Response:
    if scim.names_parameter("filter"):
        raise filter_forbidden()
    return respond_with(scim.http, document)


def _respond_one(
    scim: ScimRequest, make: Callable[[str, str], dict[str, object] | None], kind: str
) -> Response:
    document = make(scim.id, scim.base_url)
    if document is None:
        raise no_such(kind, scim.id)
    return _respond(scim, json_text.dumps(document))
