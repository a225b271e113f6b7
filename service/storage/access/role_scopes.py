"""Scopes that products have registered, for roles to be on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    import asyncpg

    from rollbook.v1.role_pb2 import RoleScope
    from service.storage.changes import Author
    from service.storage.database import Connection


async def names(
    connection: Connection, tenant_id: UUID, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The names of those scopes that are registered, by the keys of pattern and name."""
    if not keys:
        return {}
    rows = await connection.fetch(
        """
        SELECT s.pattern_key, s.name_key, s.name
        FROM unnest($2::text [], $3::text []) AS n (pattern_key, name_key)
        JOIN role_scopes AS s
        ON s.tenant_id = $1 AND s.pattern_key = n.pattern_key AND s.name_key = n.name_key
        """,
        tenant_id,
        *map(list, zip(*keys, strict=True)),
    )
    return {(row["pattern_key"], row["name_key"]): row["name"] for row in rows}


async def hold_all(connection: Connection, tenant_id: UUID) -> None:
    """Keep everybody from assigning roles, and others from changing scopes, until the transaction
    ends: `role_catalogues.get_to_assign` waits for it."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"role_scopes:{tenant_id}"
    )


async def register(
    connection: Connection, author: Author, pattern_key: str, scopes: Mapping[str, RoleScope]
) -> int:
    """Store scopes by the keys of their names, or the display names of those that are known.
    Returns how many were not."""
    rows = await connection.fetch(
        """
        INSERT INTO role_scopes AS s (
            tenant_id, pattern_key, name_key, name, display, registered_by
        )
        SELECT $1, $2, n.name_key, n.name, nullif(n.display, ''), $6
        FROM unnest($3::text [], $4::text [], $5::text []) AS n (name_key, name, display)
        ON CONFLICT (tenant_id, pattern_key, name_key) DO UPDATE
        SET name = excluded.name, display = excluded.display
        WHERE (s.name, s.display) IS DISTINCT FROM (excluded.name, excluded.display)
        RETURNING xmax = 0 AS is_new
        """,
        author.tenant_id,
        pattern_key,
        list(scopes),
        [scope.name for scope in scopes.values()],
        [scope.display for scope in scopes.values()],
        author.name,
    )
    return sum(row["is_new"] for row in rows)


async def unregister(
    connection: Connection, tenant_id: UUID, pattern_key: str, keys: Sequence[str]
) -> int:
    """Forget scopes by the keys of their names. Returns how many were known."""
    rows = await connection.fetch(
        """
        DELETE FROM role_scopes
        WHERE tenant_id = $1 AND pattern_key = $2 AND name_key = ANY ($3::text [])
        RETURNING 1
        """,
        tenant_id,
        pattern_key,
        keys,
    )
    return len(rows)


async def page(
    connection: Connection,
    tenant_id: UUID,
    pattern_key: str | None,
    after: tuple[str, str],
    limit: int,
) -> list[asyncpg.Record]:
    """Scopes, of one pattern if any is named, beginning behind the keys of a pattern and a name:
    rows of pattern_key, name_key, name, display, registered_by, create_time."""
    return await connection.fetch(
        f"""
        SELECT pattern_key, name_key, name, display, registered_by, create_time FROM role_scopes
        WHERE tenant_id = $1 AND (pattern_key, name_key) > ($2, $3)
        {"" if pattern_key is None else "AND pattern_key = $5"}
        ORDER BY pattern_key, name_key LIMIT $4
        """,
        tenant_id,
        *after,
        limit,
        *([] if pattern_key is None else [pattern_key]),
    )
