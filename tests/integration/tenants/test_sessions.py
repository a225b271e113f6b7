"""A connection of the pool serves the tenant of whoever holds it, whatever happened before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest

from service.domain.errors import DomainError
from service.storage.database import NO_TENANT, Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.storage.database import Connection

A, B = UUID(int=0xA), UUID(int=0xB)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Database]:
    """A pool of one connection, so that everybody is served by the same."""
    pool = await Database.connect(database_url, max_connections=1)
    yield pool
    await pool.close()


async def served(connection: Connection) -> UUID:
    return UUID(await connection.fetchval("SELECT current_setting('rollbook.tenant_id')"))


async def process_of(connection: Connection) -> int:
    process: int = await connection.fetchval("SELECT pg_backend_pid()")
    return process


async def test_it_serves_one_tenant_after_the_other(pool: Database) -> None:
    for tenant in (A, A, B, A):
        async with pool.connection(tenant) as connection:
            assert await served(connection) == tenant
        assert await pool.transaction(tenant, served) == tenant
        assert await pool.snapshot(tenant, served) == tenant
    async with pool.across_tenants() as connection:
        assert await served(connection) == NO_TENANT


async def test_a_rollback_takes_nothing_back(pool: Database) -> None:
    await pool.transaction(A, served)
    await pool.transaction(B, served, rollback=True)
    assert await pool.transaction(B, served) == B


async def test_a_statement_that_fails_changes_nothing(pool: Database) -> None:
    async def fail(connection: Connection) -> None:
        await connection.execute("SELECT 1 / 0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await pool.transaction(A, fail)
    assert await pool.transaction(A, served) == A
    assert await pool.transaction(B, served) == B


async def test_a_call_that_is_given_up_changes_nothing(pool: Database) -> None:
    async def wait(connection: Connection) -> None:
        await connection.execute("SELECT pg_sleep(10)")

    waiting = asyncio.create_task(pool.transaction(A, wait))
    await asyncio.sleep(0.1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await pool.transaction(B, served) == B


async def test_a_connection_that_replaces_another_is_told(
    pool: Database, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    process = await pool.transaction(A, process_of)
    await database.execute("SELECT pg_terminate_backend($1, 1000)", process)
    for _ in range(2):
        try:
            assert await pool.transaction(A, served) == A
        except DomainError:
            continue
    assert await pool.transaction(A, process_of) != process


@pytest.mark.parametrize("moment", [0.0, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002])
async def test_a_change_of_tenant_that_is_given_up_leaves_no_doubt(
    pool: Database, moment: float
) -> None:
    """Whether the setting has taken effect is not known; the next one sets it anew."""
    await pool.transaction(A, served)
    changing = asyncio.create_task(pool.transaction(B, served))
    await asyncio.sleep(moment)
    changing.cancel()
    await asyncio.gather(changing, return_exceptions=True)
    assert await pool.transaction(A, served) == A
