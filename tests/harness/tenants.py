"""Tenants of a test's own, for what cannot be taken back."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from rollbook.access import EVERY_SCOPE
from rollbook.tokens import new_token

if TYPE_CHECKING:
    import asyncpg


async def new_tenant(connection: asyncpg.Connection[asyncpg.Record]) -> str:
    """Makes a tenant. Returns a token that may do everything in it."""
    token, tenant_id = new_token(), uuid4()
    await connection.execute(
        "INSERT INTO tenants (tenant_id, name) VALUES ($1, $2)", tenant_id, str(tenant_id)
    )
    await connection.execute(
        """
        INSERT INTO credentials (tenant_id, id, name, kind, token_hash, scopes)
        VALUES ($1, $2, 'test', 'token', $3, $4)
        """,
        tenant_id,
        uuid4(),
        hashlib.sha256(token.encode()).digest(),
        sorted(EVERY_SCOPE),
    )
    return token


async def tenant_of(connection: asyncpg.Connection[asyncpg.Record], token: str) -> UUID:
    """The tenant of a token."""
    found: UUID = await connection.fetchval(
        "SELECT tenant_id FROM credentials WHERE token_hash = $1",
        hashlib.sha256(token.encode()).digest(),
    )
    return found
