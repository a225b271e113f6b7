"""Made-up directories to compare answers over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from tests.property.directories import Directory, make_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.database import DatabaseServer


@pytest.fixture(scope="session")
async def directories_database(
    database_server: DatabaseServer,
) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection to the database that holds `directories`."""
    async with database_server.database() as url:
        connection = await asyncpg.connect(url)
        yield connection
        await connection.close()


@pytest.fixture(scope="session")
async def directories(directories_database: asyncpg.Connection[Any]) -> list[Directory]:
    """Some directories, which tests must leave as they are."""
    return [await make_directory(directories_database, seed) for seed in range(1, 4)]
