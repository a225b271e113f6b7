"""Tenants of a test's own, for what cannot be taken back."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from rollbook.access import EVERY_SCOPE
from rollbook.tokens import new_token
from service.storage.database import NO_TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg


@asynccontextmanager
async def serving(
    connection: asyncpg.Connection[asyncpg.Record], tenant_id: UUID
) -> AsyncIterator[None]:
    """A transaction on the rows of a tenant."""
    async with connection.transaction():
        await connection.execute(
            "SELECT set_config('rollbook.tenant_id', $1, TRUE)", str(tenant_id)
        )
        yield


async def new_tenant(connection: asyncpg.Connection[asyncpg.Record]) -> str:
    """Makes a tenant. Returns a token that may do everything in it."""
    token, tenant_id = new_token(), uuid4()
    async with serving(connection, tenant_id):
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
    async with serving(connection, NO_TENANT):
        found: UUID = await connection.fetchval(
            "SELECT tenant_id FROM credentials WHERE token_hash = $1",
            hashlib.sha256(token.encode()).digest(),
        )
    return found
