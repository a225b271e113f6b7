"""Access tokens that workloads got for tokens of an issuer: credentials of the kind `workload`.
They stand and fall with the issuer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.identifiers import new_id

if TYPE_CHECKING:
    from uuid import UUID

    from rollbook.access import Scope
    from service.storage.database import Connection


@dataclass(frozen=True, slots=True)
class NewWorkloadToken:
    """What a token is to be: given by an issuer as it was in one version, valid for so many
    seconds. `name` signs what it changes, `subject` is the workload, `hash` the SHA-256 of the
    secret."""

    issuer_id: UUID
    issuer_version: int
    name: str
    subject: str
    hash: bytes
    hint: str
    scopes: frozenset[Scope]
    seconds: int


async def insert(connection: Connection, tenant_id: UUID, new: NewWorkloadToken) -> bool:
    """Store a token; False when what it was given for is trusted no more, or otherwise."""
    status = await connection.execute(
        """
        INSERT INTO credentials (
            tenant_id, id, name, kind, token_hash, scopes, hint, has_checksum, expire_time,
            issuer_id, subject
        )
        SELECT tenant_id, $4, $5, 'workload', $6, $7, $8, true, now() + make_interval(secs => $9),
            id, $10
        FROM issuers WHERE tenant_id = $1 AND id = $2 AND version = $3
        -- Whoever changes or removes the issuer either waits and ends this one, or came first.
        FOR SHARE
        """,
        tenant_id,
        new.issuer_id,
        new.issuer_version,
        new_id(),
        new.name,
        new.hash,
        sorted(new.scopes),
        new.hint,
        new.seconds,
        new.subject,
    )
    return status == "INSERT 0 1"


async def delete_of_issuer(connection: Connection, tenant_id: UUID, issuer_id: UUID) -> None:
    """Let all of an issuer's be valid no more."""
    await connection.execute(
        "DELETE FROM credentials WHERE tenant_id = $1 AND issuer_id = $2", tenant_id, issuer_id
    )
