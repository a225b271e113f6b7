"""Methods of ConnectionService."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook.v1 import connection_service_pb2
from service.directory import connection_end
from service.directory import scim_connections as use_cases
from service.rpc import wire
from service.storage import credentials, scim_connections
from service.storage.credentials import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from service.rpc.calls import Answer, Call
    from service.rpc.writes import Writes
    from service.storage.database import Connection, Database
    from service.storage.scim_connections import StoredConnection

    BaseUrl = Callable[[str], str]


class ConnectionMethods:
    """Makes, reads, changes and deletes SCIM connections. `base_url_of` tells the SCIM base URL of
    a tenant by its name, which is empty for the default one."""

    def __init__(self, database: Database, writes: Writes, base_url_of: BaseUrl) -> None:
        self._database = database
        self._writes = writes
        self._base_url_of = base_url_of

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "CreateConnection": self.create,
            "GetConnection": self.get,
            "ListConnections": self.list,
            "UpdateConnection": self.update,
            "DeleteConnection": self.delete,
        }

    async def get(self, request: Any, call: Call) -> bytes:
        """One connection."""
        async with self._database.connection(call.tenant_id) as connection:
            found = await use_cases.existing(connection, call.tenant_id, request.id)
            return await self._answer(connection, found, call)

    async def list(self, request: Any, call: Call) -> bytes:
        """All connections."""
        del request
        async with self._database.connection(call.tenant_id) as connection:
            found = await scim_connections.find_all(connection, call.tenant_id)
            base_url = await self._base_url(connection, call)
        return connection_service_pb2.ListConnectionsResponse(
            connections=[each.message(base_url) for each in found]
        ).SerializeToString()

    async def create(self, request: Any, call: Call) -> bytes:
        """A new connection."""

        async def work(connection: Connection) -> bytes:
            stored = await use_cases.create(connection, call.author, request.connection)
            return await self._answer(connection, stored, call)

        return await self._write(request, call, work)

    async def update(self, request: Any, call: Call) -> bytes:
        """A connection with other fields, which every call goes by that begins after this."""

        async def work(connection: Connection) -> bytes:
            mask = list(request.update_mask.paths)
            stored = await use_cases.update(
                connection, call.author, request.connection, mask, request.etag
            )
            return await self._answer(connection, stored, call)

        return await self._write(request, call, work)

    async def delete(self, request: Any, call: Call) -> bytes:
        """A connection less."""

        async def work(connection: Connection) -> bytes:
            await connection_end.delete(
                connection,
                call.author,
                request.id,
                request.etag,
                revoke_roles=request.revoke_roles,
            )
            return b""

        return await self._write(request, call, work)

    async def _write(
        self, request: Any, call: Call, work: Callable[[Connection], Awaitable[bytes]]
    ) -> bytes:
        call.effects.credentials_ended = True
        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def _answer(self, connection: Connection, stored: StoredConnection, call: Call) -> bytes:
        """CreateConnectionResponse and its like: the connection is field 1 in all of them."""
        message = stored.message(await self._base_url(connection, call))
        return wire.nested(1, message.SerializeToString())

    async def _base_url(self, connection: Connection, call: Call) -> str:
        """Credentials tell their tenant, so only others than the default one need be named."""
        if call.tenant_id == DEFAULT_TENANT:
            return self._base_url_of("")
        return self._base_url_of(await credentials.tenant_name(connection, call.tenant_id))
