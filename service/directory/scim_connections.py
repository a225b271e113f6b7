"""Making and changing SCIM connections.

Functions run inside the caller's transaction and add a row to `changes`, as one of a resource of
the type "Connection".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain import etag
from service.domain.connection_rules import CHANGEABLE, MAX_CONNECTIONS, completed, updated
from service.domain.errors import DomainError
from service.domain.identifiers import new_id
from service.domain.membership import parse_id
from service.storage import changes, scim_connections
from service.storage.changes import Change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rollbook.v1.connection_pb2 import Connection
    from service.storage.changes import Action, Author
    from service.storage.database import Connection as DatabaseConnection
    from service.storage.scim_connections import StoredConnection


async def existing(
    connection: DatabaseConnection, tenant_id: UUID, text: str, *, hold: bool = False
) -> StoredConnection:
    """The connection of an id, held until the transaction ends if wanted. Raises
    CONNECTION_NOT_FOUND."""
    identifier = parse_id(text)
    found = identifier and await scim_connections.find(connection, tenant_id, identifier, hold=hold)
    if not found:
        raise DomainError(
            ErrorReason.ERROR_REASON_CONNECTION_NOT_FOUND,
            f"There is no connection {text[:100]!r}; list them to find its id.",
            metadata={"resourceType": "Connection", "resourceName": text[:100]},
        )
    return found


async def create(
    connection: DatabaseConnection, author: Author, given: Connection
) -> StoredConnection:
    """A new connection. Raises INVALID_VALUE, TOO_MANY, UNIQUENESS."""
    content = completed(given)
    await scim_connections.hold(connection, author.tenant_id)
    if len(await scim_connections.find_all(connection, author.tenant_id)) >= MAX_CONNECTIONS:
        raise DomainError(
            ErrorReason.ERROR_REASON_TOO_MANY,
            f"There are {MAX_CONNECTIONS} connections; there can be no more.",
        )
    stored = await scim_connections.insert(connection, author.tenant_id, new_id(), content)
    await record(connection, author, "create", stored, CHANGEABLE)
    return stored


async def update(
    connection: DatabaseConnection,
    author: Author,
    given: Connection,
    mask: Sequence[str],
    condition: str,
) -> StoredConnection:
    """A connection with some fields changed. Raises CONNECTION_NOT_FOUND, ETAG_MISMATCH,
    INVALID_VALUE, INVALID_PATH, UNIQUENESS."""
    before = await existing(connection, author.tenant_id, given.id, hold=True)
    etag.require(condition, before.version)
    content = updated(before.content, given, mask)
    changed = [
        name for name in CHANGEABLE if getattr(content, name) != getattr(before.content, name)
    ]
    if not changed:
        return before
    stored = await scim_connections.update(connection, author.tenant_id, before.id, content)
    await record(connection, author, "update", stored, changed)
    return stored


async def record(
    connection: DatabaseConnection,
    author: Author,
    action: Action,
    stored: StoredConnection,
    attributes: Sequence[str],
) -> None:
    """Add what was done to a connection to `changes`."""
    deleted = action == "delete"
    change = Change(
        action,
        "Connection",
        stored.id,
        stored.version + 1 if deleted else stored.version,
        datetime.now(UTC) if deleted else stored.update_time,
        attributes,
        None if deleted else stored.content.SerializeToString(deterministic=True),
    )
    await changes.record(connection, author, change)
