"""Revisions: the tokens by which a read asks to see a certain write.

A revision names the transaction of the write. A read sees it if its snapshot of the database does:
transactions do not become visible in the order of their ids, so a single number would not tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from service.domain.errors import DomainError, invalid_value

_REVISION: Final = re.compile(r"r1-([0-9a-f]{1,16})")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a statement saw of the database: every transaction before `xmax` but those running."""

    text: str
    xmax: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """Read the text form of PostgreSQL's pg_snapshot, `xmin:xmax:running,…`."""
        _, xmax, running = text.split(":")
        return cls(text, int(xmax), frozenset(map(int, filter(None, running.split(",")))))

    def sees(self, transaction_id: int) -> bool:
        """Whether the transaction had ended when the snapshot was taken."""
        return transaction_id < self.xmax and transaction_id not in self.running


def revision_of(transaction_id: int) -> str:
    """The revision that a write answers with. Opaque to clients."""
    return f"r1-{transaction_id:x}"


def transaction_of(revision: str) -> int:
    """The transaction that a revision names. Raises INVALID_VALUE."""
    match = _REVISION.fullmatch(revision)
    if match is None:
        raise unknown_revision()
    return int(match[1], 16)


def unknown_revision() -> DomainError:
    """No write of this service has such a revision."""
    return invalid_value(
        "at_least_as_fresh",
        "at_least_as_fresh is no revision that a write of this service has answered with.",
    )
