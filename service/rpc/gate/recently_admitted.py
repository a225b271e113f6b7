"""Whom a worker let in a moment ago: a service that asks often is looked at once in that time.

Only calls that come straight from whoever makes them, with credentials and for their own tenant:
nothing else of their metadata says whether they may.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from rollbook.metadata import EXPECT_TENANT, GATEWAY_CLAIMS, TENANT
from service.epoch import RIGHTS, Epoch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.domain.connections import Connections
    from service.rpc.gate.authentication import Caller
    from service.rpc.gate.rate_limits import Rate

SECONDS: Final = 0.1
"""How long somebody is believed to be who was let in: beside what is believed of credentials and
tenants, which was looked at before."""

SIZE: Final = 10_000

_END_IN_SIGHT: Final = 60.0
"""Seconds before their end from which credentials are looked at each time."""

_DECIDING: Final = GATEWAY_CLAIMS | {TENANT, EXPECT_TENANT}


class Admitted(NamedTuple):
    """Who was let in, with the connections and the rate limit of the tenant."""

    caller: Caller
    connections: Connections
    rate: Rate | None


class Look(NamedTuple):
    """What a decision to let in goes by: noted before anything is looked at."""

    key: tuple[str, bytes]
    time: float
    epochs: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Known:
    expires: float
    epochs: tuple[int, int]
    admitted: Admitted


class RecentlyAdmitted:
    """Remembers callers for each method, as long as the epochs stay the same."""

    def __init__(self, epoch: Epoch) -> None:
        self._epoch = epoch
        self._known: dict[tuple[str, bytes], _Known] = {}

    def look(self, method: str, metadata: Mapping[str, str]) -> Look | None:
        """What to find and keep a caller by; None for calls that nothing is remembered of."""
        header = metadata.get("authorization")
        if not header or not _DECIDING.isdisjoint(metadata):
            return None
        digest = hashlib.sha256(header.encode("utf-8", "surrogateescape")).digest()
        epochs = (self._epoch.current, self._epoch.at(RIGHTS))
        return Look((method, digest), time.monotonic(), epochs)

    def find(self, look: Look) -> Admitted | None:
        """Who was let in a moment ago."""
        known = self._known.get(look.key)
        if known is None or known.expires <= look.time or known.epochs != look.epochs:
            return None
        return known.admitted

    def keep(self, look: Look, admitted: Admitted) -> None:
        """Remember who has been let in."""
        ends = admitted.caller.expire_time
        if ends is not None and ends.timestamp() - time.time() < _END_IN_SIGHT:
            return
        if len(self._known) >= SIZE:
            self._known.clear()
        self._known[look.key] = _Known(look.time + SECONDS, look.epochs, admitted)
