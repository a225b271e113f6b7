"""What callers prove themselves with: tokens and user names with passwords, as hashes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from service.domain.identifiers import new_id

if TYPE_CHECKING:
    from service.storage.database import Connection

DEFAULT_TENANT = UUID("00000000-0000-7000-8000-000000000001")


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential; `password_hash` is set for basic ones."""

    tenant_id: UUID
    name: str
    password_hash: str | None


async def by_token_hash(connection: Connection, token_hash: bytes) -> Credential | None:
    """The credential of a token, by its SHA-256."""
    row = await connection.fetchrow(
        "SELECT tenant_id, name FROM credentials WHERE token_hash = $1", token_hash
    )
    return Credential(row["tenant_id"], row["name"], None) if row else None


async def by_user_name(
    connection: Connection, tenant_id: UUID, user_name: str
) -> Credential | None:
    """The basic credential of a user name."""
    row = await connection.fetchrow(
        "SELECT tenant_id, name, password_hash FROM credentials "
        "WHERE tenant_id = $1 AND user_name = $2",
        tenant_id,
        user_name,
    )
    return Credential(row["tenant_id"], row["name"], row["password_hash"]) if row else None


async def any_exists(connection: Connection) -> bool:
    """Whether anybody can get in at all."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM credentials)"))


async def add_token(connection: Connection, tenant_id: UUID, name: str, token_hash: bytes) -> None:
    """Make a token valid; it stays so when it is already."""
    await connection.execute(
        """
        INSERT INTO credentials (tenant_id, id, name, kind, token_hash)
        VALUES ($1, $2, $3, 'token', $4) ON CONFLICT (token_hash) DO NOTHING
        """,
        tenant_id,
        new_id(),
        name,
        token_hash,
    )


async def set_basic(
    connection: Connection, tenant_id: UUID, name: str, user_name: str, password_hash: str
) -> None:
    """Let `user_name` be the one basic credential of that name, with that password."""
    await connection.execute(
        "DELETE FROM credentials WHERE tenant_id = $1 AND name = $2 AND kind = 'basic'",
        tenant_id,
        name,
    )
    await connection.execute(
        """
        INSERT INTO credentials (tenant_id, id, name, kind, user_name, password_hash)
        VALUES ($1, $2, $3, 'basic', $4, $5)
        ON CONFLICT (tenant_id, user_name) DO UPDATE SET password_hash = excluded.password_hash
        """,
        tenant_id,
        new_id(),
        name,
        user_name,
        password_hash,
    )


async def basic_of_name(
    connection: Connection, tenant_id: UUID, name: str
) -> tuple[str, str] | None:
    """User name and password hash of the basic credential of a name."""
    row = await connection.fetchrow(
        "SELECT user_name, password_hash FROM credentials "
        "WHERE tenant_id = $1 AND name = $2 AND kind = 'basic'",
        tenant_id,
        name,
    )
    return (row["user_name"], row["password_hash"]) if row else None


async def remove_basic(connection: Connection, tenant_id: UUID, name: str) -> None:
    """Take the basic credential of a name away."""
    await connection.execute(
        "DELETE FROM credentials WHERE tenant_id = $1 AND name = $2 AND kind = 'basic'",
        tenant_id,
        name,
    )
