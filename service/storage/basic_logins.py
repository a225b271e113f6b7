"""User names with passwords as administrators see them: credentials of the kind `basic`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.access import Scope, scopes_named
from rollbook.v1.credential_service_pb2 import BasicLogin as Message
from service.domain.identifiers import new_id
from service.domain.timestamps import timestamp
from service.storage.credentials import FROM_SETTINGS

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from service.storage.database import Connection

_COLUMNS: Final = "id, name, user_name, scopes, create_time, last_use_time, connection_id, version"


@dataclass(frozen=True, slots=True)
class BasicLogin:
    """One login; `name` is what its changes are signed with."""

    id: UUID
    name: str
    user_name: str
    scopes: frozenset[Scope]
    create_time: datetime
    last_use_time: datetime | None
    connection_id: UUID | None
    version: int

    def message(self) -> Message:
        """The login as the contract has it."""
        return Message(
            id=str(self.id),
            user_name=self.user_name,
            scopes=sorted(self.scopes),
            create_time=timestamp(self.create_time),
            last_use_time=timestamp(self.last_use_time),
            connection_id=str(self.connection_id or ""),
            from_settings=self.name == FROM_SETTINGS,
        )


def _login(row: asyncpg.Record) -> BasicLogin:
    return BasicLogin(**{**row, "scopes": scopes_named(row["scopes"])})


async def insert(
    connection: Connection,
    tenant_id: UUID,
    user_name: str,
    password_hash: str,
    scopes: frozenset[Scope],
    connection_id: UUID | None,
) -> BasicLogin | None:
    """Store a login; None when the user name is taken in the tenant."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO credentials
        (tenant_id, id, name, kind, user_name, password_hash, scopes, connection_id)
        VALUES ($1, $2, $3, 'basic', $3, $4, $5, $6)
        ON CONFLICT (tenant_id, user_name) DO NOTHING
        RETURNING {_COLUMNS}
        """,
        tenant_id,
        new_id(),
        user_name,
        password_hash,
        sorted(scopes),
        connection_id,
    )
    return _login(row) if row else None


async def page(
    connection: Connection, tenant_id: UUID, *, before: UUID | None, limit: int
) -> list[BasicLogin]:
    """Logins, the newest first, beginning behind the one of that id."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM credentials
        WHERE tenant_id = $1 AND kind = 'basic' AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3
        """,
        tenant_id,
        before,
        limit,
    )
    return [_login(row) for row in rows]


async def delete(connection: Connection, tenant_id: UUID, identifier: UUID) -> BasicLogin | None:
    """Remove a login; what it was, None when there is none."""
    row = await connection.fetchrow(
        f"""
        DELETE FROM credentials WHERE tenant_id = $1 AND id = $2 AND kind = 'basic'
        RETURNING {_COLUMNS}
        """,
        tenant_id,
        identifier,
    )
    return _login(row) if row else None
