"""One connection to the service: credentials and a deadline on every call, errors by meaning."""

from __future__ import annotations

import base64
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from grpc.aio import AioRpcError

from rollbook.client.channel import TLS, open_channel
from rollbook.errors import error_from_rpc
from rollbook.metadata import REVISION, TENANT

if TYPE_CHECKING:
    from collections.abc import Iterable

    import grpc.aio

Q = TypeVar("Q")
R = TypeVar("R")

DEFAULT_TIMEOUT: Final = 10.0
"""Seconds until a call is given up, unless client or call say otherwise."""


class Connection:
    """What the calls on users and groups share. The channel is opened with the first call,
    since it belongs to the event loop that runs then."""

    def __init__(
        self,
        address: str,
        *,
        authorization: str | None,
        tls: TLS | None,
        timeout: float,
        tenant: str | None = None,
    ) -> None:
        self.address = address
        self._tls = tls
        self._timeout = _positive(timeout)
        self._metadata = _metadata(authorization, tenant)
        self._closed = False
        self.revision = ""
        """That of the write that was answered last; empty before the first."""

    @cached_property
    def channel(self) -> grpc.aio.Channel:
        """The channel. Raises RuntimeError when the client is closed."""
        if self._closed:
            raise RuntimeError("The client is closed.")
        return open_channel(self.address, self._tls)

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Q, R],
        request: Q,
        timeout: float | None = None,
        *,
        metadata: tuple[tuple[str, str], ...] = (),
    ) -> R:
        """Make one call and return its answer; `timeout` in seconds, None for the client's, and
        `metadata` goes along beside the credentials. Raises `rollbook.errors.RollbookError`."""
        if self._closed:
            raise RuntimeError("The client is closed.")
        seconds = self._timeout if timeout is None else _positive(timeout)
        try:
            call = method(request, timeout=seconds, metadata=self._metadata + metadata)
            answer = await call
            self._note(await call.trailing_metadata())
        except AioRpcError as failure:
            raise error_from_rpc(failure) from failure
        return answer

    def _note(self, trailers: Iterable[tuple[str, str | bytes]]) -> None:
        for key, value in trailers:
            if key == REVISION:
                self.revision = str(value)

    async def close(self) -> None:
        """Close the channel; calls under way are cancelled. Closing twice is no error."""
        self._closed = True
        if "channel" in self.__dict__:
            await self.channel.close()


def bearer(token: str) -> str:
    """The authorization of a token. Raises ValueError when no header can carry it."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("The token is empty or has characters that no token has.")
    return f"Bearer {token}"


def basic(user: str, password: str) -> str:
    """The authorization of a user and password (RFC 7617). Raises ValueError when the user has
    a colon, which cannot be told from the one before the password."""
    if ":" in user:
        raise ValueError("The user of basic credentials cannot have a colon.")
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def _metadata(authorization: str | None, tenant: str | None) -> tuple[tuple[str, str], ...]:
    """Raises ValueError for a tenant that no metadata can carry."""
    if tenant and not (tenant.isascii() and tenant.isprintable()):
        raise ValueError(f"{tenant!r} is no tenant's name.")
    given = (("authorization", authorization), (TENANT, tenant))
    return tuple((key, text) for key, text in given if text)


def _positive(timeout: float) -> float:
    if timeout <= 0:
        raise ValueError(f"A timeout is a positive number of seconds, not {timeout}.")
    return timeout
