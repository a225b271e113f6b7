"""What arrives of a call, within limits of size and time: its metadata and its message."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import grpc

    Context = grpc.aio.ServicerContext[bytes, bytes]

MAX_METADATA_BYTES: Final = 16 * 1024

_LOOKS: Final = 20
"""How often, in the time that a message may take, it is looked at which ones have taken that."""

_FIELD_BYTES: Final = 32
"""What HTTP/2 adds to names and values when it counts a header list (RFC 9113 §6.5.2)."""


def metadata_of(context: Context) -> dict[str, str]:
    """Keys are lower-case in HTTP/2. Of a repeated one the last counts; several credentials are
    wrong ones: a proxy might have looked at others than would count here."""
    metadata: dict[str, str] = {}
    credentials = 0
    for key, value in context.invocation_metadata() or ():
        credentials += key == "authorization"
        if isinstance(value, str):
            metadata[key] = value
    if credentials > 1:
        metadata["authorization"] = "invalid"
    return metadata


def require_moderate(metadata: Mapping[str, str]) -> None:
    """Raises PAYLOAD_TOO_LARGE for metadata of more than `MAX_METADATA_BYTES`."""
    size = _FIELD_BYTES * len(metadata)
    for key, value in metadata.items():
        size += len(key) + len(value)
    if size > MAX_METADATA_BYTES:
        raise _too_large("The metadata of the call", MAX_METADATA_BYTES)


class Arrivals:
    """Waits for the messages of calls, of `max_bytes` each, no longer than `seconds` and for no
    more than `places` of them at a time: who opens calls and says nothing keeps out nobody else.
    """

    def __init__(self, max_bytes: int, seconds: float, places: int) -> None:
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._places = places
        # Since when each is waited for, the oldest first.
        self._waiting: dict[asyncio.Timeout, float] = {}
        self._look: asyncio.TimerHandle | None = None

    async def message(self, context: Context) -> bytes:
        """The message of a call, not parsed.

        Raises INVALID_SYNTAX when the caller ends without one, PAYLOAD_TOO_LARGE, and
        DEADLINE_EXCEEDED when it did not arrive in time.
        """
        try:
            body = await self._read(context)
        except TimeoutError:
            raise DomainError(
                ErrorReason.ERROR_REASON_DEADLINE_EXCEEDED,
                "The message of the call did not arrive in time.",
            ) from None
        if not isinstance(body, bytes):
            raise DomainError(
                ErrorReason.ERROR_REASON_INVALID_SYNTAX, "The call ended without a message."
            )
        if len(body) > self._max_bytes:
            raise _too_large("The message of the call", self._max_bytes)
        return body

    async def _read(self, context: Context) -> object:
        """The message, or what says that there is none. Raises TimeoutError."""
        if len(self._waiting) >= self._places:
            self._give_up_the_oldest()
        # One timer for all of them: most messages are there already.
        async with asyncio.timeout(None) as waiting:
            loop = asyncio.get_running_loop()
            self._waiting[waiting] = loop.time()
            if self._look is None:
                self._look_later(loop)
            try:
                # The types know of no end.
                return cast("object", await context.read())
            finally:
                self._waiting.pop(waiting, None)

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._look = loop.call_later(self._seconds / _LOOKS, self._give_up_late_ones, loop)

    def _give_up_late_ones(self, loop: asyncio.AbstractEventLoop) -> None:
        latest = loop.time() - self._seconds
        while self._waiting and next(iter(self._waiting.values())) <= latest:
            self._give_up_the_oldest()
        self._look = None
        if self._waiting:
            self._look_later(loop)

    def _give_up_the_oldest(self) -> None:
        oldest = next(iter(self._waiting))
        del self._waiting[oldest]
        if not oldest.expired():
            oldest.reschedule(asyncio.get_running_loop().time())


def _too_large(what: str, limit: int) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_PAYLOAD_TOO_LARGE,
        f"{what} is larger than {limit} bytes, the most that is allowed.",
        metadata={"limitBytes": str(limit)},
    )
