"""Resources of every type: one row each, with the message that clients get.

Functions take the connection first and run one statement, or the few that belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson

from rollbook.attributes import Uniqueness
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.access.roles import MANUAL, SCIM
from service.domain.errors import DomainError, StaleSchemasError
from service.domain.responsibility import responsible_of
from service.domain.search.folding import fold
from service.storage import derived
from service.storage.search import document as search

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from google.protobuf.message import Message

    from rollbook.attributes import Attribute, ResourceType
    from rollbook.schema_sets import SchemaSet
    from service.storage.database import Connection
    from service.storage.derived import View


@dataclass(frozen=True, slots=True)
class Stored:
    """A row that was locked to be changed: its message parsed, nothing derived in it."""

    id: UUID
    version: int
    create_time: datetime
    update_time: datetime
    message: Any
    origin: str = MANUAL


async def get(
    connection: Connection, tenant_id: UUID, resource_type: ResourceType, id_: UUID, view: View
) -> bytes | None:
    """One resource as protobuf bytes; None when there is none of that id and type."""
    record = await connection.fetchrow(
        f"SELECT {view.columns(resource_type)} FROM resources AS r {view.joins(resource_type)} "
        "WHERE r.tenant_id = $1 AND r.id = $2 AND r.resource_type = $3",
        tenant_id,
        id_,
        resource_type.name,
    )
    return derived.wire_form(record, resource_type, view) if record else None


async def get_many(
    connection: Connection,
    tenant_id: UUID,
    resource_type: ResourceType,
    ids: Sequence[UUID],
    view: View,
) -> dict[UUID, bytes]:
    """Those of the resources that exist, by id."""
    records = await connection.fetch(
        f"SELECT {view.columns(resource_type)} FROM resources AS r {view.joins(resource_type)} "
        "WHERE r.tenant_id = $1 AND r.id = ANY ($2::uuid []) AND r.resource_type = $3",
        tenant_id,
        ids,
        resource_type.name,
    )
    return {record["id"]: derived.wire_form(record, resource_type, view) for record in records}


async def type_of(connection: Connection, tenant_id: UUID, id_: UUID) -> str | None:
    """The name of the type of a resource; None when there is none of that id."""
    name: str | None = await connection.fetchval(
        "SELECT resource_type FROM resources WHERE tenant_id = $1 AND id = $2", tenant_id, id_
    )
    return name


async def lock(
    connection: Connection,
    tenant_id: UUID,
    resource_type: ResourceType,
    id_: UUID,
    *,
    to_delete: bool = False,
) -> Stored | None:
    """Read a resource and hold it until the transaction ends.

    A lock for a change leaves others free to refer to the row: foreign keys take KEY SHARE.
    Raises StaleSchemasError.
    """
    record = await connection.fetchrow(
        "SELECT id, version, create_time, update_time, message, schema_revision, origin "
        "FROM resources "
        "WHERE tenant_id = $1 AND id = $2 AND resource_type = $3 "
        + ("FOR UPDATE" if to_delete else "FOR NO KEY UPDATE"),
        tenant_id,
        id_,
        resource_type.name,
    )
    return stored_of(record, resource_type) if record else None


async def hold_all(connection: Connection, tenant_id: UUID, ids: Collection[UUID]) -> None:
    """Hold resources until the transaction ends, in the order of their ids."""
    if ids:
        await connection.execute(
            "SELECT FROM resources WHERE tenant_id = $1 AND id = ANY ($2::uuid []) "
            "ORDER BY id FOR NO KEY UPDATE",
            tenant_id,
            ids,
        )


async def rows_of(
    connection: Connection, tenant_id: UUID, ids: Collection[UUID]
) -> list[asyncpg.Record]:
    """The stored form of resources of whatever types: rows of id, resource_type, version,
    message."""
    return await connection.fetch(
        "SELECT id, resource_type, version, message FROM resources "
        "WHERE tenant_id = $1 AND id = ANY ($2::uuid [])",
        tenant_id,
        ids,
    )


async def lock_referrers(connection: Connection, tenant_id: UUID, id_: UUID) -> None:
    """Hold a resource that is to be deleted and those that refer to it: the groups it belongs to
    and the users and service accounts that it answers for.

    All are waited for in the order of their ids, so that deletes that meet take turns. Whoever
    comes to refer to it only now is not waited for any more: see `leave_groups`.
    """
    await connection.execute(
        """
        SELECT FROM resources
        WHERE tenant_id = $1 AND id IN (
            SELECT $2::uuid
            UNION ALL
            SELECT group_id FROM members WHERE tenant_id = $1 AND member_id = $2
            UNION ALL
            SELECT id FROM resources WHERE tenant_id = $1 AND manager_id = $2
        )
        ORDER BY id FOR NO KEY UPDATE
        """,
        tenant_id,
        id_,
    )


async def lock_reports(
    connection: Connection, tenant_id: UUID, schemas: SchemaSet, manager_id: UUID
) -> list[tuple[ResourceType, Stored]]:
    """The other users and the service accounts that the given user answers for, with their type,
    held until the transaction ends.

    Raises StaleSchemasError, and LockNotAvailableError as `leave_groups` does."""
    records = await connection.fetch(
        "SELECT id, resource_type, version, create_time, update_time, message, schema_revision,"
        " origin FROM resources WHERE tenant_id = $1 AND manager_id = $2 AND id <> $2 "
        "ORDER BY id FOR NO KEY UPDATE NOWAIT",
        tenant_id,
        manager_id,
    )
    found = []
    for record in records:
        resource_type = schemas.resource_type(record["resource_type"])
        found.append((resource_type, stored_of(record, resource_type)))
    return found


async def hold_type(connection: Connection, tenant_id: UUID, id_: UUID) -> str | None:
    """The name of the type of a resource, which cannot be deleted until the transaction ends;
    None when there is none of that id."""
    name: str | None = await connection.fetchval(
        "SELECT resource_type FROM resources WHERE tenant_id = $1 AND id = $2 FOR KEY SHARE",
        tenant_id,
        id_,
    )
    return name


def stored_of(record: asyncpg.Record, resource_type: ResourceType) -> Stored:
    """The resource of a row with id, version, times, message, schema_revision and origin. Raises
    StaleSchemasError."""
    if record["schema_revision"] > resource_type.revision:
        # Attributes that this process does not know yet would get lost to searches.
        raise StaleSchemasError
    message = resource_type.message.FromString(record["message"])
    return Stored(
        record["id"],
        record["version"],
        record["create_time"],
        record["update_time"],
        message,
        record["origin"],
    )


async def insert(
    connection: Connection,
    tenant_id: UUID,
    resource_type: ResourceType,
    id_: UUID,
    message: Message,
    time: datetime,
    origin: str = MANUAL,
) -> None:
    """Store a new resource. Raises UNIQUENESS when a unique value is taken."""
    try:
        await connection.execute(
            """
            INSERT INTO resources (
                tenant_id, id, resource_type, create_time, update_time,
                unique_key, external_id, display, active, manager_id, message, search,
                schema_revision, origin, synced_time
            ) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            """,
            tenant_id,
            id_,
            resource_type.name,
            time,
            *columns_of(resource_type, message),
            origin,
            synced_time(origin, time),
        )
    except asyncpg.UniqueViolationError as error:
        raise _taken(error, resource_type, message) from error


async def update(
    connection: Connection,
    tenant_id: UUID,
    resource_type: ResourceType,
    id_: UUID,
    message: Message,
    version: int,
    time: datetime,
) -> None:
    """Store a resource anew. Raises UNIQUENESS when a unique value is taken."""
    try:
        await connection.execute(
            """
            UPDATE resources SET
                version = $3, update_time = $4, unique_key = $5, external_id = $6,
                display = $7, active = $8, manager_id = $9, message = $10, search = $11,
                schema_revision = $12
            WHERE tenant_id = $1 AND id = $2
            """,
            tenant_id,
            id_,
            version,
            time,
            *columns_of(resource_type, message),
        )
    except asyncpg.UniqueViolationError as error:
        raise _taken(error, resource_type, message) from error


def synced_time(origin: str, time: datetime) -> datetime | None:
    """Since when what is made at this time with this origin is a connection's."""
    return time if origin.startswith(SCIM) else None


