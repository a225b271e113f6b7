"""What callers prove themselves with: tokens and user names with passwords, as hashes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from rollbook.access import EVERY_SCOPE, Scope, scopes_named
from service.domain.identifiers import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from service.storage.database import Connection

DEFAULT_TENANT = UUID("00000000-0000-7000-8000-000000000001")

FROM_SETTINGS: Final = "scim.auth"
"""The name of the user name and password that the settings of the service say."""

VALID: Final = "revoke_time IS NULL AND (expire_time IS NULL OR expire_time > now())"
"""The condition that a credential is good for anything."""

USABLE: Final = f"""{VALID} AND (
    principal_id IS NULL OR EXISTS (
        SELECT FROM resources AS r
        WHERE r.tenant_id = credentials.tenant_id AND r.id = credentials.principal_id AND r.active
    )
)"""
"""That it lets in: who is deactivated has no valid credentials left, which is looked at all the
same."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential that is valid.

    `seconds_left` is how long it remains so by the database's clock, None without end;
    `noted_this_minute` tells whether its use in this minute has been written; `password_hash` is
    set for basic ones, `principal_id` for those that are somebody's; `connection_id` is None for
    the tenant's default connection.
    """

    tenant_id: UUID
    id: UUID
    name: str
    scopes: frozenset[Scope]
    expire_time: datetime | None
    seconds_left: float | None
    noted_this_minute: bool
    password_hash: str | None
    principal_id: UUID | None = None
    connection_id: UUID | None = None


_COLUMNS: Final = """
tenant_id, id, name, scopes, expire_time, password_hash, principal_id, connection_id,
extract(epoch FROM expire_time - now())::float8 AS seconds_left,
coalesce(last_use_time >= date_trunc('minute', now()), false) AS noted_this_minute
"""


async def tenant_of_token(connection: Connection, token_hash: bytes) -> UUID | None:
    """Whose tenant a token is, by its SHA-256, valid or not; over a connection of no tenant."""
    tenant_id: UUID | None = await connection.fetchval(
        "SELECT tenant_id FROM credentials WHERE token_hash = $1", token_hash
    )
    return tenant_id


async def by_token_hash(
    connection: Connection, tenant_id: UUID, token_hash: bytes
) -> Credential | None:
    """The valid credential of a token, by its SHA-256."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM credentials
        WHERE tenant_id = $1 AND token_hash = $2 AND kind <> 'certificate' AND {USABLE}
        """,
        tenant_id,
        token_hash,
    )
    return _credential(dict(row)) if row else None


async def of_patterns(
    connection: Connection, digests: Sequence[bytes]
) -> dict[bytes, tuple[UUID, UUID]]:
    """Tenants and ids of the credentials, valid or not, of certificates whose patterns have these
    digests; over a connection of no tenant."""
    rows = await connection.fetch(
        """
        SELECT token_hash, tenant_id, id FROM credentials
        WHERE token_hash = ANY ($1) AND kind = 'certificate'
        """,
        digests,
    )
    return {row["token_hash"]: (row["tenant_id"], row["id"]) for row in rows}


async def by_id(connection: Connection, tenant_id: UUID, identifier: UUID) -> Credential | None:
    """The valid credential of an id."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM credentials WHERE tenant_id = $1 AND id = $2 AND {USABLE}",
        tenant_id,
        identifier,
    )
    return _credential(dict(row)) if row else None


async def by_user_name(
    connection: Connection, tenant_id: UUID, user_name: str
) -> Credential | None:
    """The valid basic credential of a user name."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM credentials WHERE tenant_id = $1 AND user_name = $2 AND {VALID}",
        tenant_id,
        user_name,
    )
    return _credential(dict(row)) if row else None


def _credential(row: Mapping[str, Any]) -> Credential:
    return Credential(**{**row, "scopes": scopes_named(row["scopes"])})


async def tenant_name(connection: Connection, tenant_id: UUID) -> str:
    """The name of the tenant that credentials belong to."""
    name: str = await connection.fetchval(
        "SELECT name FROM tenants WHERE tenant_id = $1", tenant_id
    )
    return name


async def touch(connection: Connection, tenant_id: UUID, used: Sequence[UUID]) -> None:
    """Note that these credentials were used in this minute. One write in a minute is enough, so
    whoever finds another writing leaves it to that."""
    await connection.execute(
        """
        UPDATE credentials AS c SET last_use_time = date_trunc('minute', now())
        FROM (
            SELECT tenant_id, id FROM credentials
            WHERE
                tenant_id = $1 AND id = ANY ($2)
                AND (last_use_time IS NULL OR last_use_time < date_trunc('minute', now()))
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS used
        WHERE c.tenant_id = used.tenant_id AND c.id = used.id
        """,
        tenant_id,
        used,
    )


async def administrator_exists(connection: Connection) -> bool:
    """Whether anybody can get in who can let others in."""
    return bool(
        await connection.fetchval(
            f"SELECT EXISTS (SELECT FROM credentials WHERE $1 = ANY (scopes) AND {VALID})",
            Scope.CREDENTIALS,
        )
    )


async def hashes_without_checksum(connection: Connection) -> frozenset[bytes]:
    """The SHA-256s of tokens that are not of our own making, but come from settings."""
    rows = await connection.fetch(
        "SELECT token_hash FROM credentials WHERE kind = 'token' AND NOT has_checksum"
    )
    return frozenset(row["token_hash"] for row in rows)


async def add_administrator(
    connection: Connection,
    tenant_id: UUID,
    name: str,
    token_hash: bytes,
    *,
    hint: str,
    has_checksum: bool,
) -> None:
    """Make a token valid for everything; one that was revoked stays so."""
    await connection.execute(
        """
        INSERT INTO credentials
        (tenant_id, id, name, kind, token_hash, scopes, hint, has_checksum)
        VALUES ($1, $2, $3, 'token', $4, $5, $6, $7)
        ON CONFLICT (token_hash) DO UPDATE
        SET scopes = excluded.scopes, hint = excluded.hint, has_checksum = excluded.has_checksum
        """,
        tenant_id,
        new_id(),
        name,
        token_hash,
        sorted(EVERY_SCOPE),
        hint,
        has_checksum,
    )


async def set_basic(
    connection: Connection, tenant_id: UUID, name: str, user_name: str, password_hash: str
) -> None:
    """Let `user_name` be the one basic credential of that name, for SCIM, with that password."""
    await remove_basic(connection, tenant_id, name)
    await connection.execute(
        """
        INSERT INTO credentials (tenant_id, id, name, kind, user_name, password_hash, scopes)
        VALUES ($1, $2, $3, 'basic', $4, $5, $6)
        ON CONFLICT (tenant_id, user_name) DO UPDATE SET
            name = excluded.name, password_hash = excluded.password_hash,
            scopes = excluded.scopes, connection_id = NULL
        """,
        tenant_id,
        new_id(),
        name,
        user_name,
        password_hash,
        [Scope.SCIM, Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE],
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
