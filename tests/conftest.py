"""Fixtures: one database server for a run, one running Rollbook for a worker, an empty directory
for a test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import structlog
import uvloop
from hypothesis import HealthCheck, settings

from tests.harness.calls import Calls
from tests.harness.database import TEST_DATABASE_VARIABLE, DatabaseServer, OwnedServer
from tests.harness.drivers import GrpcDriver, ScimDriver
from tests.harness.instance import (
    BASIC_CREDENTIALS,
    TOKEN,
    connect_as_tenant,
    empty_directory,
    running_gateway,
    running_service,
)
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterator, Callable

    import asyncpg

_SERVER = pytest.StashKey[OwnedServer]()


# A run tries what the run before it tried, and fails only by a change; `make properties` looks for
# more, each time elsewhere.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile(
    "fuzz", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["event"]),
    ]
)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """The loop that the service and the gateway run on."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_configure(config: pytest.Config) -> None:
    """Whoever begins the run owns the server: with pytest-xdist the process above the workers,
    which outlives them all."""
    for name in [name for name in os.environ if name.startswith("ROLLBOOK_")]:
        if name != TEST_DATABASE_VARIABLE:
            del os.environ[name]
    if not hasattr(config, "workerinput"):
        config.stash[_SERVER] = OwnedServer()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Also after failures and Ctrl-C."""
    owned = config.stash.get(_SERVER, None)
    if owned is not None:
        owned.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of pytest-xdist where the server is."""
    server = node.config.stash[_SERVER].running()
    node.workerinput["database_server"] = (server.url, server.template)


@pytest.fixture(scope="session")
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """The PostgreSQL server of this run."""
    config = request.config
    if hasattr(config, "workerinput"):
        return DatabaseServer(*config.workerinput["database_server"])
    return config.stash[_SERVER].running()


@pytest.fixture(scope="session")
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    """A migrated database of this worker."""
    async with database_server.database() as url:
        yield url


@pytest.fixture(scope="session")
async def service(database_url: str) -> AsyncIterator[str]:
    """The address of a running service over `database_url`."""
    async with running_service(database_url) as address:
        yield address


@pytest.fixture(scope="session")
async def _connection(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await connect_as_tenant(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def database(
    _connection: asyncpg.Connection[asyncpg.Record], service: str
) -> asyncpg.Connection[asyncpg.Record]:
    """A connection to the service's database, whose directory is empty."""
    await empty_directory(_connection)
    return _connection


@pytest.fixture(scope="session")
async def _channel(service: str) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(service) as channel:
        yield channel


@pytest.fixture
def channel(
    _channel: grpc.aio.Channel, database: asyncpg.Connection[asyncpg.Record]
) -> grpc.aio.Channel:
    """A channel to the service, whose directory is empty."""
    return _channel


@pytest.fixture
def token() -> str:
    """An administrator's token."""
    return TOKEN


@pytest.fixture
def basic_credentials() -> str:
    """User name and password of a SCIM client, as in `Authorization: Basic …`."""
    return BASIC_CREDENTIALS


@pytest.fixture
def calls(channel: grpc.aio.Channel, token: str) -> Calls:
    """Single calls over gRPC on an empty directory."""
    return Calls(channel, token)


@pytest.fixture
def grpc_driver(channel: grpc.aio.Channel, token: str) -> GrpcDriver:
    """Operations over gRPC on an empty directory."""
    return GrpcDriver(channel, token)


@pytest.fixture(scope="session")
async def gateway(service: str) -> AsyncIterator[str]:
    """The SCIM base URL of a running gateway before `service`."""
    async with running_gateway(service) as url:
        yield url


@pytest.fixture(scope="session")
async def _scim(gateway: str) -> AsyncIterator[ScimClient]:
    async with ScimClient(gateway, TOKEN) as client:
        yield client


@pytest.fixture
def scim(_scim: ScimClient, database: asyncpg.Connection[asyncpg.Record]) -> ScimClient:
    """A SCIM client of a directory that is empty."""
    return _scim


@pytest.fixture
def scim_driver(scim: ScimClient) -> ScimDriver:
    """Operations over SCIM on an empty directory."""
    return ScimDriver(scim)
