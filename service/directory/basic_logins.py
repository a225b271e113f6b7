"""Letting clients in by user name and password, and no more.

Functions run inside the caller's transaction and add a row to `changes`, as one of a resource of
the type "BasicLogin".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory import scim_connections
from service.domain.errors import DomainError
from service.domain.membership import parse_id
from service.storage import basic_logins, changes
from service.storage.changes import Change

if TYPE_CHECKING:
    from rollbook.access import Scope
    from service.storage.basic_logins import BasicLogin
    from service.storage.changes import Action, Author
    from service.storage.database import Connection

_TYPE: Final = "BasicLogin"


async def create(
    connection: Connection,
    author: Author,
    user_name: str,
    password_hash: str,
    scopes: frozenset[Scope],
    scim_connection: str,
) -> BasicLogin:
    """A new login, for the SCIM connection of that id or, when it is empty, the default one. Raises
    UNIQUENESS, CONNECTION_NOT_FOUND."""
    connection_id = None
    if scim_connection:
        found = await scim_connections.existing(connection, author.tenant_id, scim_connection)
        connection_id = None if found.is_default else found.id
    made = await basic_logins.insert(
        connection, author.tenant_id, user_name, password_hash, scopes, connection_id
    )
    if made is None:
        raise DomainError(
            ErrorReason.ERROR_REASON_UNIQUENESS,
            f"There is a login with the user name {user_name!r}; delete it first, or take another.",
            field="user_name",
            metadata={"resourceType": _TYPE, "resourceName": user_name},
        )
    await _record(connection, author, "create", made)
    return made


async def delete(connection: Connection, author: Author, text: str) -> None:
    """Remove the login with this id. Raises CREDENTIAL_NOT_FOUND."""
    identifier = parse_id(text)
    removed = identifier and await basic_logins.delete(connection, author.tenant_id, identifier)
    if not removed:
        raise DomainError(
            ErrorReason.ERROR_REASON_CREDENTIAL_NOT_FOUND,
            f"There is no Basic login {text[:100]!r}; list them to find its id.",
            metadata={"resourceType": _TYPE, "resourceName": text[:100]},
        )
    await _record(connection, author, "delete", removed)


async def _record(
    connection: Connection, author: Author, action: Action, login: BasicLogin
) -> None:
    gone = action == "delete"
    change = Change(
        action=action,
        resource_type=_TYPE,
        resource_id=login.id,
        version=login.version + gone,
        time=datetime.now(UTC),
        attributes=[] if gone else ["userName", "scopes"],
        message=None if gone else login.message().SerializeToString(),
    )
    await changes.record(connection, author, change)
