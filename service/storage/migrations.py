"""Brings the database schema up to date from `migrations/`, in the file format of dbmate.

Safe when several replicas start at once: one migrates, the others wait.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import structlog

from service.storage import isolation

log = structlog.get_logger(__name__)

DIRECTORY: Final = Path(__file__).resolve().parents[2] / "migrations"

_LOCK: Final = 7_305_809_155_219_201
"""The advisory lock that whoever migrates holds; any number that nobody else uses."""

_WAIT: Final = 120.0
"""How long to wait for another replica that migrates, in seconds."""

_NAME: Final = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
_SECTION: Final = re.compile(r"^--\s*migrate:(up|down)(.*)$", re.MULTILINE)


class MigrationError(Exception):
    """The schema cannot be brought up to date; the message says why."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its version (the number in the file name), name and SQL. A step marked
    `transaction:false` runs statement by statement outside a transaction."""

    version: str
    name: str
    sql: str
    in_transaction: bool


def load(directory: Path = DIRECTORY) -> list[Migration]:
    """The migrations in order. Raises MigrationError for a file that is not one."""
    return [_parse(path) for path in sorted(directory.glob("*.sql"))]


def _parse(path: Path) -> Migration:
    name = _NAME.match(path.name)
    text = path.read_text(encoding="utf-8")
    sections = list(_SECTION.finditer(text))
    if name is None or not sections or sections[0][1] != "up":
        raise MigrationError(f"{path} is no migration: NNNN_name.sql with a migrate:up section.")
    end = sections[1].start() if len(sections) > 1 else len(text)
    in_transaction = "transaction:false" not in sections[0][2]
    return Migration(name[1], path.stem, text[sections[0].end() : end].strip(), in_transaction)


async def migrate(url: str) -> None:
    """Apply what is missing. Raises MigrationError when a step fails or the database is newer
    than this program knows."""
    connection = await asyncpg.connect(url, server_settings={"application_name": "rollbook"})
    try:
        await _hold_lock(connection)
        await _apply_missing(connection)
        await isolation.prepare(connection)
    finally:
        await connection.close()


async def _hold_lock(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Wait for the lock by asking again and again: a blocking wait would be a transaction that
    CREATE INDEX CONCURRENTLY of the other replica in turn waits for."""
    deadline = asyncio.get_running_loop().time() + _WAIT
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
        if asyncio.get_running_loop().time() > deadline:
            raise MigrationError("Another process has been migrating for two minutes; try later.")
        await asyncio.sleep(0.1)


async def _apply_missing(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations (version varchar PRIMARY KEY)"
    )
    rows = await connection.fetch("SELECT version FROM schema_migrations")
    applied = {row["version"] for row in rows}
    known = load()
    if newer := applied - {migration.version for migration in known}:
        # The release before this one must keep running while this one migrates, so a newer
        # schema is no error; it is worth a line in the log.
        log.info("migrations.newer", versions=sorted(newer))
    for migration in known:
        if migration.version not in applied:
            await _apply(connection, migration)


async def _apply(connection: asyncpg.Connection[asyncpg.Record], migration: Migration) -> None:
    log.info("migrations.apply", name=migration.name)
    try:
        if migration.in_transaction:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '10s'")
                await connection.execute(migration.sql)
                await _record(connection, migration)
        else:
            for statement in filter(None, map(str.strip, migration.sql.split(";\n"))):
                await connection.execute(statement)
            await _record(connection, migration)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"Migration {migration.name} failed: {error}") from error


async def _record(connection: asyncpg.Connection[asyncpg.Record], migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO schema_migrations (version) VALUES ($1)", migration.version
    )
