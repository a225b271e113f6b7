"""Who is let in with a client certificate: credentials of the kind `certificate`, which are found
by a hash of the pattern that they have in the place of a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.access import Scope, scopes_named
from rollbook.v1.workload_service_pb2 import CertificateIdentity as Message
from service.domain.certificate_names import digest_of
from service.domain.identifiers import new_id
from service.domain.timestamps import timestamp

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from service.storage.database import Connection

_COLUMNS: Final = """
id, name, pattern, scopes, create_time, last_use_time, principal_id, revoke_time, version
"""


@dataclass(frozen=True, slots=True)
class CertificateIdentity:
    """One pattern of names, and what their holders may."""

    id: UUID
    name: str
    pattern: str
    scopes: frozenset[Scope]
    create_time: datetime
    last_use_time: datetime | None
    principal_id: UUID | None
    revoke_time: datetime | None
    version: int

    def message(self) -> Message:
        """The identity as the contract has it."""
        return Message(
            id=str(self.id),
            name=self.name,
            pattern=self.pattern,
            scopes=sorted(self.scopes),
            create_time=timestamp(self.create_time),
            last_use_time=timestamp(self.last_use_time),
            principal_id=str(self.principal_id or ""),
            revoke_time=timestamp(self.revoke_time),
        )


def _identity(row: asyncpg.Record) -> CertificateIdentity:
    return CertificateIdentity(**{**row, "scopes": scopes_named(row["scopes"])})


async def insert(
    connection: Connection,
    tenant_id: UUID,
    name: str,
    pattern: str,
    scopes: frozenset[Scope],
    principal_id: UUID | None,
) -> CertificateIdentity | None:
    """Store an identity; None when the pattern is in use, in whichever tenant."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO credentials
        (tenant_id, id, name, kind, token_hash, pattern, scopes, principal_id)
        VALUES ($1, $2, $3, 'certificate', $4, $5, $6, $7)
        ON CONFLICT (token_hash) DO NOTHING
        RETURNING {_COLUMNS}
        """,
        tenant_id,
        new_id(),
        name,
        digest_of(pattern),
        pattern,
        sorted(scopes),
        principal_id,
    )
    return _identity(row) if row else None


async def page(
    connection: Connection, tenant_id: UUID, *, before: UUID | None, limit: int
) -> list[CertificateIdentity]:
    """Identities, the newest first, beginning behind the one of that id."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM credentials
        WHERE tenant_id = $1 AND kind = 'certificate' AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3
        """,
        tenant_id,
        before,
        limit,
    )
    return [_identity(row) for row in rows]


async def delete(
    connection: Connection, tenant_id: UUID, identifier: UUID
) -> CertificateIdentity | None:
    """Remove an identity; what it was, None when there is none."""
    row = await connection.fetchrow(
        f"""
        DELETE FROM credentials WHERE tenant_id = $1 AND id = $2 AND kind = 'certificate'
        RETURNING {_COLUMNS}
        """,
        tenant_id,
        identifier,
    )
    return _identity(row) if row else None