async def take_over(
    connection: Connection, tenant_id: UUID, ids: Collection[UUID], origin: str, time: datetime
) -> None:
    """Let resources be managed by a connection from now on."""
    await connection.execute(
        """
        UPDATE resources SET origin = $3, synced_time = $4
        WHERE tenant_id = $1 AND id = ANY ($2::uuid [])
        """,
        tenant_id,
        ids,
        origin,
        time,
    )


async def touch(
    connection: Connection, tenant_id: UUID, id_: UUID, version: int, time: datetime
) -> None:
    """Give a resource a new version although its own attributes stay: its members changed."""
    await connection.execute(
        "UPDATE resources SET version = $3, update_time = $4 WHERE tenant_id = $1 AND id = $2",
        tenant_id,
        id_,
        version,
        time,
    )


async def delete(connection: Connection, tenant_id: UUID, id_: UUID) -> None:
    """Delete a resource with its memberships and password."""
    await connection.execute(
        "DELETE FROM resources WHERE tenant_id = $1 AND id = $2", tenant_id, id_
    )


async def leave_groups(
    connection: Connection, tenant_id: UUID, member_id: UUID, time: datetime
) -> list[asyncpg.Record]:
    """End every membership of someone in other groups and give these a new version: rows of id,
    version and message of the groups left.

    Raises LockNotAvailableError, after which the transaction is to be tried again, when another
    one holds a group that `lock_referrers` did not yet see: it may wait for this one.
    """
    return await connection.fetch(
        """
        WITH held AS (
            SELECT id FROM resources
            WHERE tenant_id = $1 AND id IN (
                SELECT group_id FROM members
                WHERE tenant_id = $1 AND member_id = $2 AND group_id <> $2
            )
            FOR NO KEY UPDATE NOWAIT
        ),
        gone AS (
            DELETE FROM members
            WHERE tenant_id = $1 AND member_id = $2 AND group_id IN (SELECT id FROM held)
            RETURNING group_id
        )
        UPDATE resources AS r SET
            version = r.version + 1,
            update_time = greatest($3, r.update_time + interval '1 microsecond')
        FROM gone WHERE r.tenant_id = $1 AND r.id = gone.group_id
        RETURNING r.id, r.version, r.update_time, r.message
        """,
        tenant_id,
        member_id,
        time,
    )


