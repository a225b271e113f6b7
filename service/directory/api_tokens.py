"""Making, replacing and revoking API tokens.

Functions run inside the caller's transaction and add a row to `changes`, as one of a resource of
the type "Token". Secrets leave with the answer; what stays is their hash.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rollbook import tokens
from rollbook.attributes import SERVICE_ACCOUNT, USER
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory import scim_connections
from service.directory.reading import identifier_of, not_found
from service.domain.errors import DomainError
from service.domain.membership import parse_id
from service.domain.token_rules import check_for_principal, check_not_wider
from service.storage import api_tokens, changes, principals
from service.storage.api_tokens import NewToken
from service.storage.changes import Change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from uuid import UUID

    from rollbook.access import Scope
    from service.storage.api_tokens import ApiToken
    from service.storage.changes import Action, Author
    from service.storage.database import Connection

_PRINCIPALS: Final = {kind.name: kind for kind in (USER, SERVICE_ACCOUNT)}
"""The types whose resources may have tokens."""


async def create(
    connection: Connection,
    author: Author,
    name: str,
    scopes: frozenset[Scope],
    lifetime: timedelta | None,
    principal: str = "",
    scim_connection: str = "",
) -> tuple[ApiToken, str]:
    """A new token and its secret, of the user or service account with the id `principal` if it
    is not empty, and for the SCIM connection of that id or, when it is empty, the default one.
    Raises USER_NOT_FOUND, PRINCIPAL_INACTIVE, CONNECTION_NOT_FOUND."""
    principal_id = connection_id = None
    if principal:
        check_for_principal(scopes)
        principal_id = await held_principal(connection, author, principal)
    if scim_connection:
        found = await scim_connections.existing(connection, author.tenant_id, scim_connection)
        connection_id = None if found.is_default else found.id
    return await _insert(
        connection,
        author,
        name,
        scopes,
        lifetime,
        principal_id=principal_id,
        connection_id=connection_id,
    )


async def held_principal(connection: Connection, author: Author, text: str) -> UUID:
    """The id of an active user or service account, who stays so until the transaction ends."""
    identifier = identifier_of(USER, text)
    principal = await principals.hold(connection, author.tenant_id, identifier)
    if principal is None or principal.resource_type not in _PRINCIPALS:
        raise not_found(USER, text)
    kind = _PRINCIPALS[principal.resource_type]
    if not principal.active:
        raise DomainError(
            ErrorReason.ERROR_REASON_PRINCIPAL_INACTIVE,
            f"The {kind.noun} {text} is deactivated and can have no credentials; activate it "
            "first.",
            field="principal_id",
            metadata={"resourceType": kind.name, "resourceName": text},
        )
    return identifier


async def rotate(
    connection: Connection, author: Author, text: str, overlap: timedelta, own: frozenset[Scope]
) -> tuple[ApiToken, str]:
    """A token in the place of the one with this id, and its secret. Raises
    CREDENTIAL_NOT_FOUND, and SCOPE_MISSING when the caller's `own` scopes are fewer."""
    await _hold_principal_of(connection, author, text)
    old = await _held(connection, author, text)
    check_not_wider(old.scopes, own)
    ending = await api_tokens.end_after(connection, author.tenant_id, old.id, overlap)
    if ending is None:
        raise _not_found(text)
    await _record(connection, author, "update", ending, ["expireTime"])
    return await _insert(
        connection,
        author,
        old.name,
        old.scopes,
        old.lifetime,
        principal_id=old.principal_id,
        connection_id=old.connection_id,
    )


async def revoke(connection: Connection, author: Author, text: str) -> None:
    """Let the token with this id be valid no more, which it may not be already. Raises
    CREDENTIAL_NOT_FOUND."""
    token = await _held(connection, author, text)
    if token.revoke_time is None:
        revoked = await api_tokens.revoke(connection, author.tenant_id, token.id)
        await _record(connection, author, "update", revoked, ["revokeTime"])


async def _insert(
    connection: Connection,
    author: Author,
    name: str,
    scopes: frozenset[Scope],
    lifetime: timedelta | None,
    *,
    principal_id: UUID | None = None,
    connection_id: UUID | None = None,
) -> tuple[ApiToken, str]:
    secret = tokens.new_token()
    digest = hashlib.sha256(secret.encode()).digest()
    hint = tokens.hint_of(secret)
    new = NewToken(name, scopes, hint, digest, lifetime, principal_id, connection_id)
    token = await api_tokens.insert(connection, author.tenant_id, new)
    await _record(connection, author, "create", token, ["name", "scopes", "expireTime"])
    return token, secret


async def _hold_principal_of(connection: Connection, author: Author, text: str) -> None:
    """Hold whose token it is before the token, as a deactivation does. Whether that came first
    then shows in the token."""
    identifier = parse_id(text)
    tenant_id = author.tenant_id
    if identifier and (whose := await api_tokens.principal_of(connection, tenant_id, identifier)):
        await principals.hold(connection, tenant_id, whose)


async def _held(connection: Connection, author: Author, text: str) -> ApiToken:
    identifier = parse_id(text)
    found = identifier and await api_tokens.hold(connection, author.tenant_id, identifier)
    if not found:
        raise _not_found(text)
    return found


def _not_found(text: str) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_CREDENTIAL_NOT_FOUND,
        f"There is no valid token {text[:100]!r}; list them to find its id.",
        metadata={"resourceType": "Token", "resourceName": text[:100]},
    )


async def _record(
    connection: Connection,
    author: Author,
    action: Action,
    token: ApiToken,
    attributes: Sequence[str],
) -> None:
    await changes.record(connection, author, change_of(action, token, attributes))


def change_of(action: Action, token: ApiToken, attributes: Sequence[str]) -> Change:
    """What `changes` records of a token."""
    return Change(
        action=action,
        resource_type="Token",
        resource_id=token.id,
        version=token.version,
        time=datetime.now(UTC),
        attributes=attributes,
        message=token.message().SerializeToString(),
    )
