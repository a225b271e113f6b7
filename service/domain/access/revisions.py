"""Revisions: the tokens by which a read asks to see a certain write.

A revision names the transaction of the write. A read sees it if its snapshot of the database does:
transactions do not become visible in the order of their ids, so a single number would not tell.

The ids are those of all tenants of a database: whoever could read them would see how much the
others write. So they are encrypted, and good in their own tenant alone.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from service.domain.errors import DomainError, invalid_value

if TYPE_CHECKING:
    from uuid import UUID

_VERSION: Final = "r2-"
_ID_BYTES: Final = 8
_LENGTH: Final = len(_VERSION) + (16 + _ID_BYTES) * 4 // 3


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


class Revisions:
    """Makes and reads revisions with a key of 32 bytes that every worker and replica shares."""

    def __init__(self, key: bytes) -> None:
        # RFC 5297: the same transaction has the same revision, and a changed one is found out.
        self._cipher = AESSIV(key)

    def of(self, tenant_id: UUID, transaction_id: int) -> str:
        """The revision that a write of a tenant answers with. Opaque to clients."""
        text = self._cipher.encrypt(transaction_id.to_bytes(_ID_BYTES), [tenant_id.bytes])
        return _VERSION + base64.urlsafe_b64encode(text).decode("ascii")

    def transaction_of(self, tenant_id: UUID, revision: str) -> int | None:
        """The transaction that a revision names; None when it is empty, which asks for nothing.

        Raises INVALID_VALUE for what no write of the tenant has answered with.
        """
        if not revision:
            return None
        if len(revision) != _LENGTH or not revision.startswith(_VERSION):
            raise unknown_revision()
        try:
            encoded = revision.removeprefix(_VERSION)
            text = base64.b64decode(encoded, altchars=b"-_", validate=True)
            return int.from_bytes(self._cipher.decrypt(text, [tenant_id.bytes]))
        except (binascii.Error, ValueError, InvalidTag):
            raise unknown_revision() from None


def unknown_revision() -> DomainError:
    """No write of the tenant has such a revision."""
    return invalid_value(
        "at_least_as_fresh",
        "at_least_as_fresh is no revision that a write to this tenant has answered with: give the "
        "`rollbook-revision` of one as it is.",
    )
