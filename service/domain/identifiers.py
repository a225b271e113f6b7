"""Identifiers of resources: UUIDs of version 7, whose order is the order of creation."""

from __future__ import annotations

import secrets
import time
from threading import Lock
from typing import Final
from uuid import UUID

_RANDOM_BITS: Final = 74


class _Clock:
    """Hands out ever larger numbers: milliseconds, then 74 random bits that grow within one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = 0

    def next(self) -> int:
        fresh = time.time_ns() // 1_000_000 << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        with self._lock:
            # Within one millisecond, or after the clock was set back, count on from the last.
            if fresh <= self._last or fresh >> _RANDOM_BITS == self._last >> _RANDOM_BITS:
                fresh = self._last + 1 + secrets.randbits(32)
            self._last = fresh
            return fresh


_clock = _Clock()


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562 §5.7), larger than every one that this process made before."""
    number = _clock.next()
    milliseconds, random = number >> _RANDOM_BITS, number & ((1 << _RANDOM_BITS) - 1)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