def unique_attribute(resource_type: ResourceType) -> Attribute | None:
    """The attribute whose value occurs once in the resource type, besides the id."""
    return next(
        (
            attribute
            for attribute in resource_type.schema.attributes
            if attribute.uniqueness is not Uniqueness.NONE and attribute.name != "id"
        ),
        None,
    )


def columns_of(resource_type: ResourceType, message: Any) -> tuple[object, ...]:
    """unique_key, external_id, display, active, manager_id, message, search, schema_revision."""
    unique = unique_attribute(resource_type)
    document = search.search_document(resource_type, message)
    return (
        fold(getattr(message, unique.field)) if unique else None,
        message.external_id or None,
        display_of(message),
        is_active(message),
        responsible_of(message, resource_type),
        message.SerializeToString(deterministic=True),
        orjson.dumps(document).decode(),
        resource_type.revision,
    )


def is_active(message: Any) -> bool:
    """Whether a resource is not deactivated; those of some types cannot be."""
    return not hasattr(message, "active") or not message.HasField("active") or message.active


def display_of(message: Any) -> str:
    """What others show of a resource: its display name, empty when it has none."""
    return str(message.display_name)


def _taken(
    error: asyncpg.UniqueViolationError, resource_type: ResourceType, message: Any
) -> Exception:
    is_key = error.constraint_name == "resources_unique_key"
    return taken(resource_type, message) if is_key else error


def taken(resource_type: ResourceType, message: Any) -> DomainError:
    """UNIQUENESS: another resource has the value of the unique attribute."""
    unique = unique_attribute(resource_type)
    assert unique is not None, f"a {resource_type.name} has no unique attribute"
    value = getattr(message, unique.field)
    return DomainError(
        ErrorReason.ERROR_REASON_UNIQUENESS,
        f"{unique.name} {value!r} is already in use by another {resource_type.noun}.",
        field=unique.name,
        metadata={"attribute": unique.name, "value": value},
    )
