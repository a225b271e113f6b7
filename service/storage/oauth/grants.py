"""What administrators consented to: grants, on which the tokens of clients stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.access import scopes_named
from rollbook.v1.oauth_service_pb2 import OAuthGrant, OAuthGrantState
from service.domain.identifiers import new_id
from service.domain.oauth.grants import Grant
from service.domain.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import timedelta
    from uuid import UUID

    import asyncpg

    from rollbook.access import Scope
    from service.domain.oauth.clients import Client
    from service.storage.database import Connection

CODE_LIFETIME: Final = "60 seconds"
"""How long a code is good for; RFC 6749 §4.1.2 has ten minutes for the most."""

GRANT: Final = "g.id AS grant_id, g.client_id, g.scopes, g.principal_id"
"""The columns of `grant_of`."""

_RECORD: Final = f"""
{GRANT}, g.granted_by, g.create_time, g.refresh_time, g.expire_time, g.revoke_time, g.version,
coalesce(g.expire_time <= now(), false) AS has_ended, o.client_id AS client_name, o.name AS called
"""

_CLIENT: Final = "oauth_clients AS o ON o.tenant_id = g.tenant_id AND o.id = g.client_id"


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """A grant as administrators and `changes` know it; `message` is what the contract says."""

    grant: Grant
    version: int
    message: OAuthGrant

    @property
    def id(self) -> UUID:
        """Its place in lists."""
        return self.grant.id


def grant_of(row: asyncpg.Record) -> Grant:
    """The grant of a row with the columns `GRANT`."""
    return Grant(
        row["grant_id"], row["client_id"], scopes_named(row["scopes"]), row["principal_id"]
    )


def _record(row: asyncpg.Record) -> GrantRecord:
    message = OAuthGrant(
        id=str(row["grant_id"]),
        client_id=row["client_name"],
        client_name=row["called"],
        scopes=row["scopes"],
        principal_id=str(row["principal_id"] or ""),
        granted_by=row["granted_by"],
        create_time=timestamp(row["create_time"]),
        refresh_time=timestamp(row["refresh_time"]),
        expire_time=timestamp(row["expire_time"]),
        revoke_time=timestamp(row["revoke_time"]),
        state=_state(row),
    )
    return GrantRecord(grant_of(row), row["version"], message)


def _state(row: asyncpg.Record) -> OAuthGrantState.ValueType:
    if row["revoke_time"] is not None:
        return OAuthGrantState.O_AUTH_GRANT_STATE_REVOKED
    if row["has_ended"]:
        return OAuthGrantState.O_AUTH_GRANT_STATE_EXPIRED
    return OAuthGrantState.O_AUTH_GRANT_STATE_ACTIVE


async def insert(
    connection: Connection,
    client: Client,
    scopes: frozenset[Scope],
    *,
    principal_id: UUID | None,
    granted_by: str,
) -> GrantRecord:
    """Store what somebody consented to. It ends with its code, until there are tokens."""
    row = await connection.fetchrow(
        f"""
        WITH g AS (
            INSERT INTO oauth_grants
            (tenant_id, id, client_id, scopes, principal_id, granted_by, expire_time)
            VALUES ($1, $2, $3, $4, $5, $6, now() + interval '{CODE_LIFETIME}')
            RETURNING *
        )
        SELECT {_RECORD} FROM g JOIN {_CLIENT}
        """,
        client.tenant_id,
        new_id(),
        client.id,
        sorted(scopes),
        principal_id,
        granted_by,
    )
    assert row is not None
    return _record(row)


async def page(
    connection: Connection,
    tenant_id: UUID,
    *,
    client_id: UUID | None,
    principal_id: UUID | None,
    before: UUID | None,
    with_ended: bool,
    limit: int,
) -> list[GrantRecord]:
    """Grants, of one client and of one principal if they are named, the newest first, beginning
    behind the one of that id."""
    narrowed = {"client_id": client_id, "principal_id": principal_id}
    named = {column: value for column, value in narrowed.items() if value is not None}
    # Not "IS NULL OR": the few that one has are found by an index of their own.
    whose = "".join(f" AND g.{column} = ${number}" for number, column in enumerate(named, 5))
    rows = await connection.fetch(
        f"""
        SELECT {_RECORD} FROM oauth_grants AS g JOIN {_CLIENT}
        WHERE g.tenant_id = $1 AND ($2::uuid IS NULL OR g.id < $2)
        AND ($3 OR (g.revoke_time IS NULL AND coalesce(g.expire_time > now(), true))) {whose}
        ORDER BY g.id DESC LIMIT $4
        """,
        tenant_id,
        before,
        with_ended,
        limit,
        *named.values(),
    )
    return [_record(row) for row in rows]


async def exists(connection: Connection, tenant_id: UUID, grant_id: UUID) -> bool:
    """Whether there is a grant of that id, ended or not."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM oauth_grants WHERE tenant_id = $1 AND id = $2)",
            tenant_id,
            grant_id,
        )
    )


async def note_tokens(
    connection: Connection,
    tenant_id: UUID,
    grant_id: UUID,
    lifetime: timedelta,
    *,
    refreshed: bool,
) -> None:
    """Note that the client got tokens, the last of which ends after this time."""
    await connection.execute(
        """
        UPDATE oauth_grants SET
            expire_time = greatest(expire_time, now() + $3::interval),
            refresh_time = CASE WHEN $4 THEN now() ELSE refresh_time END
        WHERE tenant_id = $1 AND id = $2
        """,
        tenant_id,
        grant_id,
        lifetime,
        refreshed,
    )


async def revoke(connection: Connection, tenant_id: UUID, grant_id: UUID) -> GrantRecord | None:
    """End a grant with every token that stands on it; None when it was revoked already."""
    ended = await _revoke(connection, tenant_id, "id = $2", grant_id)
    await connection.execute(
        "DELETE FROM credentials WHERE tenant_id = $1 AND oauth_grant_id = $2", tenant_id, grant_id
    )
    return ended[0] if ended else None


async def revoke_of_principals(
    connection: Connection, tenant_id: UUID, principal_ids: Collection[UUID]
) -> list[GrantRecord]:
    """End everything that these users consented to. Access tokens, which are theirs, are ended
    with their other credentials."""
    return await _revoke(connection, tenant_id, "principal_id = ANY ($2::uuid [])", principal_ids)


async def _revoke(
    connection: Connection, tenant_id: UUID, which: str, value: UUID | Collection[UUID]
) -> list[GrantRecord]:
    rows = await connection.fetch(
        f"""
        WITH g AS (
            UPDATE oauth_grants SET
                revoke_time = now(),
                expire_time = least(expire_time, now()),
                version = version + 1
            WHERE tenant_id = $1 AND {which} AND revoke_time IS NULL
            RETURNING *
        )
        SELECT {_RECORD} FROM g JOIN {_CLIENT}
        """,
        tenant_id,
        value,
    )
    return [_record(row) for row in rows]
