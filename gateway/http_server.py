"""The HTTP server: aiohttp's, answering in SCIM's form even what is no HTTP."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web import BaseRequest, RequestHandler, Server, StreamResponse

from gateway.handlers.errors import HttpError
from gateway.handlers.response import respond_error
from gateway.scim.errors import from_reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.scim.errors import ScimError
    from gateway.settings import Settings

_log = structlog.get_logger(__name__)

_MAX_LINE_BYTES: Final = 32 * 1024
"""Of the request line: more than any filter may have, whose own limit says more clearly what is
wrong."""

_MAX_FIELD_BYTES: Final = 8 * 1024
"""Of a header field. Credentials have to fit into the metadata of a call, 16 KiB in all."""


class _Connection(RequestHandler):
    """One client's connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        """Answers what aiohttp found wrong with a request, in words of our own: its message
        quotes the request, which may hold credentials."""
        del message
        response = respond_error(request, _error(status, exc))
        response.force_close()
        return response


class HttpServer(Server):
    """A server that hands every request to `handle`."""

    def __init__(
        self, handle: Callable[[BaseRequest], Awaitable[StreamResponse]], settings: Settings
    ) -> None:
        super().__init__(handle)
        self._options: dict[str, Any] = {
            "access_log": None,
            # Bodies are unpacked where the limit on their size is known.
            "auto_decompress": False,
            "keepalive_timeout": settings.http_idle_timeout,
            "max_line_size": _MAX_LINE_BYTES,
            "max_field_size": _MAX_FIELD_BYTES,
        }

    def __call__(self) -> RequestHandler:
        """Makes what speaks HTTP on a new connection."""
        return _Connection(self, loop=asyncio.get_running_loop(), **self._options)


def _error(status: int, exc: BaseException | None) -> ScimError:
    if isinstance(exc, LineTooLong):
        return _too_long(limit=exc.args[1])
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return HttpError(status, "The request is no valid HTTP/1.1 message.")
    _log.error("answering_failed", exc_info=exc)
    return from_reason("INTERNAL", "")


def _too_long(limit: object) -> HttpError:
    """The limit tells which line it was; RFC 9110 §15.5.15, RFC 6585 §5."""
    if str(limit) == str(_MAX_LINE_BYTES):
        return HttpError(
            414, f"The URL is longer than {limit} bytes; long filters can be sent to .search."
        )
    return HttpError(431, f"A header field is longer than {_MAX_FIELD_BYTES} bytes.")
