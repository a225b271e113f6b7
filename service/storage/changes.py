"""The trace of every write: a row for each resource that a transaction changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from service.domain.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from rollbook.access import Scope
    from service.storage.database import Connection

Action = Literal["create", "update", "delete"]


@dataclass(slots=True)
class Effects:
    """What others have to hear of between the commit of a call's writes and its answer.
    `credentials_ended`: what a worker believes of any credentials, or of where tenants and SCIM
    connections stand, may be true no more. `rights_changed`: of those of principals, by what their
    roles grant them.
    `transaction_id`: of the transaction that wrote, by which readers can ask for what it did."""

    credentials_ended: bool = False
    rights_changed: bool = False
    transaction_id: int | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes: the tenant written to, the name of the credential, the habits of the client
    that were put right on the way in, what the writes bring about, what that makes of who
    manages what is written, what the credential is good for, and whose it is."""

    tenant_id: UUID
    name: str
    tolerances: Sequence[str] = ()
    effects: Effects = field(default_factory=Effects, compare=False)
    provenance: Provenance = field(default_factory=Provenance)
    scopes: frozenset[Scope] = frozenset()
    principal_id: UUID | None = None

    @property
    def source(self) -> str:
        """The origin of what is made, and the source of the roles that are given."""
        return self.provenance.source

    def having_met(self, habit: str) -> Author:
        """The same, with a habit of the SCIM client's that showed only when the service did what
        it asked for. Callers over gRPC have none."""
        if self.provenance.connection is None or habit in self.tolerances:
            return self
        return replace(self, tolerances=[*self.tolerances, habit])

    def with_source(self, source: str) -> Author:
        """The same, giving roles as another source."""
        return replace(self, provenance=replace(self.provenance, source=source))


@dataclass(frozen=True, slots=True)
class Change:
    """One resource changed. `message` is the resource afterwards, None when it was deleted."""

    action: Action
    resource_type: str
    resource_id: UUID
    version: int
    time: datetime
    attributes: Sequence[str]
    message: bytes | None
    members_added: Sequence[UUID] = ()
    members_removed: Sequence[UUID] = ()


_INSERT: Final = """
INSERT INTO changes (
    tenant_id, change_time, actor, action, resource_type, resource_id, version,
    attributes, message, members_added, members_removed, tolerances
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""


async def record(connection: Connection, author: Author, change: Change) -> None:
    """Write one change, in the transaction that makes it."""
    transaction_id = await connection.fetchval(
        f"{_INSERT} RETURNING transaction_id::text", *_values(author, change)
    )
    author.effects.transaction_id = int(transaction_id)


async def record_all(connection: Connection, changes: Iterable[tuple[Author, Change]]) -> None:
    """Write changes, in this order, in the transaction that makes them."""
    await connection.executemany(_INSERT, [_values(*each) for each in changes])


def _values(author: Author, change: Change) -> tuple[object, ...]:
    return (
        author.tenant_id,
        change.time,
        author.name,
        change.action,
        change.resource_type,
        change.resource_id,
        change.version,
        change.attributes,
        change.message,
        change.members_added,
        change.members_removed,
        author.tolerances,
    )
