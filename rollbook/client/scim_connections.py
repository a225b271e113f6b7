"""Calls on SCIM connections."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from google.protobuf.field_mask_pb2 import FieldMask

from rollbook.client.options import CallOptions, CommandOptions, DeleteOptions, write_fields
from rollbook.v1.connection_service_pb2 import (
    CreateConnectionRequest,
    DeleteConnectionRequest,
    GetConnectionRequest,
    ListConnectionsRequest,
    UpdateConnectionRequest,
)
from rollbook.v1.connection_service_pb2_grpc import ConnectionServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook.client.connection import Connection as Channel
    from rollbook.v1.connection_pb2 import Connection
    from rollbook.v1.connection_service_pb2_grpc import ConnectionServiceAsyncStub


class ScimConnections:
    """Manages how identity providers provision the tenant, with the scope "admin". A change holds
    when it is answered."""

    def __init__(self, connection: Channel) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> ConnectionServiceAsyncStub:
        return ConnectionServiceStub(self._connection.channel)

    async def create(self, connection: Connection, **options: Unpack[CommandOptions]) -> Connection:
        """Make a connection and return it as stored. Raises AlreadyExistsError when its name is
        taken, InvalidRequestError."""
        request = CreateConnectionRequest(connection=connection, **write_fields(options))
        answer = await self._connection.call(
            self._stub.CreateConnection, request, options.get("timeout")
        )
        return answer.connection

    async def get(self, connection_id: str, **options: Unpack[CallOptions]) -> Connection:
        """One connection. Raises NotFoundError."""
        request = GetConnectionRequest(id=connection_id)
        answer = await self._connection.call(
            self._stub.GetConnection, request, options.get("timeout")
        )
        return answer.connection

    async def list(self, **options: Unpack[CallOptions]) -> Sequence[Connection]:
        """All connections, the default first."""
        answer = await self._connection.call(
            self._stub.ListConnections, ListConnectionsRequest(), options.get("timeout")
        )
        return answer.connections

    async def update(
        self,
        connection: Connection,
        mask: Iterable[str] = (),
        **options: Unpack[DeleteOptions],
    ) -> Connection:
        """Change the fields that the mask names, those that are set without one. Raises
        NotFoundError, AlreadyExistsError, ConflictError, InvalidRequestError."""
        request = UpdateConnectionRequest(
            connection=connection,
            update_mask=FieldMask(paths=mask),
            **write_fields(options),
        )
        answer = await self._connection.call(
            self._stub.UpdateConnection, request, options.get("timeout")
        )
        return answer.connection

    async def delete(
        self, connection_id: str, *, revoke_roles: bool = False, **options: Unpack[DeleteOptions]
    ) -> None:
        """Delete a connection and revoke its credentials; what it has provisioned stays, roles
        only if they are not to be revoked too. Raises NotFoundError, ConflictError,
        InvalidRequestError for the default one."""
        request = DeleteConnectionRequest(
            id=connection_id, revoke_roles=revoke_roles, **write_fields(options)
        )
        await self._connection.call(self._stub.DeleteConnection, request, options.get("timeout"))
