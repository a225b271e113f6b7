"""Clients of the authorization server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollbook.access import scopes_named
from service.domain.identifiers import new_id
from service.domain.oauth.clients import Client

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from service.domain.oauth.client_rules import NewClient
    from service.storage.database import Connection

_COLUMNS: Final = """
tenant_id, id, client_id, name, authentication, secret_hash, redirect_uris, scopes,
client_credentials, jwks, jwks_uri, access_lifetime, refresh_lifetime, rotate, grace,
connection_id, create_time
"""


def _client(row: asyncpg.Record) -> Client:
    return Client(**{**row, "scopes": scopes_named(row["scopes"])})


async def tenant_of(connection: Connection, client_id: str) -> UUID | None:
    """Whose a client is; asked before the tenant of a request is known."""
    found: UUID | None = await connection.fetchval(
        "SELECT tenant_id FROM oauth_clients WHERE client_id = $1", client_id
    )
    return found


async def get(connection: Connection, tenant_id: UUID, client_id: str) -> Client | None:
    """One client."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM oauth_clients WHERE tenant_id = $1 AND client_id = $2",
        tenant_id,
        client_id,
    )
    return _client(row) if row else None


async def hold(connection: Connection, tenant_id: UUID, client_id: str) -> Client | None:
    """One client, kept from being removed until the transaction ends."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM oauth_clients "
        "WHERE tenant_id = $1 AND client_id = $2 FOR KEY SHARE",
        tenant_id,
        client_id,
    )
    return _client(row) if row else None


async def page(
    connection: Connection, tenant_id: UUID, *, before: UUID | None, limit: int
) -> list[Client]:
    """Clients, the newest first, beginning behind the one of that id."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM oauth_clients
        WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3
        """,
        tenant_id,
        before,
        limit,
    )
    return [_client(row) for row in rows]


async def insert(
    connection: Connection,
    tenant_id: UUID,
    client_id: str,
    secret_hash: bytes | None,
    new: NewClient,
    *,
    connection_id: UUID | None,
) -> Client:
    """Register a client."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO oauth_clients (
            tenant_id, id, client_id, name, authentication, secret_hash, redirect_uris, scopes,
            client_credentials, jwks, jwks_uri, access_lifetime, refresh_lifetime, rotate, grace,
            connection_id
        ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        RETURNING {_COLUMNS}
        """,
        tenant_id,
        new_id(),
        client_id,
        new.name,
        new.authentication,
        secret_hash,
        new.redirect_uris,
        sorted(new.scopes),
        new.client_credentials,
        new.jwks,
        new.jwks_uri,
        new.access_lifetime,
        new.refresh_lifetime,
        new.rotate,
        new.grace,
        connection_id,
    )
    assert row is not None
    return _client(row)


async def delete(connection: Connection, tenant_id: UUID, client_id: str) -> Client | None:
    """Remove a client, with all that it got: grants, codes and tokens refer to it."""
    row = await connection.fetchrow(
        f"DELETE FROM oauth_clients WHERE tenant_id = $1 AND client_id = $2 RETURNING {_COLUMNS}",
        tenant_id,
        client_id,
    )
    return _client(row) if row else None


async def delete_of_connection(
    connection: Connection, tenant_id: UUID, connection_id: UUID
) -> list[Client]:
    """Remove the clients that are for a SCIM connection, with all that they got."""
    rows = await connection.fetch(
        "DELETE FROM oauth_clients WHERE tenant_id = $1 AND connection_id = $2 "
        f"RETURNING {_COLUMNS}",
        tenant_id,
        connection_id,
    )
    return [_client(row) for row in rows]
