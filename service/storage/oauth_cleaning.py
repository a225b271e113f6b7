"""Forgetting what has ended. Whoever makes something new removes a few things that are old, so
that tables hold what is in use and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection

AT_ONCE: Final = 20
"""How many rows of a table are removed for one that is made."""

_KEYS: Final = {
    # Kept for a day, as codes are, so that their second use is noticed.
    "oauth_codes": ("hash", "interval '1 day'", "true"),
    "oauth_refresh_tokens": ("hash", "interval '0'", "true"),
    "oauth_assertions": ("hash", "interval '0'", "true"),
    "sign_ins": ("hash", "interval '0'", "true"),
    "credentials": ("id", "interval '0'", "kind = 'oauth'"),
}
"""Tables with the rest of their keys, how long their rows are kept, and which of them."""


async def forget_ended(connection: Connection, tenant_id: UUID, *tables: str) -> None:
    """Remove what has ended from these tables; what others are removing is left to them."""
    for table in tables:
        key, kept, condition = _KEYS[table]
        await connection.execute(
            f"""
            DELETE FROM {table} WHERE tenant_id = $1 AND {key} IN (
                SELECT {key} FROM {table}
                WHERE tenant_id = $1 AND expire_time < now() - {kept} AND {condition}
                ORDER BY expire_time LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED
            )
            """,
            tenant_id,
        )
