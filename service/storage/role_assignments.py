"""Who has which role: one row for each source that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.domain.role_catalogue import RoleKey

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection

COUNTS: Final = "NOT a.pending AND (a.expire_time IS NULL OR a.expire_time > now())"
"""The condition that an assignment `a` gives its role."""


async def roles_of_principal(
    connection: Connection, tenant_id: UUID, principal_id: UUID
) -> set[RoleKey]:
    """What an active principal was given itself, or as a member of groups at any depth; nothing
    for one that is inactive or does not exist."""
    rows = await connection.fetch(
        f"""
        WITH RECURSIVE held (principal_id) AS (
            SELECT id FROM resources WHERE tenant_id = $1 AND id = $2 AND active
            UNION
            SELECT m.group_id
            FROM held JOIN members AS m ON m.tenant_id = $1 AND m.member_id = held.principal_id
        )
        SELECT DISTINCT a.type_key, a.value_key
        FROM held
        JOIN role_assignments AS a ON a.tenant_id = $1 AND a.principal_id = held.principal_id
        WHERE {COUNTS}
        """,
        tenant_id,
        principal_id,
    )
    return {RoleKey(row["type_key"], row["value_key"]) for row in rows}
