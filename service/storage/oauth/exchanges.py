"""Codes and refresh tokens: what a client exchanges for access tokens. It is held meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.oauth.grants import Code, RefreshToken
from service.storage.oauth.grants import CODE_LIFETIME, GRANT, grant_of

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from service.domain.oauth.grants import Grant
    from service.storage.database import Connection


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
        SELECT {GRANT}, c.redirect_uri, c.code_challenge, c.use_time IS NOT NULL AS was_used
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
    return Code(grant_of(row), row["redirect_uri"], row["code_challenge"], row["was_used"])


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
        SELECT {GRANT}, t.use_time IS NOT NULL AS was_used,
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
    return RefreshToken(grant_of(row), was_used=row["was_used"] and not row["is_excused"])


async def grant_of_refresh_token(
    connection: Connection, tenant_id: UUID, token_hash: bytes
) -> Grant | None:
    """What a refresh token stands on, be it used or not; None when that was revoked."""
    row = await connection.fetchrow(
        f"""
        SELECT {GRANT} FROM oauth_refresh_tokens AS t
        JOIN oauth_grants AS g ON g.tenant_id = t.tenant_id AND g.id = t.grant_id
        WHERE t.tenant_id = $1 AND t.hash = $2 AND g.revoke_time IS NULL
        """,
        tenant_id,
        token_hash,
    )
    return grant_of(row) if row else None


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
