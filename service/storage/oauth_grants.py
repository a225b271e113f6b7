"""What administrators consented to, and the codes and tokens that stand on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.access import Scope, scopes_named
from rollbook.v1.oauth_service_pb2 import OAuthGrant
from service.domain.identifiers import new_id
from service.domain.oauth.grants import Code, Grant, RefreshToken
from service.domain.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta
    from uuid import UUID

    import asyncpg

    from service.domain.oauth.clients import Client
    from service.storage.database import Connection

CODE_LIFETIME: Final = "60 seconds"
"""How long a code is good for; RFC 6749 §4.1.2 has ten minutes for the most."""

KEPT: Final = "1 day"
"""How long codes are kept that have ended, so that their second use is noticed."""

_GRANT: Final = "g.id AS grant_id, g.client_id, g.scopes, g.principal_id"


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """A grant as `changes` knows it."""

    grant: Grant
    create_time: datetime
    revoke_time: datetime | None
    version: int

    def message(self, client_id: str) -> OAuthGrant:
        """The grant as the contract has it, by the name that the client goes by."""
        return OAuthGrant(
            id=str(self.grant.id),
            client_id=client_id,
            scopes=sorted(self.grant.scopes),
            principal_id=str(self.grant.principal_id or ""),
            create_time=timestamp(self.create_time),
            revoke_time=timestamp(self.revoke_time),
        )


def _grant(row: asyncpg.Record) -> Grant:
    return Grant(
        row["grant_id"], row["client_id"], scopes_named(row["scopes"]), row["principal_id"]
    )


def _record(row: asyncpg.Record) -> GrantRecord:
    return GrantRecord(_grant(row), row["create_time"], row["revoke_time"], row["version"])


async def insert(
    connection: Connection, client: Client, scopes: frozenset[Scope], principal_id: UUID | None
) -> GrantRecord:
    """Store what somebody consented to."""
    row = await connection.fetchrow(
        """
        INSERT INTO oauth_grants AS g (tenant_id, id, client_id, scopes, principal_id)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING g.id AS grant_id, client_id, scopes, principal_id, create_time, revoke_time,
            version
        """,
        client.tenant_id,
        new_id(),
        client.id,
        sorted(scopes),
        principal_id,
    )
    assert row is not None
    return _record(row)


async def revoke(connection: Connection, tenant_id: UUID, grant_id: UUID) -> GrantRecord | None:
    """End a grant with every token that stands on it; None when it has ended already."""
    row = await connection.fetchrow(
        """
        UPDATE oauth_grants AS g SET revoke_time = now(), version = version + 1
        WHERE tenant_id = $1 AND id = $2 AND revoke_time IS NULL
        RETURNING g.id AS grant_id, client_id, scopes, principal_id, create_time, revoke_time,
            version
        """,
        tenant_id,
        grant_id,
    )
    await connection.execute(
        "DELETE FROM credentials WHERE tenant_id = $1 AND oauth_grant_id = $2", tenant_id, grant_id
    )
    return _record(row) if row else None


async def revoke_of_principals(
    connection: Connection, tenant_id: UUID, principal_ids: Collection[UUID]
) -> None:
    """End everything that these users consented to. Access tokens, which are theirs, are ended
    with their other credentials."""
    await connection.execute(
        """
        UPDATE oauth_grants SET revoke_time = now(), version = version + 1
        WHERE tenant_id = $1 AND principal_id = ANY ($2::uuid []) AND revoke_time IS NULL
        """,
        tenant_id,
        principal_ids,
    )


async def insert_code(
    connection: Connection,
    tenant_id: UUID,
    code_hash: bytes,
    grant_id: UUID,
    redirect_uri: str | None,
    code_challenge: str | None,
) -> None:
    """Store a code."""
    await connection.execute(
        f"""
        INSERT INTO oauth_codes
        (tenant_id, hash, grant_id, redirect_uri, code_challenge, expire_time)
        VALUES ($1, $2, $3, $4, $5, now() + interval '{CODE_LIFETIME}')
        """,
        tenant_id,
        code_hash,
        grant_id,
        redirect_uri,
        code_challenge,
    )


async def hold_code(connection: Connection, tenant_id: UUID, code_hash: bytes) -> Code | None:
    """A code, held until the transaction ends, so that one of several who bring it is the first.
    None when it has ended unused, or its grant was revoked."""
    row = await connection.fetchrow(
        f"""
        SELECT {_GRANT}, c.redirect_uri, c.code_challenge, c.use_time IS NOT NULL AS was_used
        FROM oauth_codes AS c JOIN oauth_grants AS g
        ON g.tenant_id = c.tenant_id AND g.id = c.grant_id
        WHERE c.tenant_id = $1 AND c.hash = $2 AND g.revoke_time IS NULL
        AND (c.use_time IS NOT NULL OR c.expire_time > now())
        FOR NO KEY UPDATE OF c, g
        """,
        tenant_id,
        code_hash,
    )
    if row is None:
        return None
    return Code(_grant(row), row["redirect_uri"], row["code_challenge"], row["was_used"])


async def use_code(connection: Connection, tenant_id: UUID, code_hash: bytes) -> None:
    """Note that a code, which is held, was used."""
    await connection.execute(
        "UPDATE oauth_codes SET use_time = now() WHERE tenant_id = $1 AND hash = $2",
        tenant_id,
        code_hash,
    )


async def insert_refresh_token(
    connection: Connection, tenant_id: UUID, token_hash: bytes, grant_id: UUID, lifetime: timedelta
) -> None:
    """Store a refresh token; one that was given out already, in an answer that may be lost, is
    there."""
    await connection.execute(
        """
        INSERT INTO oauth_refresh_tokens (tenant_id, hash, grant_id, expire_time)
        VALUES ($1, $2, $3, now() + $4::interval) ON CONFLICT DO NOTHING
        """,
        tenant_id,
        token_hash,
        grant_id,
        lifetime,
    )


async def hold_refresh_token(
    connection: Connection,
    tenant_id: UUID,
    token_hash: bytes,
    successor_hash: bytes,
    grace: timedelta,
) -> RefreshToken | None:
    """A refresh token, held until the transaction ends. None when it has ended, or its grant was
    revoked. A use is excused for as long as the grace lasts and nobody has used the successor."""
    row = await connection.fetchrow(
        f"""
        SELECT {_GRANT}, t.use_time IS NOT NULL AS was_used,
            t.use_time + $4::interval > now() AND s.use_time IS NULL AS is_excused
        FROM oauth_refresh_tokens AS t
        JOIN oauth_grants AS g ON g.tenant_id = t.tenant_id AND g.id = t.grant_id
        LEFT JOIN oauth_refresh_tokens AS s ON s.tenant_id = t.tenant_id AND s.hash = $3
        WHERE t.tenant_id = $1 AND t.hash = $2 AND g.revoke_time IS NULL AND t.expire_time > now()
        FOR NO KEY UPDATE OF t, g
        """,
        tenant_id,
        token_hash,
        successor_hash,
        grace,
    )
    if row is None:
        return None
    return RefreshToken(_grant(row), was_used=row["was_used"] and not row["is_excused"])


async def use_refresh_token(connection: Connection, tenant_id: UUID, token_hash: bytes) -> None:
    """Note that a refresh token, which is held, was exchanged for its successor; the first time
    counts."""
    await connection.execute(
        """
        UPDATE oauth_refresh_tokens SET use_time = coalesce(use_time, now())
        WHERE tenant_id = $1 AND hash = $2
        """,
        tenant_id,
        token_hash,
    )


async def extend_refresh_token(
    connection: Connection, tenant_id: UUID, token_hash: bytes, lifetime: timedelta
) -> None:
    """Let a refresh token that is used again and again go on for its lifetime."""
    await connection.execute(
        """
        UPDATE oauth_refresh_tokens SET expire_time = now() + $3::interval
        WHERE tenant_id = $1 AND hash = $2
        """,
        tenant_id,
        token_hash,
        lifetime,
    )
