"""Calls on schemas that extend users and groups."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from rollbook.client.options import CallOptions, CommandOptions, write_fields
from rollbook.schema_sets import schema_set_of
from rollbook.v1.schema_service_pb2 import (
    AttachSchemaRequest,
    CreateSchemaRequest,
    DeleteSchemaRequest,
    DetachSchemaRequest,
    GetSchemaRequest,
    GetSchemaSetRequest,
    ListSchemasRequest,
    UpdateSchemaRequest,
)
from rollbook.v1.schema_service_pb2_grpc import SchemaServiceStub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook.client.connection import Connection
    from rollbook.schema_sets import SchemaSet
    from rollbook.v1.schema_pb2 import Schema, SchemaDefinition
    from rollbook.v1.schema_service_pb2_grpc import SchemaServiceAsyncStub


class Schemas:
    """Registers schemas and attaches them to resource types, e.g. "User". URNs go in any case.

    `rollbook.schema_json.definition_from_json` reads a SCIM Schema document.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> SchemaServiceAsyncStub:
        return SchemaServiceStub(self._connection.channel)

    async def create(
        self, definition: SchemaDefinition, **options: Unpack[CommandOptions]
    ) -> Schema:
        """Register a schema and return it as stored. Raises AlreadyExistsError when its URN is
        taken, InvalidRequestError naming what is wrong with it."""
        request = CreateSchemaRequest(definition=definition, **write_fields(options))
        answer = await self._connection.call(
            self._stub.CreateSchema, request, options.get("timeout")
        )
        return answer.schema

    async def get(self, urn: str, **options: Unpack[CallOptions]) -> Schema:
        """The schema of that URN. Raises NotFoundError."""
        request = GetSchemaRequest(id=urn)
        answer = await self._connection.call(self._stub.GetSchema, request, options.get("timeout"))
        return answer.schema

    async def list(self, **options: Unpack[CallOptions]) -> Sequence[Schema]:
        """All schemas, by URN."""
        answer = await self._connection.call(
            self._stub.ListSchemas, ListSchemasRequest(), options.get("timeout")
        )
        return answer.schemas

    async def update(
        self, definition: SchemaDefinition, **options: Unpack[CommandOptions]
    ) -> Schema:
        """Let a schema be as defined: texts may change and attributes be added. Raises
        NotFoundError, InvalidRequestError for what cannot change."""
        request = UpdateSchemaRequest(definition=definition, **write_fields(options))
        answer = await self._connection.call(
            self._stub.UpdateSchema, request, options.get("timeout")
        )
        return answer.schema

    async def delete(self, urn: str, **options: Unpack[CommandOptions]) -> None:
        """Forget a schema. Raises NotFoundError, InvalidRequestError while it is attached."""
        request = DeleteSchemaRequest(id=urn, **write_fields(options))
        await self._connection.call(self._stub.DeleteSchema, request, options.get("timeout"))

    async def attach(
        self,
        urn: str,
        resource_type: str,
        *,
        required: bool = False,
        **options: Unpack[CommandOptions],
    ) -> Schema:
        """Let a schema extend a resource type; every resource must have it if it is required.
        It takes a second. Raises NotFoundError, InvalidRequestError."""
        request = AttachSchemaRequest(
            id=urn, resource_type=resource_type, required=required, **write_fields(options)
        )
        answer = await self._connection.call(
            self._stub.AttachSchema, request, options.get("timeout")
        )
        return answer.schema

    async def detach(
        self, urn: str, resource_type: str, **options: Unpack[CommandOptions]
    ) -> Schema:
        """Let it extend the resource type no more; values are kept, unseen. It takes a second.
        Raises NotFoundError, InvalidRequestError."""
        request = DetachSchemaRequest(id=urn, resource_type=resource_type, **write_fields(options))
        answer = await self._connection.call(
            self._stub.DetachSchema, request, options.get("timeout")
        )
        return answer.schema

    async def get_set(self, **options: Unpack[CallOptions]) -> SchemaSet:
        """The resource types as they are extended. Its `extended(user)` is a user of this client
        with its extensions as fields; `rollbook.schema_sets.transfer` brings them back."""
        answer = await self._connection.call(
            self._stub.GetSchemaSet, GetSchemaSetRequest(), options.get("timeout")
        )
        return schema_set_of(answer.revision, answer.schemas, answer.attachments)
