"""Limits on guessing passwords: how often one may be tried, by whom and for whom.

Counted in the memory of each process, within minutes; a password that was right is not counted.
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

WINDOW: Final = 60.0
"""Seconds after which counting begins anew."""

MAX_KEYS: Final = 30_000
"""How many counters there are; the oldest is forgotten for a new one."""

PAIR_LIMIT: Final = 10
"""Wrong passwords for one user name from one client."""

LIMIT: Final = 100
"""Wrong passwords from one client, for whomever; and for one user name, from wherever."""

CALLER_LIMIT: Final = 1_000
"""Wrong passwords that one service asks about, for all who log in to it."""


class Attempts:
    """Counts attempts by user name, by client (empty when it is not known, which is for a caller
    alone) and by the service that calls for others, if one does. `clock` tells seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[bytes, tuple[float, int]] = {}

    def begin(self, user_name: str, client: str, caller: str = "") -> None:
        """Count an attempt as a wrong one. Raises RATE_LIMITED when there were too many."""
        now = self._clock()
        keys = _keys(user_name, client, caller)
        counts = [(key, self._count(key, now), limit) for key, limit in keys]
        for _, (end, count), limit in counts:
            if count >= limit:
                raise _too_many(math.ceil(end - now))
        for key, (end, count), _ in counts:
            self._counts.pop(key, None)
            self._counts[key] = (end, count + 1)
        while len(self._counts) > MAX_KEYS:
            del self._counts[next(iter(self._counts))]

    def take_back(self, user_name: str, client: str, caller: str = "") -> None:
        """Count an attempt no more: the password was right, or was not looked at."""
        for key, _ in _keys(user_name, client, caller):
            end, count = self._counts.get(key, (0.0, 0))
            if count > 1:
                self._counts[key] = (end, count - 1)
            else:
                self._counts.pop(key, None)

    def _count(self, key: bytes, now: float) -> tuple[float, int]:
        end, count = self._counts.get(key, (0.0, 0))
        return (end, count) if end > now else (now + WINDOW, 0)


def _keys(user_name: str, client: str, caller: str) -> list[tuple[bytes, int]]:
    """The counters of an attempt and their limits; a hash, since names may be long."""
    keys = [
        (_key("pair", user_name, client, caller if not client else ""), PAIR_LIMIT),
        (_key("name", user_name), LIMIT),
    ]
    if client:
        keys.append((_key("client", client), LIMIT))
    if caller:
        keys.append((_key("caller", caller), CALLER_LIMIT))
    return keys


def _key(*parts: str) -> bytes:
    # Each part is hashed by itself: joined, two pairs could read the same.
    hashes = b"".join(hashlib.blake2b(part.encode(), digest_size=16).digest() for part in parts)
    return hashlib.blake2b(hashes, digest_size=16).digest()


def _too_many(seconds: int) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_RATE_LIMITED,
        f"Too many attempts with wrong passwords; try again in {seconds} seconds.",
        metadata={"retrySeconds": str(seconds)},
        retry_after=seconds,
    )
