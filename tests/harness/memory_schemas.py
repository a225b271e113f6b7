"""Registered schemas in memory, by the rules of `service.domain`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.schema_pb2 import Schema
from service.domain.errors import DomainError
from service.domain.schema_changes import check_change, number_attributes
from service.domain.schema_definitions import completed
from service.domain.schema_urns import key

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook.v1.schema_pb2 import SchemaDefinition


@dataclass
class Schemas:
    """The schemas by URN in lower case."""

    by_urn: dict[str, Schema] = field(default_factory=dict)
    revision: int = 0
    number: int = 1000

    def add(self, definition: SchemaDefinition) -> Schema:
        new = completed(definition)
        number_attributes(new)
        schema = self.by_urn[key(new.id)] = Schema(definition=new)
        return schema

    def methods(self) -> dict[str, Callable[[Any], dict[str, Any]]]:
        return {
            "CreateSchema": self.create,
            "GetSchema": lambda request: {"schema": self.existing(request.id)},
            "ListSchemas": lambda _: {"schemas": self.by_urn.values()},
            "UpdateSchema": self.update,
            "DeleteSchema": self.delete,
            "AttachSchema": self.attach,
            "DetachSchema": self.detach,
            "GetSchemaSet": self.get_set,
        }

    def existing(self, urn: str) -> Schema:
        if key(urn) not in self.by_urn:
            reason = ErrorReason.ERROR_REASON_SCHEMA_NOT_FOUND
            raise DomainError(reason, f"There is no schema {urn!r}.")
        return self.by_urn[key(urn)]

    def create(self, request: Any) -> dict[str, Any]:
        if key(request.definition.id) in self.by_urn:
            reason = ErrorReason.ERROR_REASON_UNIQUENESS
            raise DomainError(reason, "The schema is registered already.", field="id")
        if request.validate_only:
            return {"schema": Schema(definition=completed(request.definition))}
        return {"schema": self.add(request.definition)}

    def update(self, request: Any) -> dict[str, Any]:
        schema = self.existing(request.definition.id)
        new = completed(request.definition)
        check_change(schema.definition, new)
        schema.definition.CopyFrom(new)
        return {"schema": schema}

    def delete(self, request: Any) -> dict[str, Any]:
        if self.existing(request.id).attachments:
            reason = ErrorReason.ERROR_REASON_SCHEMA_ATTACHED
            raise DomainError(reason, f"{request.id} is attached; detach it first.")
        del self.by_urn[key(request.id)]
        return {}

    def attach(self, request: Any) -> dict[str, Any]:
        self.detach(request)
        schema = self.existing(request.id)
        schema.attachments.add(
            schema=schema.definition.id,
            resource_type=request.resource_type,
            required=request.required,
            field_number=self.number,
        )
        self.number += 1
        return {"schema": schema}

    def detach(self, request: Any) -> dict[str, Any]:
        schema = self.existing(request.id)
        kept = [a for a in schema.attachments if a.resource_type != request.resource_type]
        del schema.attachments[:]
        schema.attachments.extend(kept)
        self.revision += 1
        return {"schema": schema}

    def get_set(self, request: Any) -> dict[str, Any]:
        attached = [schema for schema in self.by_urn.values() if schema.attachments]
        if request.revision == self.revision:
            return {"revision": self.revision}
        return {
            "revision": self.revision,
            "schemas": [schema.definition for schema in attached],
            "attachments": [each for schema in attached for each in schema.attachments],
        }
