"""Many resources at once: one statement for each table, whatever their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.access.roles import MANUAL, SCIM
from service.storage.resources import columns_of, stored_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from typing import Any
    from uuid import UUID

    from rollbook.attributes import ResourceType
    from service.storage.database import Connection
    from service.storage.resources import Stored

    # A resource to store: id, type, message, time of creation.
    Row = tuple[UUID, ResourceType, Any, datetime]
    # A resource to store anew: id, message, version, time of the change.
    ChangedRow = tuple[UUID, Any, int, datetime]


async def principals_among(
    connection: Connection, tenant_id: UUID, ids: Collection[UUID]
) -> dict[UUID, str]:
    """The names of the types of those of the ids that resources have, which cannot be deleted
    until the transaction ends."""
    rows = await connection.fetch(
        """
        SELECT id, resource_type FROM resources
        WHERE tenant_id = $1 AND id = ANY ($2::uuid [])
        ORDER BY id FOR KEY SHARE
        """,
        tenant_id,
        ids,
    )
    return {row["id"]: row["resource_type"] for row in rows}


async def insert_resources(
    connection: Connection, tenant_id: UUID, rows: Iterable[Row], origin: str = MANUAL
) -> set[UUID]:
    """Store new resources. Returns the ids of those stored: the others have a unique value that
    is taken, by a resource of before or by an earlier one of these."""
    records = [
        (id_, kind.name, time, *columns_of(kind, message)) for id_, kind, message, time in rows
    ]
    inserted = await connection.fetch(
        """
        INSERT INTO resources (
            tenant_id, id, resource_type, create_time, update_time,
            unique_key, external_id, display, active, manager_id, message, search,
            schema_revision, origin, synced_time
        )
        SELECT $1, n.id, n.kind, n.time, n.time, n.key, n.external_id, n.display, n.active,
            n.manager_id, n.message, n.search::jsonb, n.schema_revision,
            $13, CASE WHEN $14 THEN n.time END
        FROM unnest(
            $2::uuid [], $3::text [], $4::timestamptz [], $5::text [], $6::text [], $7::text [],
            $8::boolean [], $9::uuid [], $10::bytea [], $11::text [], $12::bigint []
        ) AS n (
            id, kind, time, key, external_id, display, active, manager_id, message, search,
            schema_revision
        )
        ON CONFLICT ON CONSTRAINT resources_unique_key DO NOTHING
        RETURNING id
        """,
        tenant_id,
        *map(list, zip(*records, strict=True)),
        origin,
        origin.startswith(SCIM),
    )
    return {row["id"] for row in inserted}


async def insert_members(
    connection: Connection, tenant_id: UUID, pairs: Sequence[tuple[UUID, UUID]], origin: str
) -> None:
    """Store memberships: pairs of group and member, all of whom exist."""
    if not pairs:
        return
    await connection.execute(
        """
        INSERT INTO members (tenant_id, group_id, member_id, origin, synced_time)
        SELECT $1, n.group_id, n.member_id, $4, CASE WHEN $5 THEN now() END
        FROM unnest($2::uuid [], $3::uuid []) AS n (group_id, member_id)
        """,
        tenant_id,
        *map(list, zip(*pairs, strict=True)),
        origin,
        origin.startswith(SCIM),
    )


async def insert_passwords(
    connection: Connection, tenant_id: UUID, hashes: Sequence[tuple[UUID, str]]
) -> None:
    """Store the password hashes of new users."""
    if not hashes:
        return
    await connection.execute(
        """
        INSERT INTO passwords (tenant_id, user_id, hash)
        SELECT $1, n.user_id, n.hash FROM unnest($2::uuid [], $3::text []) AS n (user_id, hash)
        """,
        tenant_id,
        *map(list, zip(*hashes, strict=True)),
    )


async def lock_resources(
    connection: Connection, tenant_id: UUID, resource_type: ResourceType, ids: Collection[UUID]
) -> dict[UUID, Stored]:
    """Read those of the resources that exist, to change them, and hold them until the
    transaction ends. Raises StaleSchemasError."""
    records = await connection.fetch(
        """
        SELECT id, version, create_time, update_time, message, schema_revision, origin
        FROM resources
        WHERE tenant_id = $1 AND id = ANY ($2::uuid []) AND resource_type = $3
        ORDER BY id FOR NO KEY UPDATE
        """,
        tenant_id,
        ids,
        resource_type.name,
    )
    return {record["id"]: stored_of(record, resource_type) for record in records}


async def update_resources(
    connection: Connection,
    tenant_id: UUID,
    resource_type: ResourceType,
    rows: Sequence[ChangedRow],
) -> None:
    """Store resources anew whose unique values have not changed."""
    records = [
        (id_, version, time, *columns_of(resource_type, message)[1:])
        for id_, message, version, time in rows
    ]
    await connection.execute(
        """
        UPDATE resources AS r SET
            version = n.version, update_time = n.time, external_id = n.external_id,
            display = n.display, active = n.active, manager_id = n.manager_id,
            message = n.message, search = n.search::jsonb, schema_revision = n.schema_revision
        FROM unnest(
            $2::uuid [], $3::bigint [], $4::timestamptz [], $5::text [], $6::text [],
            $7::boolean [], $8::uuid [], $9::bytea [], $10::text [], $11::bigint []
        ) AS n (
            id, version, time, external_id, display, active, manager_id, message, search,
            schema_revision
        )
        WHERE r.tenant_id = $1 AND r.id = n.id
        """,
        tenant_id,
        *map(list, zip(*records, strict=True)),
    )
