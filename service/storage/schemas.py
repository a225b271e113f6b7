"""Registered schemas and what they extend.

Whoever changes them holds the tenant's row, so that changes come one after the other and each
has a revision of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook.schema_sets import schema_set_of
from rollbook.v1.schema_pb2 import Schema, SchemaAttachment, SchemaDefinition
from service.domain.schema_urns import key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from rollbook.schema_sets import SchemaSet
    from service.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Registered:
    """A schema as it is stored."""

    id: UUID
    version: int
    create_time: datetime
    update_time: datetime
    definition: SchemaDefinition
    attachments: tuple[SchemaAttachment, ...]

    def message(self) -> Schema:
        """As clients see it."""
        message = Schema(definition=self.definition, attachments=self.attachments)
        message.create_time.FromDatetime(self.create_time)
        message.update_time.FromDatetime(self.update_time)
        return message


async def hold(connection: Connection, tenant_id: UUID) -> None:
    """Keep others from changing the tenant's schemas until the transaction ends."""
    await connection.execute(
        "SELECT FROM tenants WHERE tenant_id = $1 FOR NO KEY UPDATE", tenant_id
    )


async def find_all(connection: Connection, tenant_id: UUID) -> list[Registered]:
    """All schemas, by URN."""
    return await _find(connection, tenant_id, None)


async def find(connection: Connection, tenant_id: UUID, urn: str) -> Registered | None:
    """The schema of a URN, in any case; None when there is none."""
    found = await _find(connection, tenant_id, urn)
    return found[0] if found else None


async def _find(connection: Connection, tenant_id: UUID, urn: str | None) -> list[Registered]:
    rows = await connection.fetch(
        """
        SELECT s.id, s.version, s.create_time, s.update_time, s.definition,
            array_agg(a.resource_type ORDER BY a.field_number) AS types,
            array_agg(a.field_number ORDER BY a.field_number) AS numbers,
            array_agg(a.required ORDER BY a.field_number) AS required
        FROM schemas AS s
        LEFT JOIN schema_attachments AS a
        ON a.tenant_id = s.tenant_id AND a.urn = s.urn AND a.attached
        WHERE s.tenant_id = $1 AND s.urn = coalesce($2, s.urn)
        GROUP BY s.tenant_id, s.urn ORDER BY s.urn
        """,
        tenant_id,
        None if urn is None else key(urn),
    )
    return [_registered(row) for row in rows]


def _registered(row: asyncpg.Record) -> Registered:
    definition = SchemaDefinition.FromString(row["definition"])
    attachments = tuple(
        SchemaAttachment(
            schema=definition.id, resource_type=kind, field_number=number, required=required
        )
        for kind, number, required in zip(
            row["types"], row["numbers"], row["required"], strict=True
        )
        if kind is not None
    )
    return Registered(
        row["id"],
        row["version"],
        row["create_time"],
        row["update_time"],
        definition,
        attachments,
    )


async def insert(
    connection: Connection,
    tenant_id: UUID,
    id_: UUID,
    definition: SchemaDefinition,
    time: datetime,
) -> None:
    """Store a new schema; its URN is free."""
    await connection.execute(
        """
        INSERT INTO schemas (tenant_id, urn, id, create_time, update_time, definition)
        VALUES ($1, $2, $3, $4, $4, $5)
        """,
        tenant_id,
        key(definition.id),
        id_,
        time,
        definition.SerializeToString(deterministic=True),
    )


async def update(
    connection: Connection, tenant_id: UUID, definition: SchemaDefinition, time: datetime
) -> int:
    """Store a schema anew. Returns its version."""
    version: int = await connection.fetchval(
        """
        UPDATE schemas SET version = version + 1, update_time = $3, definition = $4
        WHERE tenant_id = $1 AND urn = $2 RETURNING version
        """,
        tenant_id,
        key(definition.id),
        time,
        definition.SerializeToString(deterministic=True),
    )
    return version


async def delete(connection: Connection, tenant_id: UUID, urn: str) -> list[int]:
    """Delete a schema. Returns the field numbers that its extensions had."""
    rows = await connection.fetch(
        "DELETE FROM schema_attachments WHERE tenant_id = $1 AND urn = $2 RETURNING field_number",
        tenant_id,
        key(urn),
    )
    await connection.execute(
        "DELETE FROM schemas WHERE tenant_id = $1 AND urn = $2", tenant_id, key(urn)
    )
    return [row["field_number"] for row in rows]


