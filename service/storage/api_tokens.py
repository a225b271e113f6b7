"""API tokens as administrators see them: credentials of the kind `token`, without their secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.access import Scope, scopes_named
from rollbook.v1.credential_service_pb2 import Token
from service.domain.identifiers import new_id
from service.domain.timestamps import timestamp
from service.storage.credentials import VALID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta
    from uuid import UUID

    import asyncpg

    from service.storage.database import Connection

COLUMNS: Final = """
id, name, scopes, hint, lifetime, create_time, expire_time, last_use_time, revoke_time,
principal_id, connection_id, version
"""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """One token; `lifetime` is how long its successor will be valid."""

    id: UUID
    name: str
    scopes: frozenset[Scope]
    hint: str
    lifetime: timedelta | None
    create_time: datetime
    expire_time: datetime | None
    last_use_time: datetime | None
    revoke_time: datetime | None
    principal_id: UUID | None
    connection_id: UUID | None
    version: int

    def message(self) -> Token:
        """The token as the contract has it."""
        return Token(
            id=str(self.id),
            name=self.name,
            scopes=sorted(self.scopes),
            hint=self.hint,
            create_time=timestamp(self.create_time),
            expire_time=timestamp(self.expire_time),
            last_use_time=timestamp(self.last_use_time),
            revoke_time=timestamp(self.revoke_time),
            principal_id=str(self.principal_id or ""),
            connection_id=str(self.connection_id or ""),
        )


@dataclass(frozen=True, slots=True)
class NewToken:
    """What a token is to be. `hash` is the SHA-256 of its secret."""

    name: str
    scopes: Iterable[Scope]
    hint: str
    hash: bytes
    lifetime: timedelta | None
    principal_id: UUID | None = None
    connection_id: UUID | None = None


def token_of(row: asyncpg.Record) -> ApiToken:
    """The token of a row with `COLUMNS`."""
    return ApiToken(**{**row, "scopes": scopes_named(row["scopes"])})


async def insert(connection: Connection, tenant_id: UUID, new: NewToken) -> ApiToken:
    """Store a token of our own making."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO credentials (
            tenant_id, id, name, kind, token_hash, scopes, hint, has_checksum, lifetime,
            expire_time, principal_id, connection_id
        ) VALUES ($1, $2, $3, 'token', $4, $5, $6, true, $7, now() + $7::interval, $8, $9)
        RETURNING {COLUMNS}
        """,
        tenant_id,
        new_id(),
        new.name,
        new.hash,
        sorted(new.scopes),
        new.hint,
        new.lifetime,
        new.principal_id,
        new.connection_id,
    )
    assert row is not None
    return token_of(row)


async def page(
    connection: Connection,
    tenant_id: UUID,
    *,
    principal_id: UUID | None,
    before: UUID | None,
    with_ended: bool,
    limit: int,
) -> list[ApiToken]:
    """Tokens, of one principal if any is named, the newest first, beginning behind the one of
    that id."""
    # Not "IS NULL OR": the few that one has are found by an index of their own.
    whose = "" if principal_id is None else "AND principal_id = $5"
    rows = await connection.fetch(
        f"""
        SELECT {COLUMNS} FROM credentials
        WHERE tenant_id = $1 AND kind = 'token' AND ($2::uuid IS NULL OR id < $2)
        AND ($3 OR {VALID}) {whose}
        ORDER BY id DESC LIMIT $4
        """,
        tenant_id,
        before,
        with_ended,
        limit,
        *([] if principal_id is None else [principal_id]),
    )
    return [token_of(row) for row in rows]


async def principal_of(connection: Connection, tenant_id: UUID, identifier: UUID) -> UUID | None:
    """Whose the token of an id is; None when it is nobody's or there is none."""
    principal_id: UUID | None = await connection.fetchval(
        "SELECT principal_id FROM credentials WHERE tenant_id = $1 AND id = $2 AND kind = 'token'",
        tenant_id,
        identifier,
    )
    return principal_id


async def hold(connection: Connection, tenant_id: UUID, identifier: UUID) -> ApiToken | None:
    """The token of an id, whether or not it has ended, held until the transaction ends."""
    row = await connection.fetchrow(
        f"""
        SELECT {COLUMNS} FROM credentials
        WHERE tenant_id = $1 AND id = $2 AND kind = 'token' FOR NO KEY UPDATE
        """,
        tenant_id,
        identifier,
    )
    return token_of(row) if row else None


async def end_after(
    connection: Connection, tenant_id: UUID, identifier: UUID, overlap: timedelta
) -> ApiToken | None:
    """Let a token end when this time is over, or earlier if it does so anyway; None when it has
    ended already."""
    row = await connection.fetchrow(
        f"""
        UPDATE credentials
        SET expire_time = least(expire_time, now() + $3), version = version + 1
        WHERE tenant_id = $1 AND id = $2 AND kind = 'token' AND {VALID}
        RETURNING {COLUMNS}
        """,
        tenant_id,
        identifier,
        overlap,
    )
    return token_of(row) if row else None


async def revoke(connection: Connection, tenant_id: UUID, identifier: UUID) -> ApiToken:
    """Let a token that is there be valid no more."""
    row = await connection.fetchrow(
        f"""
        UPDATE credentials SET revoke_time = now(), version = version + 1
        WHERE tenant_id = $1 AND id = $2 RETURNING {COLUMNS}
        """,
        tenant_id,
        identifier,
    )
    assert row is not None
    return token_of(row)
