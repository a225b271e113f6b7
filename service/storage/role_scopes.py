"""Scopes that products have registered, for roles to be on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

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
