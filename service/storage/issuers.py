"""Issuers of tokens that are credentials of a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.v1.issuer_service_pb2 import Issuer
from service.domain import etag
from service.domain.identifiers import new_id
from service.domain.issuer_rules import digest_of
from service.domain.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    from service.storage.database import Connection


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer, and whose tenant's credentials its tokens are."""

    tenant_id: UUID
    id: UUID
    version: int
    message: Issuer


_COLUMNS: Final = "tenant_id, id, message, create_time, version"


def _issuer(row: asyncpg.Record) -> TrustedIssuer:
    message = Issuer.FromString(row["message"])
    message.id = str(row["id"])
    message.etag = etag.of_version(row["version"])
    if created := timestamp(row["create_time"]):
        message.create_time.CopyFrom(created)
    return TrustedIssuer(row["tenant_id"], row["id"], row["version"], message)


async def insert(connection: Connection, tenant_id: UUID, issuer: Issuer) -> TrustedIssuer | None:
    """Store an issuer; None when the tenant has it already, with one of the audiences."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO issuers (tenant_id, id, name, issuer, message) VALUES ($1, $2, $3, $4, $5)
        RETURNING {_COLUMNS}
        """,
        tenant_id,
        new_id(),
        issuer.name,
        issuer.issuer,
        issuer.SerializeToString(),
    )
    assert row is not None
    stored = await _insert_audiences(connection, tenant_id, row["id"], issuer)
    return _issuer(row) if stored else None


async def by_digests(connection: Connection, digests: Sequence[bytes]) -> list[TrustedIssuer]:
    """The issuers of whichever tenants that have an audience with one of these digests."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (i.tenant_id, i.id)
            i.tenant_id, i.id, i.message, i.create_time, i.version
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
        f"""
        SELECT {_COLUMNS} FROM issuers
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
        f"""
        DELETE FROM issuers WHERE tenant_id = $1 AND id = $2
        RETURNING {_COLUMNS}
        """,
        tenant_id,
        identifier,
    )
    return _issuer(row) if row else None


async def hold(connection: Connection, tenant_id: UUID, identifier: UUID) -> TrustedIssuer | None:
    """The issuer of an id, held until the transaction ends."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM issuers WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE",
        tenant_id,
        identifier,
    )
    return _issuer(row) if row else None


async def update(
    connection: Connection, tenant_id: UUID, identifier: UUID, issuer: Issuer
) -> TrustedIssuer | None:
    """Store what is taken of an issuer that is there, as a new version; None when the tenant has
    it once more, with one of the audiences."""
    row = await connection.fetchrow(
        f"""
        UPDATE issuers SET name = $3, message = $4, version = version + 1
        WHERE tenant_id = $1 AND id = $2 RETURNING {_COLUMNS}
        """,
        tenant_id,
        identifier,
        issuer.name,
        issuer.SerializeToString(),
    )
    assert row is not None
    await connection.execute(
        "DELETE FROM issuer_audiences WHERE tenant_id = $1 AND issuer_id = $2",
        tenant_id,
        identifier,
    )
    stored = await _insert_audiences(connection, tenant_id, identifier, issuer)
    return _issuer(row) if stored else None


async def _insert_audiences(
    connection: Connection, tenant_id: UUID, identifier: UUID, issuer: Issuer
) -> bool:
    """Store what finds an issuer; whether none of it was another's of the tenant."""
    digests = [digest_of(issuer.issuer, audience) for audience in issuer.audiences]
    found = await connection.fetch(
        """
        INSERT INTO issuer_audiences (tenant_id, issuer_id, digest)
        SELECT $1, $2, unnest($3::bytea []) ON CONFLICT DO NOTHING RETURNING digest
        """,
        tenant_id,
        identifier,
        digests,
    )
    return len(found) == len(digests)
