"""`python -m bench.isolation`: what row-level security costs reads.

The same reads run in turn as the service runs them and as a superuser, to whom no policy
applies, on connections that are never told a tenant: first the storage's part alone, then whole
calls over gRPC to two services. Processor time of the service and of the database is what counts,
which unlike the time that passes does not depend on what else the machine is at.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest import mock
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import grpc
import uvloop

from bench.plain_service import nothing
from bench.processes import Program, processor_seconds
from bench.seed import insert_users, user
from bench.stack import TOKEN, free_port
from rollbook.attributes import USER
from rollbook.v1.filter_pb2 import COMPARISON_OPERATOR_EQUAL as EQUAL
from rollbook.v1.filter_pb2 import AttributePath, Comparison, Filter, FilterValue
from rollbook.v1.user_service_pb2 import GetUserRequest, ListUsersRequest, LookupUserRequest
from rollbook.v1.user_service_pb2_grpc import UserServiceStub
from service.domain.search.filters import resolve
from service.storage import resources
from service.storage.credentials import DEFAULT_TENANT
from service.storage.database import Database
from service.storage.derived import View
from service.storage.migrations import migrate
from service.storage.search import page_sql, pages
from service.storage.search.pages import Selection
from standalone.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from google.protobuf.message import Message

    Read = Callable[[Database, int], Awaitable[object]]

USERS: Final = 20_000
ROUNDS: Final = 21
READS: Final = 50
"""How many reads each competitor has in a round."""

CALL_ROUNDS: Final = 9

_METADATA: Final = (("authorization", f"Bearer {TOKEN}"),)

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
        await _compare_calls(server.url, Path(directory), ids)


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
            mock.patch("service.storage.database._Session.serve", nothing),
            mock.patch.object(page_sql, "RESOURCES", "resources"),
        ):
            rounds.append((first, await _cost(plain, read)))
    first, second = (statistics.median(each) * 1e6 for each in zip(*rounds, strict=True))
    ratio = statistics.median(first / second for first, second in rounds)
    _say(title, first, second, ratio)


def _say(title: str, isolated: float, plain: float, ratio: float) -> None:
    print(  # what the program is for
        f"{title:<30} {isolated:>6.0f} µs isolated {plain:>6.0f} µs plain   ratio {ratio:.3f}"
    )


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
    with mock.patch("service.storage.isolation.enter", nothing):
        return await Database.connect(_as_superuser(url), max_connections=1)


def _as_superuser(url: str) -> str:
    return url.replace("//rollbook@", "//postgres@")


async def _compare_calls(url: str, directory: Path, ids: Sequence[UUID]) -> None:
    with ExitStack() as programs:
        services = [
            _Service(programs, "service", url, directory),
            _Service(programs, "bench.plain_service", _as_superuser(url), directory),
        ]
        async with AsyncExitStack() as channels:
            for service in services:
                await service.connect(channels, url)
            for title, number, request in _calls(ids):
                await _compare_calls_of(title, number, request, services)


def _calls(ids: Sequence[UUID]) -> list[tuple[str, int, Callable[[int], Message]]]:
    """What is called, how often in a round, and with which requests."""
    return [
        ("GetUser", 1000, lambda n: GetUserRequest(id=str(ids[n * 7919 % len(ids)]))),
        ("LookupUser", 1000, lambda n: LookupUserRequest(user_name=user(n).user_name)),
        ("ListUsers, 100", 100, lambda _: ListUsersRequest(page_size=100)),
    ]


async def _compare_calls_of(
    title: str, number: int, request: Callable[[int], Message], services: Sequence[_Service]
) -> None:
    rounds = []
    for _ in range(CALL_ROUNDS):
        costs = [await service.cost(number, request) for service in services]
        rounds.append(costs)
    first, second = (statistics.median(each) * 1e6 for each in zip(*rounds, strict=True))
    ratio = statistics.median(first / second for first, second in rounds)
    _say(title, first, second, ratio)


class _Service:
    """A service that runs, and the processor time that calls of it take."""

    def __init__(self, programs: ExitStack, module: str, url: str, directory: Path) -> None:
        self._login = urlsplit(url).username
        port = free_port()
        self._target = f"127.0.0.1:{port}"
        self._program = Program(
            module,
            log=directory / f"{module}.log",
            environment={
                "ROLLBOOK_DATABASE_URL": url,
                "ROLLBOOK_GRPC_LISTEN": self._target,
                "ROLLBOOK_BOOTSTRAP_TOKEN": TOKEN,
                "ROLLBOOK_RATE_LIMIT": "0",
                "ROLLBOOK_TENANT_RATE_LIMIT": "0",
                "ROLLBOOK_LOG_LEVEL": "warning",
            },
        )
        programs.callback(self._program.stop)

    async def connect(self, held: AsyncExitStack, url: str) -> None:
        """Waits until the service is ready."""
        channel = await held.enter_async_context(grpc.aio.insecure_channel(self._target))
        await channel.channel_ready()
        self._stub = UserServiceStub(channel)
        self._database = await asyncpg.connect(_as_superuser(url))
        held.push_async_callback(self._database.close)

    async def cost(self, number: int, request: Callable[[int], Message]) -> float:
        """Processor seconds of one call, of the service and of its connections to the database."""
        name = type(request(0)).__name__.removesuffix("Request")
        call = getattr(self._stub, name)
        before = await self._processor_seconds()
        for n in range(number):
            await call(request(n), metadata=_METADATA)
        return (await self._processor_seconds() - before) / number

    async def _processor_seconds(self) -> float:
        rows = await self._database.fetch(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'rollbook' AND usename = $1",
            self._login,
        )
        processes = [self._program.id, *(row["pid"] for row in rows)]
        return sum(map(processor_seconds, processes))


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
