"""The HTTP server: aiohttp's, answering in SCIM's form even what is no HTTP, with an end to its
patience."""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web import BaseRequest, RequestHandler, Server, StreamResponse

from gateway.handlers.errors import HttpError
from gateway.handlers.response import respond_error
from gateway.scim.errors import from_reason
from gateway.slow_clients import SlowClients

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import StreamReader
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http import RawRequestMessage

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

    __slots__ = ("_server",)

    def __init__(self, server: HttpServer, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sees to it that the system does not wait for ever for a client to read, either."""
        super().connection_made(transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            patience = round(self._server.readers.seconds * 1_000)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)

    def give_up(self) -> None:
        """Cuts the connection, whatever is on its way."""
        if self.transport is not None:
            self.transport.abort()

    async def finish_response(
        self, request: BaseRequest, resp: StreamResponse, start_time: float | None
    ) -> tuple[StreamResponse, bool]:
        """Writes an answer."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._server.rests(self)

    async def _drain_helper(self) -> None:
        """Waits until a client has read most of an answer; called when it reads slowly."""
        unread = 0 if self.transport is None else self.transport.get_write_buffer_size()
        try:
            async with self._server.readers.waited_for() as hold:
                hold(unread)
                await super()._drain_helper()
        except TimeoutError:
            self.give_up()
            raise ConnectionResetError("The client does not read its answer.") from None

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
    """A server that hands every request to `handle`.

    Of connections that are too many, the one that has been at rest longest is cut: without a
    request, or with a part of a head.
    """

    def __init__(
        self, handle: Callable[[BaseRequest], Awaitable[StreamResponse]], settings: Settings
    ) -> None:
        super().__init__(handle, request_factory=self._begun)
        self.readers = SlowClients(settings.http_write_timeout, settings.slow_requests)
        self._max_connections = settings.http_max_connections
        self._at_rest: dict[_Connection, None] = {}
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
        return _Connection(self, **self._options)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Called by a new connection."""
        super().connection_made(handler, transport)
        assert isinstance(handler, _Connection)
        self._at_rest[handler] = None
        if len(self._connections) > self._max_connections:
            # Not in the middle of making a connection, which may be the one.
            asyncio.get_running_loop().call_soon(self._make_room)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Called by a connection that has ended."""
        assert isinstance(handler, _Connection)
        self._at_rest.pop(handler, None)
        super().connection_lost(handler, exc)

    def _make_room(self) -> None:
        """Cuts the connection that is longest at rest: the newest one when all others are busy."""
        if self._at_rest:
            longest = next(iter(self._at_rest))
            del self._at_rest[longest]
            longest.give_up()

    def rests(self, connection: _Connection) -> None:
        """Called by a connection whose request has been answered."""
        if connection.connected:
            self._at_rest[connection] = None

    def _begun(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> BaseRequest:
        """The request of a connection that is busy with it from now on."""
        assert isinstance(protocol, _Connection)
        self._at_rest.pop(protocol, None)
        return BaseRequest(message, payload, protocol, writer, task, asyncio.get_running_loop())


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
