"""Hashes of users' passwords. They are never part of a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection


async def save(connection: Connection, tenant_id: UUID, user_id: UUID, hash_: str) -> None:
    """Set the hash, in PHC string format."""
    await connection.execute(
        """
        INSERT INTO passwords (tenant_id, user_id, hash) VALUES ($1, $2, $3)
        ON CONFLICT (tenant_id, user_id) DO UPDATE SET hash = excluded.hash, update_time = now()
        """,
        tenant_id,
        user_id,
        hash_,
    )


async def delete(connection: Connection, tenant_id: UUID, user_id: UUID) -> bool:
    """Forget the hash. Returns whether there was one."""
    status = await connection.execute(
        "DELETE FROM passwords WHERE tenant_id = $1 AND user_id = $2", tenant_id, user_id
    )
    return status != "DELETE 0"
