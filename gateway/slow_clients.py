"""Patience with clients: how long they are waited for, and how much may be held for them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

MAX_HELD_BYTES: Final = 256 * 1024 * 1024
"""What is held for all clients that are waited for, of bodies and of answers each."""


class SlowClients:
    """Waits for clients, up to `seconds` for each. When it waits for more than `places`, or what
    it holds for them is more than `MAX_HELD_BYTES`, the one it has waited for longest is given up:
    who is slow on purpose keeps out nobody else.
    """

    def __init__(self, seconds: float, places: int) -> None:
        self.seconds = seconds
        self._places = places
        self._waiting: dict[asyncio.Timeout, int] = {}
        self._held = 0

    @asynccontextmanager
    async def waited_for(self) -> AsyncIterator[Callable[[int], None]]:
        """Around waiting for one; called with a number of bytes, it holds so many more. Raises
        TimeoutError."""
        async with asyncio.timeout(self.seconds) as waiting:
            self._waiting[waiting] = 0
            try:
                self._make_room()
                yield lambda size: self._hold(waiting, size)
            finally:
                self._held -= self._waiting.pop(waiting, 0)

    def _hold(self, waiting: asyncio.Timeout, size: int) -> None:
        if waiting in self._waiting:
            self._waiting[waiting] += size
            self._held += size
            self._make_room()

    def _make_room(self) -> None:
        while len(self._waiting) > self._places or self._held > MAX_HELD_BYTES:
            oldest = next(iter(self._waiting))
            self._held -= self._waiting.pop(oldest)
            if not oldest.expired():
                oldest.reschedule(asyncio.get_running_loop().time())
