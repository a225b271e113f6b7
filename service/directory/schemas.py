"""Registering schemas, and attaching them to resource types.

Functions run inside the caller's transaction. What changes the resource types of the tenant
counts its revision up; every change adds its row to `changes`, as one of a resource of the type
"Schema".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rollbook.attributes import RESOURCE_TYPES
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError, invalid_value
from service.domain.identifiers import new_id
from service.domain.schema_changes import check_change, number_attributes
from service.domain.schema_definitions import (
    MAX_ATTRIBUTES_OF_TENANT,
    completed,
    count_attributes,
)
from service.domain.schema_urns import check_apart, key
from service.storage import changes, schemas, unique_values
from service.storage.changes import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook.v1.schema_pb2 import SchemaDefinition
    from service.storage.changes import Action, Author
    from service.storage.database import Connection
    from service.storage.schemas import Registered

MAX_SCHEMAS: Final = 50
"""How many schemas a tenant has registered."""

_RESOURCE_TYPES: Final = tuple(kind.name for kind in RESOURCE_TYPES)


async def existing(connection: Connection, author: Author, urn: str) -> Registered:
    """The schema of a URN. Raises SCHEMA_NOT_FOUND."""
    found = await schemas.find(connection, author.tenant_id, urn)
    if found is None:
        raise DomainError(
            ErrorReason.ERROR_REASON_SCHEMA_NOT_FOUND,
            f"There is no schema {urn[:300]!r}; register it first.",
            metadata={"resourceType": "Schema", "resourceName": urn[:100]},
        )
    return found


async def register(
    connection: Connection, author: Author, definition: SchemaDefinition
) -> Registered:
    """Store a new schema. Raises INVALID_VALUE, TOO_MANY, UNIQUENESS."""
    new = completed(definition)
    await schemas.hold(connection, author.tenant_id)
    others = await schemas.find_all(connection, author.tenant_id)
    _check_urn(new, others)
    _check_room(new, others)
    number_attributes(new)
    await schemas.insert(connection, author.tenant_id, new_id(), new, datetime.now(UTC))
    stored = await existing(connection, author, new.id)
    await _record(connection, author, "create", stored, ["attributes"])
    return stored


async def change(
    connection: Connection, author: Author, definition: SchemaDefinition
) -> Registered:
    """Store a schema anew. Raises SCHEMA_NOT_FOUND, INVALID_VALUE, TOO_MANY, MUTABILITY."""
    new = completed(definition)
    await schemas.hold(connection, author.tenant_id)
    before = await existing(connection, author, new.id)
    new.id = before.definition.id
    check_change(before.definition, new)
    if new == before.definition:
        return before
    everything = await schemas.find_all(connection, author.tenant_id)
    _check_room(new, [other for other in everything if other.id != before.id])
    return await _save(connection, author, new, ["attributes"])


async def attach(
    connection: Connection, author: Author, urn: str, resource_type: str, *, required: bool
) -> Registered:
    """Let a schema extend a resource type. Raises SCHEMA_NOT_FOUND, INVALID_VALUE."""
    _check_resource_type(resource_type)
    await schemas.hold(connection, author.tenant_id)
    before = await existing(connection, author, urn)
    if (resource_type, required) in {(a.resource_type, a.required) for a in before.attachments}:
        return before
    await schemas.attach(connection, author.tenant_id, urn, resource_type, required=required)
    return await _save(connection, author, before.definition, [f"attachments.{resource_type}"])


async def detach(
    connection: Connection, author: Author, urn: str, resource_type: str
) -> Registered:
    """Let a schema extend a resource type no more. Raises SCHEMA_NOT_FOUND, INVALID_VALUE."""
    _check_resource_type(resource_type)
    await schemas.hold(connection, author.tenant_id)
    before = await existing(connection, author, urn)
    if resource_type not in {attachment.resource_type for attachment in before.attachments}:
        return before
    await schemas.detach(connection, author.tenant_id, urn, resource_type)
    return await _save(connection, author, before.definition, [f"attachments.{resource_type}"])


async def delete(connection: Connection, author: Author, urn: str) -> None:
    """Forget a schema. Raises SCHEMA_NOT_FOUND, SCHEMA_ATTACHED."""
    await schemas.hold(connection, author.tenant_id)
    stored = await existing(connection, author, urn)
    urn = stored.definition.id
    if stored.attachments:
        types = " and ".join(attachment.resource_type for attachment in stored.attachments)
        raise DomainError(
            ErrorReason.ERROR_REASON_SCHEMA_ATTACHED,
            f"{urn} is attached to {types}; detach it first.",
            field="id",
            metadata={"schema": urn, "resourceTypes": types},
        )
    for number in await schemas.delete(connection, author.tenant_id, urn):
        await unique_values.forget(connection, author.tenant_id, f"{urn}#{number}:")
    await schemas.count_revision(connection, author.tenant_id)
    await _record(connection, author, "delete", stored, [])


async def _save(
    connection: Connection, author: Author, definition: SchemaDefinition, changed: Sequence[str]
) -> Registered:
    await schemas.update(connection, author.tenant_id, definition, datetime.now(UTC))
    await schemas.count_revision(connection, author.tenant_id)
    stored = await existing(connection, author, definition.id)
    await _record(connection, author, "update", stored, changed)
    return stored


async def _record(
    connection: Connection,
    author: Author,
    action: Action,
    stored: Registered,
    changed: Sequence[str],
) -> None:
    deleted = action == "delete"
    record = Change(
        action,
        "Schema",
        stored.id,
        stored.version + 1 if deleted else stored.version,
        datetime.now(UTC) if deleted else stored.update_time,
        changed,
        None if deleted else stored.message().SerializeToString(deterministic=True),
    )
    await changes.record(connection, author, record)


def _check_urn(new: SchemaDefinition, others: Sequence[Registered]) -> None:
    if any(key(other.definition.id) == key(new.id) for other in others):
        raise DomainError(
            ErrorReason.ERROR_REASON_UNIQUENESS,
            f"The schema {new.id!r} is registered already; update it instead.",
            field="id",
            metadata={"attribute": "id", "value": new.id},
        )
    check_apart(new.id, (other.definition.id for other in others))


def _check_room(new: SchemaDefinition, others: Sequence[Registered]) -> None:
    if len(others) >= MAX_SCHEMAS:
        raise DomainError(
            ErrorReason.ERROR_REASON_TOO_MANY,
            f"{MAX_SCHEMAS} schemas are registered; there can be no more.",
        )
    attributes = sum(count_attributes(each) for each in (new, *(o.definition for o in others)))
    if attributes > MAX_ATTRIBUTES_OF_TENANT:
        raise DomainError(
            ErrorReason.ERROR_REASON_TOO_MANY,
            f"All schemas together would have {attributes} attributes, parts counted;"
            f" {MAX_ATTRIBUTES_OF_TENANT} are the most.",
            field="attributes",
        )


def _check_resource_type(name: str) -> None:
    if name not in _RESOURCE_TYPES:
        known = " or ".join(_RESOURCE_TYPES)
        raise invalid_value("resource_type", f"resource_type is {known}, not {name[:100]!r}.")