async def attach(
    connection: Connection, tenant_id: UUID, urn: str, resource_type: str, *, required: bool
) -> None:
    """Let a schema extend a resource type, by the field that it had there before or by a new one.

    The numbers 19000 to 19999 are protobuf's own.
    """
    known = await connection.fetchval(
        """
        UPDATE schema_attachments SET required = $4, attached = true
        WHERE tenant_id = $1 AND urn = $2 AND resource_type = $3 RETURNING true
        """,
        tenant_id,
        key(urn),
        resource_type,
        required,
    )
    if known:
        return
    await connection.execute(
        """
        WITH numbered AS (
            UPDATE tenants SET next_extension_number =
                CASE next_extension_number WHEN 18999 THEN 20000 ELSE next_extension_number + 1 END
            WHERE tenant_id = $1
            RETURNING CASE next_extension_number
                WHEN 20000 THEN 18999 ELSE next_extension_number - 1 END AS number
        )
        INSERT INTO schema_attachments (tenant_id, urn, resource_type, required, field_number)
        SELECT $1, $2, $3, $4, number FROM numbered
        """,
        tenant_id,
        key(urn),
        resource_type,
        required,
    )


async def detach(connection: Connection, tenant_id: UUID, urn: str, resource_type: str) -> None:
    """Let a schema extend a resource type no more."""
    await connection.execute(
        """
        UPDATE schema_attachments SET attached = false
        WHERE tenant_id = $1 AND urn = $2 AND resource_type = $3
        """,
        tenant_id,
        key(urn),
        resource_type,
    )


async def count_revision(connection: Connection, tenant_id: UUID) -> None:
    """What extends the tenant's resource types has changed."""
    await connection.execute(
        "UPDATE tenants SET schema_revision = schema_revision + 1 WHERE tenant_id = $1", tenant_id
    )


async def revision(connection: Connection, tenant_id: UUID) -> int:
    """How often that has happened."""
    count: int | None = await connection.fetchval(
        "SELECT schema_revision FROM tenants WHERE tenant_id = $1", tenant_id
    )
    return count or 0


@dataclass(frozen=True, slots=True)
class Extensions:
    """What extends the resource types of a tenant, as of a revision; `dormant` did so before."""

    revision: int
    definitions: list[SchemaDefinition]
    attachments: list[SchemaAttachment]
    dormant: list[SchemaAttachment]

    def schema_set(self) -> SchemaSet:
        """The resource types that this makes."""
        return schema_set_of(self.revision, self.definitions, self.attachments, self.dormant)


async def extensions(connection: Connection, tenant_id: UUID) -> Extensions:
    """What extends the resource types of a tenant, in one statement and so of one moment."""
    rows = await connection.fetch(
        """
        SELECT t.schema_revision, s.definition,
            a.resource_type, a.field_number, a.required, a.attached
        FROM tenants AS t
        LEFT JOIN schema_attachments AS a ON a.tenant_id = t.tenant_id
        LEFT JOIN schemas AS s ON s.tenant_id = a.tenant_id AND s.urn = a.urn
        WHERE t.tenant_id = $1 ORDER BY a.field_number
        """,
        tenant_id,
    )
    return _extensions(rows)


def _extensions(rows: Sequence[asyncpg.Record]) -> Extensions:
    definitions: dict[str, SchemaDefinition] = {}
    attached: list[SchemaAttachment] = []
    dormant: list[SchemaAttachment] = []
    for row in rows:
        if row["definition"] is None:
            continue
        definition = SchemaDefinition.FromString(row["definition"])
        definitions[definition.id] = definition
        attachment = SchemaAttachment(
            schema=definition.id,
            resource_type=row["resource_type"],
            field_number=row["field_number"],
            required=row["required"],
        )
        (attached if row["attached"] else dormant).append(attachment)
    revision = rows[0]["schema_revision"] if rows else 0
    return Extensions(revision, list(definitions.values()), attached, dormant)
