"""`python -m bench.isolation`: what row-level security costs reads.

The same reads run in turn as the service runs them and as a superuser, to whom no policy
applies, on connections that are never told a tenant. What gRPC, Python and the gateway add to a
request is the same for both, so of a request the cost is a smaller part than of a read.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest import mock
from uuid import UUID, uuid4

import asyncpg
import uvloop

from bench.seed import insert_users, user
from rollbook.attributes import USER
from rollbook.v1.filter_pb2 import COMPARISON_OPERATOR_EQUAL as EQUAL
from rollbook.v1.filter_pb2 import AttributePath, Comparison, Filter, FilterValue
from service.domain.filters import resolve
from service.storage import page_sql, pages, resources
from service.storage.credentials import DEFAULT_TENANT
from service.storage.database import Database
from service.storage.derived import View
from service.storage.migrations import migrate
from service.storage.pages import Selection
from standalone.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Read = Callable[[Database, int], Awaitable[object]]

USERS: Final = 20_000
ROUNDS: Final = 21
READS: Final = 50
"""How many reads each competitor has in a round."""

_OTHER: Final = uuid4()


async def main() -> None:
    """Seed, measure, print one line for each kind of read."""
    with tempfile.TemporaryDirectory() as directory, EmbeddedPostgres(Path(directory)) as server:
        await migrate(server.url)
        ids = await _seed(server.url)
        isolated = await Database.connect(server.url, max_connections=1)
        plain = await _plain(server.url)
        for title, read in _reads(ids):
            await _compare(title, read, isolated, plain)
        await isolated.close()
        await plain.close()


def _reads(ids: Sequence[UUID]) -> list[tuple[str, Read]]:
    async def get(database: Database, n: int) -> object:
        async with database.connection(DEFAULT_TENANT) as connection:
            return await resources.get(
                connection, DEFAULT_TENANT, USER, ids[n * 7919 % len(ids)], View()
            )

    async def page(database: Database, _: int) -> object:
        async with database.connection(DEFAULT_TENANT) as connection:
            return await pages.rows(connection, Selection(DEFAULT_TENANT, USER), View(), limit=100)

    async def search(database: Database, n: int) -> object:
        async with database.connection(DEFAULT_TENANT) as connection:
            return await pages.rows(connection, _by_email(n % USERS), View(), limit=100)

    async def in_turn(database: Database, n: int) -> object:
        """Every connection serves another tenant each time: the worst there is."""
        async with database.connection(DEFAULT_TENANT if n % 2 else _OTHER) as connection:
            return await resources.get(
                connection, DEFAULT_TENANT, USER, ids[n * 7919 % len(ids)], View()
            )

    return [
        ("a user by id", get),
        ("a list of 100 users", page),
        ("users by e-mail address", search),
        ("a user by id, tenants in turn", in_turn),
    ]


def _by_email(number: int) -> Selection:
    path = AttributePath(attribute="emails", sub_attribute="value")
    value = FilterValue(string=user(number).user_name)
    condition = Filter(comparison=Comparison(path=path, operator=EQUAL, value=value))
    return Selection(DEFAULT_TENANT, USER, resolve(condition, USER))


async def _compare(title: str, read: Read, isolated: Database, plain: Database) -> None:
    rounds = []
    for _ in range(ROUNDS):
        first = await _cost(isolated, read)
        with (
            mock.patch("service.storage.database._Session.serve", _nothing),
            mock.patch.object(page_sql, "RESOURCES", "resources"),
        ):
            rounds.append((first, await _cost(plain, read)))
    first, second = (statistics.median(each) * 1e6 for each in zip(*rounds, strict=True))
    ratio = statistics.median(first / second for first, second in rounds)
    print(  # what the program is for
        f"{title:<30} {first:>6.0f} µs isolated {second:>6.0f} µs plain   ratio {ratio:.3f}"
    )


async def _nothing(*_: object) -> None:
    """What the connections of a plain database are told."""


async def _cost(database: Database, read: Read) -> float:
    """Processor seconds that one read takes, of the database's process and of this one: unlike
    the time that passes, they do not depend on what else the machine is at."""
    async with database.connection(DEFAULT_TENANT) as connection:
        process = await connection.fetchval("SELECT pg_backend_pid()")
    before = _processor_seconds(process)
    for n in range(READS):
        await read(database, n)
    return (_processor_seconds(process) - before) / READS


def _processor_seconds(process: int) -> float:
    nanoseconds = int(Path(f"/proc/{process}/schedstat").read_text().split()[0])
    return nanoseconds / 1e9 + time.process_time()


async def _plain(url: str) -> Database:
    """A pool of the superuser of the embedded server."""
    with mock.patch("service.storage.isolation.enter", _nothing):
        return await Database.connect(url.replace("//rollbook@", "//postgres@"), max_connections=1)


async def _seed(url: str) -> list[UUID]:
    connection = await asyncpg.connect(
        url, server_settings={"rollbook.tenant_id": str(DEFAULT_TENANT)}
    )
    try:
        ids = await insert_users(connection, USERS, lambda _: None)
        await connection.execute("VACUUM ANALYZE resources")
    finally:
        await connection.close()
    return ids


if __name__ == "__main__":
    uvloop.run(main())
