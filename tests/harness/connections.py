"""A service with SCIM connections of a test's own, and clients that come by them."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollbook.client import RollbookClient
from rollbook.v1.connection_pb2 import Connection
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.database import DatabaseServer


@dataclass
class Provisioning:
    """A running Rollbook: `admin` is a gRPC client that may do everything, `url` the SCIM base
    URL."""

    admin: RollbookClient
    url: str
    address: str
    _stack: AsyncExitStack

    async def connect(self, name: str, **fields: Any) -> tuple[Connection, ScimClient]:
        """Makes a connection and a SCIM client with a token for it."""
        connection = await self.admin.connections.create(Connection(name=name, **fields))
        return connection, await self.client(connection)

    async def client(self, connection: Connection) -> ScimClient:
        """A SCIM client of a connection."""
        made = await self.admin.tokens.create(
            connection.name, ["scim"], connection_id=connection.id
        )
        return await self._stack.enter_async_context(ScimClient(self.url, made.secret))

    async def change(self, connection: Connection, **fields: Any) -> Connection:
        """Changes fields of a connection."""
        changed = Connection(id=connection.id, **fields)
        return await self.admin.connections.update(changed, update_mask=list(fields))

    async def default(self) -> Connection:
        """The tenant's default connection."""
        return (await self.admin.connections.list())[0]


@asynccontextmanager
async def provisioning(server: DatabaseServer, **settings: Any) -> AsyncIterator[Provisioning]:
    """One over a database of its own; `settings` are the gateway's."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(server.database())
        address = await stack.enter_async_context(running_service(url))
        base_url = await stack.enter_async_context(running_gateway(address, **settings))
        admin = await stack.enter_async_context(RollbookClient(address, token=TOKEN))
        yield Provisioning(admin, base_url, address, stack)
