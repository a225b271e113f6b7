"""Registering and removing clients.

Functions run inside the caller's transaction and add a row to `changes`, as one of a resource of
the type "OAuthClient". A secret leaves with the answer; what stays is its hash.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory import scim_connections as connections
from service.domain.errors import DomainError
from service.domain.oauth.client_rules import check_allowed
from service.storage import changes, scim_connections
from service.storage.changes import Change
from service.storage.oauth import clients as oauth_clients

if TYPE_CHECKING:
    from uuid import UUID

    from service.domain.oauth.client_rules import NewClient
    from service.domain.oauth.clients import Client
    from service.storage.changes import Action, Author
    from service.storage.database import Connection
    from service.storage.scim_connections import StoredConnection

_BYTES: Final = 32


async def create(
    connection: Connection, author: Author, new: NewClient, scim_connection: str
) -> tuple[Client, str]:
    """A new client and its secret, which is empty when it proves itself otherwise; for the SCIM
    connection of that id or, when it is empty, the default one. Raises CONNECTION_NOT_FOUND,
    INVALID_VALUE."""
    found = await _connection(connection, author.tenant_id, scim_connection)
    check_allowed(new, found.content.redirect_uris)
    secret = secrets.token_hex(_BYTES) if new.authentication == "secret" else ""
    client = await oauth_clients.insert(
        connection,
        author.tenant_id,
        secrets.token_hex(_BYTES),
        hashlib.sha256(secret.encode()).digest() if secret else None,
        new,
        connection_id=None if found.is_default else found.id,
    )
    await _record(connection, author, "create", client)
    return client, secret


async def existing(connection: Connection, tenant_id: UUID, client_id: str) -> Client:
    """One client. Raises OAUTH_CLIENT_NOT_FOUND."""
    found = await oauth_clients.get(connection, tenant_id, _checked(client_id))
    if found is None:
        raise _not_found(client_id)
    return found


async def delete(connection: Connection, author: Author, client_id: str) -> None:
    """Remove a client with all that it got. Raises OAUTH_CLIENT_NOT_FOUND."""
    client = await oauth_clients.delete(connection, author.tenant_id, _checked(client_id))
    if client is None:
        raise _not_found(client_id)
    await _record(connection, author, "delete", client)


async def delete_of_connection(connection: Connection, author: Author, connection_id: UUID) -> None:
    """Remove the clients that are for a SCIM connection, with all that they got."""
    removed = await oauth_clients.delete_of_connection(connection, author.tenant_id, connection_id)
    for client in removed:
        await _record(connection, author, "delete", client)


async def _connection(connection: Connection, tenant_id: UUID, text: str) -> StoredConnection:
    """The SCIM connection of an id, or the default one. Raises CONNECTION_NOT_FOUND."""
    if text:
        return await connections.existing(connection, tenant_id, text)
    return (await scim_connections.find_all(connection, tenant_id))[0]


def _checked(client_id: str) -> str:
    """A name that a client might have: PostgreSQL knows no text with a NUL."""
    if "\0" in client_id:
        raise _not_found(client_id)
    return client_id


def _not_found(client_id: str) -> DomainError:
    """There is no such client in the tenant."""
    return DomainError(
        ErrorReason.ERROR_REASON_OAUTH_CLIENT_NOT_FOUND,
        f"There is no OAuth client {client_id[:100]!r}; list them to find its id.",
        metadata={"resourceType": "OAuthClient", "resourceName": client_id[:100]},
    )


async def _record(connection: Connection, author: Author, action: Action, client: Client) -> None:
    is_gone = action == "delete"
    change = Change(
        action=action,
        resource_type="OAuthClient",
        resource_id=client.id,
        version=2 if is_gone else 1,
        time=datetime.now(UTC),
        attributes=[] if is_gone else ["name", "redirectUris", "scopes", "authentication"],
        message=None if is_gone else client.message().SerializeToString(),
    )
    await changes.record(connection, author, change)
