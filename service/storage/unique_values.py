"""Who has which value of an attribute that is unique among the resources of a type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from service.storage.database import Connection


async def replace(
    connection: Connection,
    tenant_id: UUID,
    resource_id: UUID,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> str | None:
    """Let a resource have other values than before, both by attribute. Returns an attribute whose
    value another resource has; None when all are free. Waits for whoever is about to take one."""
    if before == after:
        return None
    given_up = [each for each in before.items() if each not in after.items()]
    if given_up:
        await connection.execute(
            """
            DELETE FROM unique_values AS u USING unnest($2::text [], $3::text []) AS g (a, v)
            WHERE u.tenant_id = $1 AND u.attribute = g.a AND u.value = g.v
            """,
            tenant_id,
            *map(list, zip(*given_up, strict=True)),
        )
    taken = [each for each in sorted(after.items()) if each not in before.items()]
    conflicts = await take(connection, tenant_id, [(*each, resource_id) for each in taken])
    return conflicts.get(resource_id)


async def take(
    connection: Connection, tenant_id: UUID, rows: Sequence[tuple[str, str, UUID]]
) -> dict[UUID, str]:
    """Let resources have values: rows of attribute, value and resource. Returns, for the
    resources that cannot have all of theirs, an attribute whose value another one has."""
    if not rows:
        return {}
    inserted = await connection.fetch(
        """
        INSERT INTO unique_values (tenant_id, attribute, value, resource_id)
        SELECT $1, n.attribute, n.value, n.resource_id
        FROM unnest($2::text [], $3::text [], $4::uuid []) AS n (attribute, value, resource_id)
        ORDER BY n.attribute, n.value
        ON CONFLICT (tenant_id, attribute, value) DO NOTHING
        RETURNING attribute, resource_id
        """,
        tenant_id,
        *map(list, zip(*rows, strict=True)),
    )
    free = {(row["attribute"], row["resource_id"]) for row in inserted}
    return {
        resource_id: attribute
        for attribute, _, resource_id in rows
        if (attribute, resource_id) not in free
    }


async def forget(connection: Connection, tenant_id: UUID, prefix: str) -> None:
    """Free the values of all attributes whose names begin so."""
    await connection.execute(
        "DELETE FROM unique_values WHERE tenant_id = $1 AND starts_with(attribute, $2)",
        tenant_id,
        prefix,
    )
