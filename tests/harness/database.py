"""One PostgreSQL server for a test run, and databases in it that cost little to make.

`ROLLBOOK_TEST_DATABASE_URL` names a server to use instead of an embedded one; its role must be
allowed to create databases.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from service.storage.migrations import migrate
from standalone.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TEST_DATABASE_VARIABLE: Final = "ROLLBOOK_TEST_DATABASE_URL"

_numbers: Final = itertools.count(1)


class DatabaseServer:
    """A PostgreSQL server with an empty, migrated database as a template."""

    def __init__(self, url: str, template: str) -> None:
        self.url = url
        self.template = template

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """The URL of a database of one's own, dropped at the end."""
        name = f"{self.template}_{os.getpid()}_{next(_numbers)}"
        await self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.template}"')
        try:
            yield with_database(self.url, name)
        finally:
            await self.drop(name)

    async def drop(self, name: str) -> None:
        """Drops a database, whoever is still connected to it."""
        statement = f'DROP DATABASE "{name}" WITH (FORCE)'
        for _ in range(100):
            with suppress(asyncpg.InsufficientPrivilegeError):
                await self.execute(statement)
                return
            # The server is vacuuming it, which only a superuser may end by force.
            await asyncio.sleep(0.1)
        await self.execute(statement)

    async def execute(self, statement: str) -> None:
        """Runs a statement in the server's own database."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


class OwnedServer:
    """What the process that began the test run holds: it starts the server and stops it."""

    def __init__(self) -> None:
        self._directory: Path | None = None
        self._embedded: EmbeddedPostgres | None = None
        self._server: DatabaseServer | None = None

    def running(self) -> DatabaseServer:
        """The server, started at the first call: an embedded one ends with the calling thread."""
        if self._server is None:
            self._server = self._start()
        return self._server

    def _start(self) -> DatabaseServer:
        url = os.environ.get(TEST_DATABASE_VARIABLE) or self._start_embedded()
        server = DatabaseServer(url, f"rollbook_test_{os.getpid()}")
        asyncio.run(_make_template(server))
        return server

    def stop(self) -> None:
        """Removes the template and stops the server; does nothing when none was started."""
        if self._embedded is not None:
            self._embedded.stop()
        elif self._server is not None:
            asyncio.run(_drop_template(self._server))
        if self._directory is not None:
            shutil.rmtree(self._directory)
        self._directory = self._embedded = self._server = None

    def _start_embedded(self) -> str:
        self._directory = Path(tempfile.mkdtemp(prefix="rollbook-test-"))
        self._embedded = EmbeddedPostgres(self._directory, durable=False)
        return self._embedded.start()


def with_database(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def _make_template(server: DatabaseServer) -> None:
    await server.execute(f'CREATE DATABASE "{server.template}"')
    await migrate(with_database(server.url, server.template))


async def _drop_template(server: DatabaseServer) -> None:
    await server.drop(server.template)
