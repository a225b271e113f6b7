"""A service with SCIM connections of a test's own, and clients that come by them."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import grpc

from rollbook.client import RollbookClient
from rollbook.v1.connection_pb2 import Connection
from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceStub
from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.group_service_pb2_grpc import GroupServiceStub
from tests.harness.instance import TOKEN, connect_as_tenant, running_gateway, running_service
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from rollbook.v1.directory_service_pb2 import BulkRequest
    from tests.harness.database import DatabaseServer


@dataclass
class Provisioning:
    """A running Rollbook: `admin` is a gRPC client that may do everything, `url` the SCIM base
    URL, `database_url` where it keeps its data."""

    admin: RollbookClient
    url: str
    address: str
    database_url: str
    channel: grpc.aio.Channel
    database: asyncpg.Connection[asyncpg.Record]
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
        return await self.admin.connections.update(changed, mask=list(fields))

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The credentials of an administrator."""
        return (("authorization", f"Bearer {TOKEN}"),)

    @property
    def groups(self) -> Any:
        """The stub of GroupService."""
        return GroupServiceStub(self.channel)

    async def default(self) -> Connection:
        """The tenant's default connection."""
        return (await self.admin.connections.list())[0]

    async def bulk(self, request: BulkRequest) -> list[str]:
        """Why operations failed that were run over gRPC: reasons, empty where they did not."""
        answer = await DirectoryServiceStub(self.channel).Bulk(request, metadata=self.metadata)
        return [
            ErrorReason.Name(each.error.reason).removeprefix("ERROR_REASON_")
            if each.HasField("error")
            else ""
            for each in answer.results
        ]

    async def origin(self, resource_id: str) -> str:
        """Who manages a resource."""
        found: str = await self.database.fetchval(
            "SELECT origin FROM resources WHERE id = $1", UUID(resource_id)
        )
        return found

    async def origin_of_member(self, group_id: str, member_id: str) -> str:
        """Who manages a membership."""
        found: str = await self.database.fetchval(
            "SELECT origin FROM members WHERE group_id = $1 AND member_id = $2",
            UUID(group_id),
            UUID(member_id),
        )
        return found


@asynccontextmanager
async def provisioning(server: DatabaseServer, **settings: Any) -> AsyncIterator[Provisioning]:
    """One over a database of its own; `settings` are the gateway's."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(server.database())
        address = await stack.enter_async_context(running_service(url))
        base_url = await stack.enter_async_context(running_gateway(address, **settings))
        admin = await stack.enter_async_context(RollbookClient(address, token=TOKEN))
        database = await connect_as_tenant(url)
        stack.push_async_callback(database.close)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        yield Provisioning(admin, base_url, address, url, channel, database, stack)
