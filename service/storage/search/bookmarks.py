"""Where walks by startIndex have come to.

A client that walks a list by index (Okta does) asks for page after page at once. The place where
one page ended is remembered for a while, so that the next begins there: it costs what the first
did, and a resource deleted meanwhile makes no other be skipped.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from service.domain.search.page_token import Position

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection

RETENTION: Final = timedelta(minutes=10)

DEEP: Final = 1_000
"""Up to here a list is counted through each time: that is cheap, and exact to the resource."""


async def find(
    connection: Connection, tenant_id: UUID, list_digest: str, place: int
) -> Position | None:
    """The position after `place` resources, if a walk came there lately."""
    row = await connection.fetchrow(
        "SELECT key, id FROM bookmarks WHERE tenant_id = $1 AND list = $2 AND place = $3 "
        "AND create_time > now() - $4::interval",
        tenant_id,
        list_digest,
        place,
        RETENTION,
    )
    return Position(row["key"], row["id"]) if row else None


async def save(
    connection: Connection, tenant_id: UUID, list_digest: str, place: int, position: Position
) -> None:
    """Remember a position for the next step of the walk."""
    await connection.execute(
        """
        INSERT INTO bookmarks (tenant_id, list, place, key, id) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id, list, place)
        DO UPDATE SET key = excluded.key, id = excluded.id, create_time = now()
        """,
        tenant_id,
        list_digest,
        place,
        position.key,
        position.id,
    )


async def forget_old(connection: Connection) -> None:
    """Delete the bookmarks past their retention."""
    await connection.execute(
        "DELETE FROM bookmarks WHERE create_time <= now() - $1::interval", RETENTION
    )
