"""A running Rollbook: the real service and the real gateway, in this process."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from aiohttp.web import ServerRunner, TCPSite

from gateway.app import Gateway
from gateway.connection import connect
from gateway.http_server import HttpServer
from gateway.settings import Settings as GatewaySettings
from service import bootstrap
from service.server import Server
from service.settings import Settings
from service.storage.credentials import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


TOKEN: Final = "rbk_test-7c1f0b9e5a3d4c28b6e1"
"""An administrator's token."""

GATEWAY_SECRET: Final = "what-the-service-knows-its-gateway-by"

BASIC_USER: Final = "idp"
BASIC_PASSWORD: Final = "correct horse battery staple"

BASIC_CREDENTIALS: Final = base64.b64encode(f"{BASIC_USER}:{BASIC_PASSWORD}".encode()).decode()


@asynccontextmanager
async def running_service(database_url: str, **settings: Any) -> AsyncIterator[str]:
    """The service on a port of its own; yields its address, `host:port`."""
    async with running_server(database_url, **settings) as server:
        yield f"127.0.0.1:{server.port}"


@asynccontextmanager
async def running_server(database_url: str, **settings: Any) -> AsyncIterator[Server]:
    """The service on ports of its own."""
    arguments: dict[str, Any] = {
        "database_url": database_url,
        "grpc_listen": "127.0.0.1:0",
        "bootstrap_token": TOKEN,
        "gateway_secret": GATEWAY_SECRET,
        "scim": {"auth": {"username": BASIC_USER, "password": BASIC_PASSWORD}},
        **settings,
    }
    read = Settings(**arguments)
    await bootstrap.prepare(read)
    server = await Server.start(read)
    try:
        yield server
    finally:
        await server.stop(grace=2)


@asynccontextmanager
async def running_gateway(service: str, **settings: Any) -> AsyncIterator[str]:
    """The gateway on a port of its own, before the service at an address; yields its base URL."""
    arguments: dict[str, Any] = {"gateway_secret": GATEWAY_SECRET, **settings}
    read = GatewaySettings(http_listen="127.0.0.1:0", grpc_target=service, **arguments)
    async with connect(read.service_target, read.service_tls) as stubs:
        gateway = Gateway(read, stubs)
        runner = ServerRunner(HttpServer(gateway.handle, read), shutdown_timeout=2)
        await runner.setup()
        try:
            await TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}{read.http_prefix}"
        finally:
            await runner.cleanup()


async def connect_as_tenant(database_url: str) -> asyncpg.Connection[asyncpg.Record]:
    """A connection for looking behind the service: it sees the rows of the default tenant."""
    return await asyncpg.connect(
        database_url, server_settings={"rollbook.tenant_id": str(DEFAULT_TENANT)}
    )


async def empty_directory(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Removes every resource of every tenant with its traces; credentials and keys stay."""
    # For tables this small it is faster than TRUNCATE, which makes a new file for each index.
    await connection.execute(
        "SELECT for_each_tenant('DELETE FROM resources; DELETE FROM changes; "
        "DELETE FROM requests; DELETE FROM bookmarks')"
    )
