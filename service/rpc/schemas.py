"""Methods of SchemaService."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rollbook.v1 import schema_service_pb2
from service.directory import schemas as use_cases
from service.rpc import wire
from service.rpc.gate.tenant_schemas import SETTLING_SECONDS
from service.storage import schemas

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from service.rpc.calls import Answer, Call
    from service.rpc.gate.tenant_schemas import TenantSchemas
    from service.rpc.writes import Writes
    from service.storage.database import Connection, Database
    from service.storage.schemas import Registered


class SchemaMethods:
    """Registers, reads, changes, attaches and deletes schemas."""

    def __init__(self, database: Database, writes: Writes, tenant_schemas: TenantSchemas) -> None:
        self._database = database
        self._writes = writes
        self._tenant_schemas = tenant_schemas

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "CreateSchema": self.create,
            "GetSchema": self.get,
            "ListSchemas": self.list,
            "UpdateSchema": self.update,
            "DeleteSchema": self.delete,
            "AttachSchema": self.attach,
            "DetachSchema": self.detach,
            "GetSchemaSet": self.get_set,
        }

    async def get(self, request: Any, call: Call) -> bytes:
        """One schema."""
        async with self._database.connection(call.tenant_id) as connection:
            found = await use_cases.existing(connection, call.author, request.id)
        return _answer(found)

    async def list(self, request: Any, call: Call) -> bytes:
        """All schemas."""
        del request
        async with self._database.connection(call.tenant_id) as connection:
            found = await schemas.find_all(connection, call.tenant_id)
        return schema_service_pb2.ListSchemasResponse(
            schemas=[registered.message() for registered in found]
        ).SerializeToString()

    async def create(self, request: Any, call: Call) -> bytes:
        """A new schema. Nothing is attached, so nothing has to settle."""
        return await self._write(
            request, call, lambda c: use_cases.register(c, call.author, request.definition)
        )

    async def update(self, request: Any, call: Call) -> bytes:
        """A schema that grows."""
        return await self._settled(
            request, call, lambda c: use_cases.change(c, call.author, request.definition)
        )

    async def attach(self, request: Any, call: Call) -> bytes:
        """A schema becomes an extension."""
        return await self._settled(
            request,
            call,
            lambda c: use_cases.attach(
                c, call.author, request.id, request.resource_type, required=request.required
            ),
        )

    async def detach(self, request: Any, call: Call) -> bytes:
        """A schema is an extension no more."""
        return await self._settled(
            request,
            call,
            lambda c: use_cases.detach(c, call.author, request.id, request.resource_type),
        )

    async def delete(self, request: Any, call: Call) -> bytes:
        """One schema less."""

        async def work(connection: Connection) -> bytes:
            await use_cases.delete(connection, call.author, request.id)
            return b""

        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def get_set(self, request: Any, call: Call) -> bytes:
        """What extends the resource types, unless the caller knows."""
        async with self._database.connection(call.tenant_id) as connection:
            found = await schemas.extensions(connection, call.tenant_id)
        if found.revision == request.revision:
            answer = schema_service_pb2.GetSchemaSetResponse(revision=found.revision)
            return answer.SerializeToString()
        attached = {attachment.schema for attachment in found.attachments}
        return schema_service_pb2.GetSchemaSetResponse(
            revision=found.revision,
            schemas=[each for each in found.definitions if each.id in attached],
            attachments=found.attachments,
        ).SerializeToString()

    async def _write(
        self, request: Any, call: Call, change: Callable[[Connection], Awaitable[Registered]]
    ) -> bytes:
        async def work(connection: Connection) -> bytes:
            return _answer(await change(connection))

        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def _settled(
        self, request: Any, call: Call, change: Callable[[Connection], Awaitable[Registered]]
    ) -> bytes:
        """A write whose answer comes when every process goes by it."""
        answer = await self._write(request, call, change)
        if not request.validate_only:
            self._tenant_schemas.forget(call.tenant_id)
            await asyncio.sleep(SETTLING_SECONDS)
        return answer


def _answer(registered: Registered) -> bytes:
    """CreateSchemaResponse and its like: the schema is field 1 in all of them."""
    return wire.nested(1, registered.message().SerializeToString())
