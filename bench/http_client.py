"""An HTTP client that costs next to nothing, so that it is the server that is measured.

It sends requests that are bytes already and reads answers by their Content-Length, over
connections that stay open. It knows nothing else of HTTP.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple, cast

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length: "


class HttpAnswer(NamedTuple):
    """Status and body of a response."""

    status: int
    body: bytes


class HttpConnection(asyncio.Protocol):
    """One connection that carries one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._received = b""
        self._waiting: asyncio.Future[HttpAnswer] | None = None

    @classmethod
    async def open(cls, host: str, port: int) -> HttpConnection:
        """Connects. Raises OSError."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, host, port)
        return connection

    def close(self) -> None:
        """Closes the connection."""
        self._transport.close()

    async def exchange(self, request: bytes) -> HttpAnswer:
        """Sends a whole request and returns its answer. Raises ConnectionError."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        answer = _complete(self._received)
        if answer is not None:
            self._received = b""
            self._resolve(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(f"the server closed: {exc}"))

    def _resolve(self, answer: HttpAnswer) -> None:
        assert self._waiting is not None
        self._waiting.set_result(answer)


def _complete(received: bytes) -> HttpAnswer | None:
    """The answer, once all of it is there."""
    end = received.find(_HEAD_END)
    if end < 0:
        return None
    head = received[: end + 2].lower()
    at = head.find(_LENGTH)
    length = int(head[at + len(_LENGTH) : head.index(b"\r", at + 2)]) if at >= 0 else 0
    if at < 0 and b"\r\ntransfer-encoding" in head:
        raise ValueError("an answer without a Content-Length")
    body = received[end + len(_HEAD_END) :]
    return HttpAnswer(int(head[9:12]), body) if len(body) >= length else None


def request_bytes(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """A whole request, ready to be sent."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        "Accept: application/scim+json\r\n"
    )
    if body:
        head += f"Content-Type: application/scim+json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body
