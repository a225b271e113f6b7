"""Who has which role: one row for each source that says so."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from service.domain.access.role_catalogue import RoleKey
from service.domain.access.roles import Assignment, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from uuid import UUID

    import asyncpg

    from service.domain.access.roles import RoleChanges
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


async def roles_above(
    connection: Connection,
    tenant_id: UUID,
    principal_id: UUID,
    types: Sequence[str],
    prefixes: Sequence[str],
) -> set[RoleKey]:
    """Roles of these types, or of types that begin so, that a principal was given or has by its
    groups, pending ones too and whether or not it is active."""
    beginning = "EXISTS (SELECT FROM unnest($4::text []) AS p (p) WHERE starts_with(r.type_key, p))"
    rows = await connection.fetch(
        f"""
        WITH RECURSIVE held (principal_id) AS (
            SELECT $2::uuid
            UNION
            SELECT m.group_id
            FROM held JOIN members AS m ON m.tenant_id = $1 AND m.member_id = held.principal_id
        )
        SELECT DISTINCT a.type_key, a.value_key
        FROM held CROSS JOIN LATERAL (
            SELECT r.type_key, r.value_key FROM role_assignments AS r
            WHERE r.tenant_id = $1 AND r.principal_id = held.principal_id
            AND (r.type_key = ANY ($3::text []){f" OR {beginning}" if prefixes else ""})
            AND (r.expire_time IS NULL OR r.expire_time > now())
            OFFSET 0
        ) AS a
        """,
        tenant_id,
        principal_id,
        types,
        *([prefixes] if prefixes else []),
    )
    return {RoleKey(row["type_key"], row["value_key"]) for row in rows}


async def tenants_with_expired(connection: Connection) -> list[UUID]:
    """Those whose principals still show roles that have expired, found across all tenants."""
    rows = await connection.fetch(
        "SELECT DISTINCT tenant_id FROM role_assignments WHERE expire_time <= now()"
    )
    return [row["tenant_id"] for row in rows]


async def with_expired(connection: Connection, tenant_id: UUID, limit: int) -> list[UUID]:
    """Those who still show roles that have expired, so many of them at the most."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT principal_id FROM (
            SELECT principal_id FROM role_assignments
            WHERE tenant_id = $1 AND expire_time <= now()
            ORDER BY expire_time LIMIT $2
        ) AS expired
        """,
        tenant_id,
        limit,
    )
    return [row["principal_id"] for row in rows]


async def principal_of(connection: Connection, tenant_id: UUID, identifier: UUID) -> UUID | None:
    """Who has the role of an assignment; None when there is none of that id."""
    principal_id: UUID | None = await connection.fetchval(
        "SELECT principal_id FROM role_assignments WHERE tenant_id = $1 AND id = $2",
        tenant_id,
        identifier,
    )
    return principal_id


async def of_principals(
    connection: Connection, tenant_id: UUID, principal_ids: Collection[UUID]
) -> dict[UUID, list[Assignment]]:
    """What was given to each of the principals itself, by whatever source, expired or not. The
    caller holds the principals."""
    rows = await connection.fetch(
        """
        SELECT
            id, principal_id, role_type, value, display, is_primary, source, pending,
            expire_time, coalesce(expire_time <= now(), false) AS expired
        FROM role_assignments
        WHERE tenant_id = $1 AND principal_id = ANY ($2::uuid [])
        ORDER BY id
        """,
        tenant_id,
        principal_ids,
    )
    found: dict[UUID, list[Assignment]] = {}
    for row in rows:
        found.setdefault(row["principal_id"], []).append(_assignment(row))
    return found


def _assignment(row: asyncpg.Record) -> Assignment:
    role = Role(row["role_type"], row["value"], row["display"], row["is_primary"])
    return Assignment(
        row["id"], role, row["source"], row["pending"], row["expired"], row["expire_time"]
    )


async def holders(
    connection: Connection, tenant_id: UUID, types: Sequence[str] | None, *, pending: bool
) -> set[UUID]:
    """Who was given roles of types, by their keys, or of any type, that are pending or not."""
    rows = await connection.fetch(
        f"SELECT DISTINCT principal_id FROM role_assignments WHERE {_of_types(types, pending)}",
        tenant_id,
        *([] if types is None else [types]),
    )
    return {row["principal_id"] for row in rows}


async def set_pending(
    connection: Connection, tenant_id: UUID, types: Sequence[str] | None, *, pending: bool
) -> dict[UUID, int]:
    """Let roles of types, by their keys, or of any type be pending, or no more. Returns how many
    changed of each principal."""
    rows = await connection.fetch(
        f"UPDATE role_assignments SET pending = {pending} "
        f"WHERE {_of_types(types, not pending)} RETURNING principal_id",
        tenant_id,
        *([] if types is None else [types]),
    )
    return dict(Counter(row["principal_id"] for row in rows))


def _of_types(types: Sequence[str] | None, pending: bool) -> str:  # noqa: FBT001  part of the SQL
    condition = f"tenant_id = $1 AND {'pending' if pending else 'NOT pending'}"
    return condition if types is None else f"{condition} AND type_key = ANY ($2::text [])"


async def apply(
    connection: Connection,
    tenant_id: UUID,
    changes: Iterable[tuple[UUID, str, RoleChanges]],
) -> None:
    """Make changes of principals, each with the name of the credential by which it is made. The
    caller holds the principals and stores their messages."""
    changes = list(changes)
    await _delete(connection, tenant_id, [r.id for _, _, each in changes for r in each.removed])
    await _alter(connection, tenant_id, [a for _, _, each in changes for a in each.altered])
    added = [
        (assignment, principal_id, granted_by)
        for principal_id, granted_by, each in changes
        for assignment in each.added
    ]
    await _insert(connection, tenant_id, added)


async def _delete(connection: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> None:
    if ids:
        await connection.execute(
            "DELETE FROM role_assignments WHERE tenant_id = $1 AND id = ANY ($2::uuid [])",
            tenant_id,
            ids,
        )


async def _alter(
    connection: Connection, tenant_id: UUID, assignments: Sequence[Assignment]
) -> None:
    if not assignments:
        return
    await connection.execute(
        """
        UPDATE role_assignments AS a SET
            role_type = n.role_type, value = n.value, display = n.display,
            is_primary = n.is_primary, expire_time = n.expire_time
        FROM unnest(
            $2::uuid [], $3::text [], $4::text [], $5::text [], $6::boolean [], $7::timestamptz []
        ) AS n (id, role_type, value, display, is_primary, expire_time)
        WHERE a.tenant_id = $1 AND a.id = n.id
        """,
        tenant_id,
        [each.id for each in assignments],
        *_columns(assignments),
    )


async def _insert(
    connection: Connection, tenant_id: UUID, rows: Sequence[tuple[Assignment, UUID, str]]
) -> None:
    if not rows:
        return
    assignments = [assignment for assignment, _, _ in rows]
    await connection.execute(
        """
        INSERT INTO role_assignments (
            tenant_id, id, role_type, value, display, is_primary, expire_time, type_key, value_key,
            source, pending, principal_id, granted_by
        )
        SELECT
            $1, n.id, n.role_type, n.value, n.display, n.is_primary, n.expire_time, n.type_key,
            n.value_key, n.source, n.pending, n.principal_id, n.granted_by
        FROM unnest(
            $2::uuid [], $3::text [], $4::text [], $5::text [], $6::boolean [], $7::timestamptz [],
            $8::text [], $9::text [], $10::text [], $11::boolean [], $12::uuid [], $13::text []
        ) AS n (
            id, role_type, value, display, is_primary, expire_time, type_key, value_key, source,
            pending, principal_id, granted_by
        )
        """,
        tenant_id,
        [each.id for each in assignments],
        *_columns(assignments),
        [each.key.type for each in assignments],
        [each.key.value for each in assignments],
        [each.source for each in assignments],
        [each.pending for each in assignments],
        [principal_id for _, principal_id, _ in rows],
        [granted_by for _, _, granted_by in rows],
    )


def _columns(assignments: Sequence[Assignment]) -> tuple[list[object], ...]:
    """role_type, value, display, is_primary, expire_time."""
    return (
        [each.role.type for each in assignments],
        [each.role.value for each in assignments],
        [each.role.display for each in assignments],
        [each.role.primary for each in assignments],
        [each.expire_time for each in assignments],
    )
