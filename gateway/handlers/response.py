"""Answers: JSON bodies in the form that the client accepts, and their header fields."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aiohttp.web import Response

from gateway.handlers.errors import error_headers
from gateway.handlers.negotiation import weights
from gateway.scim import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.web import BaseRequest

    from gateway.scim.errors import ScimError

SCIM_JSON: Final = "application/scim+json; charset=utf-8"
JSON: Final = "application/json; charset=utf-8"

SERVER: Final = "Rollbook"

VARY: Final = "Accept, Accept-Encoding"
"""What of a request the form of its answer depends on (RFC 9110 §12.5.5)."""

_EVERY_SCIM: Final = frozenset({"*/*", "application/*", "application/scim+json"})


def respond(
    http: BaseRequest,
    body: object = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer with a SCIM body; without one when it is None."""
    return respond_with(
        http, None if body is None else json_text.dumps(body), status=status, headers=headers
    )


def respond_with(
    http: BaseRequest,
    body: bytes | None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer whose body is JSON text already."""
    fields = {"Server": SERVER, "Vary": VARY}
    if body is not None:
        fields["Content-Type"] = _content_type(http.headers.get("Accept", ""))
    if headers:
        fields.update(headers)
    return Response(body=body, status=status, headers=fields)


def respond_error(http: BaseRequest, error: ScimError) -> Response:
    """The answer to a request that cannot be done."""
    return respond(http, error.body(), status=error.status, headers=error_headers(error))


def respond_plain(body: object, *, status: int = 200) -> Response:
    """An answer that is no SCIM message."""
    return Response(
        body=json_text.dumps(body),
        status=status,
        headers={"Content-Type": JSON, "Server": SERVER, "Cache-Control": "no-store"},
    )


def located(address: str) -> dict[str, str]:
    """The header fields that say which resource a body shows: both are its `meta.location` (RFC
    7644 §3.1, RFC 7643 §3.1), whatever address it was asked for by."""
    return {"Location": address, "Content-Location": address}


@lru_cache(maxsize=64)
def _content_type(accept: str) -> str:
    """application/json for a client that wants nothing else (RFC 7644 §3.8). Whatever a client
    says it accepts, it gets JSON: an error that it can read is better than 406."""
    accepted = {name for name, weight in weights(accept).items() if weight > 0}
    if "application/json" in accepted and not accepted & _EVERY_SCIM:
        return JSON
    return SCIM_JSON
