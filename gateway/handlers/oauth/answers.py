"""Answers to OAuth clients: JSON that nobody keeps, and errors by RFC 6749 §5.2."""

from __future__ import annotations

import functools
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiohttp.web import Response
from grpc.aio import AioRpcError

from gateway.handlers.errors import HttpError, from_bug, from_call
from gateway.handlers.response import JSON, SERVER
from gateway.scim import json_text
from gateway.scim.errors import ScimError
from rollbook.errors import error_from_rpc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from gateway.handlers.request import ScimRequest

    Handler = Callable[[Any, ScimRequest], Awaitable[Response]]

NOT_STORED: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}

_BASIC: Final = 'Basic realm="rollbook", charset="UTF-8"'


class Refusal(NamedTuple):
    """What a client or a browser is told: a status, a code of RFC 6749, words for people, and
    header fields."""

    status: int
    error: str
    description: str
    headers: Mapping[str, str]


def respond_json(body: object, *, status: int = 200, **headers: str) -> Response:
    """JSON that nobody keeps (RFC 6749 §5.1)."""
    return Response(
        body=json_text.dumps(body),
        status=status,
        headers={"Content-Type": JSON, "Server": SERVER, **NOT_STORED, **headers},
    )


def answering_clients(handler: Handler) -> Handler:
    """Answers whatever goes wrong in a handler as clients of OAuth understand it."""

    @functools.wraps(handler)
    async def answered(self: Any, scim: ScimRequest) -> Response:
        try:
            return await handler(self, scim)
        except Exception as error:  # noqa: BLE001  # the last resort logs it
            refusal = refusal_of(error, scim)
        body = {"error": refusal.error, "error_description": refusal.description}
        response = respond_json(body, status=refusal.status)
        response.headers.update(refusal.headers)
        return response

    return answered


def refusal_of(error: Exception, scim: ScimRequest) -> Refusal:
    """What is said of an error."""
    if isinstance(error, AioRpcError):
        return _of_call(error, scim)
    if isinstance(error, ScimError):
        headers = error.headers if isinstance(error, HttpError) else {}
        status = HTTPStatus.BAD_REQUEST if error.status == _MEDIA_TYPE else error.status
        return Refusal(status, "invalid_request", error.detail, headers)
    return _of_status(from_bug(scim.request_id))


_MEDIA_TYPE: Final = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
"""A body that is no form is malformed, no more (RFC 6749 §5.2)."""

_CREDENTIALS: Final = {
    # RFC 6750 §3.1
    "CREDENTIALS_MISSING": (401, "invalid_token", {"WWW-Authenticate": 'Bearer realm="rollbook"'}),
    "CREDENTIALS_INVALID": (
        401,
        "invalid_token",
        {"WWW-Authenticate": 'Bearer realm="rollbook", error="invalid_token"'},
    ),
    "SCOPE_MISSING": (403, "insufficient_scope", {}),
    "OAUTH_CLIENT_INVALID": (401, "invalid_client", {"WWW-Authenticate": _BASIC}),
}


def _of_call(failure: AioRpcError, scim: ScimRequest) -> Refusal:
    told = error_from_rpc(failure)
    if told.reason in _CREDENTIALS:
        status, error, headers = _CREDENTIALS[told.reason]
        return Refusal(status, error, told.message, headers)
    if told.reason == "OAUTH_REQUEST_INVALID":
        error = told.metadata.get("error", "invalid_request")
        return Refusal(HTTPStatus.BAD_REQUEST, error, told.message, {})
    return _of_status(from_call(failure, scim.request_id))


def _of_status(error: ScimError) -> Refusal:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    return Refusal(error.status, _code_of(error.status), error.detail, headers)


def _code_of(status: int) -> str:
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return "temporarily_unavailable"
    return "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request"
