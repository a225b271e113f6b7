"""Errors of HTTP itself and of failed calls, and how any error is answered (RFC 7644 §3.12)."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog

from gateway.scim.errors import ScimError, from_reason
from rollbook.errors import error_from_rpc

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grpc.aio import AioRpcError

_log = structlog.get_logger(__name__)

CHALLENGE: Final = 'Bearer realm="rollbook", Basic realm="rollbook", charset="UTF-8"'
"""The schemes a client can authenticate with (RFC 7644 §2, RFC 9110 §11.6.1)."""

JSON_MEDIA_TYPES: Final = "application/scim+json, application/json"


class HttpError(ScimError):
    """An error with header fields of its own."""

    def __init__(
        self,
        status: int,
        detail: str,
        scim_type: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, scim_type)
        self.headers = headers or {}


def bad_request(detail: str) -> HttpError:
    """400: the request is malformed before its body is looked at."""
    return HttpError(400, detail, "invalidValue")


def unknown_version(version: str) -> HttpError:
    """400: the path names a version of the protocol that is not 2 (RFC 7644 §3.13)."""
    return HttpError(400, f"SCIM {version} is not served; the version is v2.", "invalidVers")


def filter_forbidden() -> HttpError:
    """403: discovery endpoints cannot be filtered (RFC 7644 §4)."""
    return HttpError(403, "This endpoint cannot be filtered; ask for all of it.")


def unknown_endpoint(path: str, base_path: str) -> HttpError:
    """404: nothing is at this path."""
    return HttpError(
        404, f"There is no endpoint {path[:200]!r}; the SCIM base URL's path is {base_path!r}."
    )


def no_such(kind: str, name: str) -> HttpError:
    """404: the discovery endpoints know no such thing."""
    return HttpError(404, f"There is no {kind} {name[:200]!r}.")


def method_not_allowed(method: str, allow: str) -> HttpError:
    """405: the endpoint exists, the method does not; `allow` lists those that do."""
    return HttpError(
        405, f"{method} is not possible here; possible are {allow}.", headers={"Allow": allow}
    )


def body_timeout() -> HttpError:
    """408: the client is too slow."""
    return HttpError(408, "The body was not complete in time.")


def body_too_large(limit: int) -> HttpError:
    """413: the body is over the limit."""
    return HttpError(413, f"The body is larger than {limit} bytes.")


def unsupported_media_type(detail: str) -> HttpError:
    """415: the body is no JSON, or not in UTF-8."""
    return HttpError(415, detail, headers={"Accept": JSON_MEDIA_TYPES})


def unsupported_coding(coding: str) -> HttpError:
    """415: the body is packed in a way that is not known (RFC 9110 §15.5.16)."""
    return HttpError(
        415,
        f"The body's content coding is {coding[:200]!r}, not gzip.",
        headers={"Accept-Encoding": "gzip"},
    )


def expectation_failed(expectation: str) -> HttpError:
    """417: the only expectation there is, is 100-continue."""
    return HttpError(417, f"The expectation {expectation!r} cannot be met.")


def not_implemented(detail: str) -> HttpError:
    """501: a feature of SCIM that is not offered."""
    return HttpError(501, detail)


def from_call(failure: AioRpcError, request_id: str) -> ScimError:
    """The error for a call that failed; logged when the client is not to blame."""
    error = error_from_rpc(failure)
    retry_after = None if error.retry_after is None else max(1, math.ceil(error.retry_after))
    answer = from_reason(error.reason or error.code.name, error.message, retry_after=retry_after)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning(
            "call_failed",
            request_id=request_id,
            code=error.code.name,
            reason=error.reason,
            message=error.message,
        )
    return answer


def from_bug(request_id: str) -> ScimError:
    """500: a fault of the gateway, with which the log has the request's id."""
    _log.exception("request_failed", request_id=request_id)
    return from_reason("INTERNAL", "")


def error_headers(error: ScimError) -> dict[str, str]:
    """The header fields that the answer to an error needs."""
    headers = dict(error.headers) if isinstance(error, HttpError) else {}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = CHALLENGE
    if error.retry_after is not None:
        # Okta understands nothing but whole seconds.
        headers["Retry-After"] = str(error.retry_after)
    return headers
