"""Limits on guessing passwords: how often one may be tried, by whom and for whom.

Counted within minutes, in memory that all workers of a machine share; a password that was right is
not counted. Two attempts that begin in the same moment on two workers may count once.
"""

from __future__ import annotations

import hashlib
import math
import time
from typing import TYPE_CHECKING, Final

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.shared_memory import SharedWords

WINDOW: Final = 60
"""Seconds after which counting begins anew."""

PAIR_LIMIT: Final = 10
"""Wrong passwords for one user name from one client."""

LIMIT: Final = 100
"""Wrong passwords from one client, for whomever; and for one user name, from wherever."""

CALLER_LIMIT: Final = 1_000
"""Wrong passwords that one service asks about, for all who log in to it."""

COUNTERS: Final = 65_536
WORDS: Final = 2 * COUNTERS
"""Of shared memory: for each counter whose it is, and its window's end with its count."""

_NEIGHBOURS: Final = 8
"""How many places are looked at for a counter. When others are using all of them, the one that
has counted least is forgotten."""

_COUNT_BITS: Final = 24
_MAX_COUNT: Final = (1 << _COUNT_BITS) - 1


class Attempts:
    """Counts attempts by user name, by client (empty when it is not known, which is for a caller
    alone) and by the service that calls for others, if one does; those of each `purpose` by
    themselves. `clock` tells milliseconds, the same to all processes."""

    def __init__(
        self,
        memory: SharedWords,
        purpose: str,
        clock: Callable[[], int] = lambda: time.monotonic_ns() // 1_000_000,
    ) -> None:
        self._memory = memory
        self._purpose = purpose
        self._clock = clock

    def begin(self, user_name: str, client: str, caller: str = "") -> None:
        """Count an attempt as a wrong one. Raises RATE_LIMITED when there were too many."""
        now = self._clock()
        keys = _keys(self._purpose, user_name, client, caller)
        for key, limit in keys:
            end, count = self._read(key, now)
            if count >= limit:
                raise _too_many(math.ceil((end - now) / 1_000))
        for key, _ in keys:
            end, count = self._read(key, now)
            self._write(key, now, end, min(count + 1, _MAX_COUNT))

    def take_back(self, user_name: str, client: str, caller: str = "") -> None:
        """Count an attempt no more: the password was right, or was not looked at."""
        now = self._clock()
        for key, _ in _keys(self._purpose, user_name, client, caller):
            end, count = self._read(key, now)
            if count:
                self._write(key, now, end, count - 1)

    def _read(self, key: int, now: int) -> tuple[int, int]:
        """When the window of a counter ends, in milliseconds, and what it has counted."""
        words = self._memory.words
        for place in _places(key):
            end, count = _unpacked(words[place + 1])
            # An end too far off is of a clock left behind that has begun anew since.
            if words[place] == key and now < end <= now + WINDOW * 1_000:
                return end, count
        return now + WINDOW * 1_000, 0

    def _write(self, key: int, now: int, end: int, count: int) -> None:
        """Sets a counter, in its own place, or an ended one's, or the one that counted least."""
        words = self._memory.words

        def standing(place: int) -> tuple[bool, int]:
            ends, counted = _unpacked(words[place + 1])
            return words[place] != key, counted if now < ends <= now + WINDOW * 1_000 else 0

        place = min(_places(key), key=standing)
        words[place] = key
        words[place + 1] = end << _COUNT_BITS | count


def _places(key: int) -> list[int]:
    first = 2 * (key % COUNTERS)
    return [place % WORDS for place in range(first, first + 2 * _NEIGHBOURS, 2)]


def _unpacked(word: int) -> tuple[int, int]:
    return word >> _COUNT_BITS, word & _MAX_COUNT


def _keys(purpose: str, user_name: str, client: str, caller: str) -> list[tuple[int, int]]:
    """The counters of an attempt and their limits; a hash, since names may be long."""
    keys = [
        (_key(purpose, "pair", user_name, client, caller if not client else ""), PAIR_LIMIT),
        (_key(purpose, "name", user_name), LIMIT),
    ]
    if client:
        keys.append((_key(purpose, "client", client), LIMIT))
    if caller:
        keys.append((_key(purpose, "caller", caller), CALLER_LIMIT))
    return keys


def _key(*parts: str) -> int:
    # Each part is hashed by itself: joined, two pairs could read the same.
    hashes = b"".join(hashlib.blake2b(part.encode(), digest_size=16).digest() for part in parts)
    return int.from_bytes(hashlib.blake2b(hashes, digest_size=8).digest(), "big")


def _too_many(seconds: int) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_RATE_LIMITED,
        f"Too many failed attempts; try again in {seconds} seconds.",
        metadata={"retrySeconds": str(seconds)},
        retry_after=seconds,
    )
