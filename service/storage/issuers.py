"""Issuers of tokens that are credentials of a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook.v1.issuer_service_pb2 import Issuer
from service.domain.identifiers import new_id
from service.domain.issuer_rules import digest_of
from service.domain.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    from rollbook.access import Scope
    from service.storage.database import Connection


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer, and whose tenant's credentials its tokens are."""

    tenant_id: UUID
    id: UUID
    message: Issuer


def _issuer(row: asyncpg.Record) -> TrustedIssuer:
    message = Issuer.FromString(row["message"])
    message.id = str(row["id"])
    if created := timestamp(row["create_time"]):
        message.create_time.CopyFrom(created)
    return TrustedIssuer(row["tenant_id"], row["id"], message)


async def insert(connection: Connection, tenant_id: UUID, issuer: Issuer) -> TrustedIssuer | None:
    """Store an issuer; None when the tenant has it already, with one of the audiences."""
    row = await connection.fetchrow(
        """
        INSERT INTO issuers (tenant_id, id, name, issuer, message) VALUES ($1, $2, $3, $4, $5)
        RETURNING tenant_id, id, message, create_time
        """,
        tenant_id,
        new_id(),
        issuer.name,
        issuer.issuer,
        issuer.SerializeToString(),
    )
    assert row is not None
    digests = [digest_of(issuer.issuer, audience) for audience in issuer.audiences]
    found = await connection.fetch(
        """
        INSERT INTO issuer_audiences (tenant_id, issuer_id, digest)
        SELECT $1, $2, unnest($3::bytea []) ON CONFLICT DO NOTHING RETURNING digest
        """,
        tenant_id,
        row["id"],
        digests,
    )
    return _issuer(row) if len(found) == len(digests) else None


async def by_digests(connection: Connection, digests: Sequence[bytes]) -> list[TrustedIssuer]:
    """The issuers of whichever tenants that have an audience with one of these digests."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (i.tenant_id, i.id) i.tenant_id, i.id, i.message, i.create_time
        FROM issuer_audiences AS a JOIN issuers AS i
        ON i.tenant_id = a.tenant_id AND i.id = a.issuer_id
        WHERE a.digest = ANY ($1)
        """,
        digests,
    )
    return [_issuer(row) for row in rows]


async def page(
    connection: Connection, tenant_id: UUID, *, before: UUID | None, limit: int
) -> list[TrustedIssuer]:
    """Issuers, the newest first, beginning behind the one of that id."""
    rows = await connection.fetch(
        """
        SELECT tenant_id, id, message, create_time FROM issuers
        WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
        """,
        tenant_id,
        before,
        limit,
    )
    return [_issuer(row) for row in rows]


async def delete(connection: Connection, tenant_id: UUID, identifier: UUID) -> TrustedIssuer | None:
    """Remove an issuer; what it was, None when there is none."""
    row = await connection.fetchrow(
        """
        DELETE FROM issuers WHERE tenant_id = $1 AND id = $2
        RETURNING tenant_id, id, message, create_time
        """,
        tenant_id,
        identifier,
    )
    return _issuer(row) if row else None


async def insert_token(
    connection: Connection,
    tenant_id: UUID,
    issuer_id: UUID,
    name: str,
    subject: str,
    token_hash: bytes,
    hint: str,
    scopes: frozenset[Scope],
    seconds: int,
) -> bool:
    """Store an access token that a workload got for one of an issuer; False when the issuer is
    trusted no more."""
    status = await connection.execute(
        """
        INSERT INTO credentials (
            tenant_id, id, name, kind, token_hash, scopes, hint, has_checksum, expire_time,
            issuer_id, subject
        )
        SELECT tenant_id, $3, $4, 'workload', $5, $6, $7, true, now() + make_interval(secs => $8),
            id, $9
        FROM issuers WHERE tenant_id = $1 AND id = $2 FOR KEY SHARE
        """,
        tenant_id,
        issuer_id,
        new_id(),
        name,
        token_hash,
        sorted(scopes),
        hint,
        seconds,
        subject,
    )
    return status == "INSERT 0 1"
