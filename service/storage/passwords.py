"""Hashes of users' passwords. They are never part of a resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from service.domain.search.folding import fold

if TYPE_CHECKING:
    from datetime import datetime

    from service.storage.database import Connection


@dataclass(frozen=True, slots=True)
class UserPassword:
    """What is stored of a user who wants to log in. `hash` is in PHC string format, None when the
    user has no password or is deactivated; `update_time` is when the password was set."""

    user_id: UUID
    hash: str | None
    update_time: datetime | None


_OF_USER: Final = """
SELECT r.id AS user_id, CASE WHEN r.active THEN p.hash END AS hash, p.update_time
FROM resources AS r LEFT JOIN passwords AS p ON p.tenant_id = r.tenant_id AND p.user_id = r.id
WHERE r.tenant_id = $1 AND r.resource_type = 'User'
"""


async def of_user(connection: Connection, tenant_id: UUID, user: UUID | str) -> UserPassword | None:
    """The password of the user with this id or userName, in any case; None when there is none."""
    if isinstance(user, UUID):
        row = await connection.fetchrow(f"{_OF_USER} AND r.id = $2", tenant_id, user)
    elif "\0" in user:  # no text to PostgreSQL
        return None
    else:
        row = await connection.fetchrow(f"{_OF_USER} AND r.unique_key = $2", tenant_id, fold(user))
    return UserPassword(**row) if row else None


async def is_current(connection: Connection, tenant_id: UUID, password: UserPassword) -> bool:
    """Whether a password is still what it was when it was read, and its user active."""
    return bool(
        await connection.fetchval(
            f"SELECT EXISTS ({_OF_USER} AND r.id = $2 AND r.active AND p.update_time = $3)",
            tenant_id,
            password.user_id,
            password.update_time,
        )
    )


async def rehash(
    connection: Connection, tenant_id: UUID, password: UserPassword, hash_: str
) -> None:
    """Keep another hash of the same password, unless a new one was set meanwhile."""
    await connection.execute(
        "UPDATE passwords SET hash = $4 WHERE tenant_id = $1 AND user_id = $2 AND hash = $3",
        tenant_id,
        password.user_id,
        password.hash,
        hash_,
    )


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
