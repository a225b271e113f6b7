"""Requests made ready beforehand, over HTTP and over gRPC, so that sending them costs little."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bench.http_client import HttpConnection, request_bytes

if TYPE_CHECKING:
    import grpc

    from bench.measuring import Call

BytesOf = Callable[[int], bytes]
"""The request of a number."""


class HttpClient:
    """As many connections to one server as there are workers."""

    def __init__(self, connections: list[HttpConnection], token: str) -> None:
        self._connections = connections
        self._token = token

    @classmethod
    async def open(cls, port: int, workers: int, token: str) -> HttpClient:
        """Connects."""
        connections = [await HttpConnection.open("127.0.0.1", port) for _ in range(workers)]
        return cls(connections, token)

    def close(self) -> None:
        """Closes all connections."""
        for connection in self._connections:
            connection.close()

    def call(self, make: BytesOf, *expected: int) -> Call:
        """Sends what `make` gives; the status must be one of these."""

        async def call(worker: int, number: int) -> None:
            answer = await self._connections[worker].exchange(make(number))
            if answer.status not in expected:
                raise RuntimeError(f"{answer.status}: {answer.body[:500]!r}")

        return call

    def request(self, method: str, path: str, body: object = None) -> bytes:
        """A request of the SCIM API."""
        data = b"" if body is None else json.dumps(body).encode()
        return request_bytes(method, f"/scim/v2{path}", self._token, data)

    async def get(self, path: str) -> bytes:
        """The body of one answer."""
        answer = await self._connections[0].exchange(self.request("GET", path))
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"{answer.status}: {answer.body[:500]!r}")
        return answer.body


class GrpcClient:
    """One channel; messages are bytes both ways."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._channel = channel
        self._metadata = (("authorization", f"Bearer {token}"),)

    def call(self, method: str, make: BytesOf) -> Call:
        """Calls a method with what `make` gives; every failure raises."""
        send: Any = self._channel.unary_unary(method)

        async def call(_worker: int, number: int) -> None:
            await send(make(number), metadata=self._metadata)

        return call
