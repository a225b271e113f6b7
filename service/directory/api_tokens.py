"""Making, replacing and revoking API tokens.

Functions run inside the caller's transaction and add a row to `changes`, as one of a resource of
the type "Token". Secrets leave with the answer; what stays is their hash.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollbook import tokens
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.domain.membership import parse_id
from service.domain.token_rules import check_not_wider
from service.storage import api_tokens, changes
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


async def create(
    connection: Connection,
    author: Author,
    name: str,
    scopes: frozenset[Scope],
    lifetime: timedelta | None,
) -> tuple[ApiToken, str]:
    """A new token and its secret."""
    return await _insert(connection, author, name, scopes, lifetime, None)


async def rotate(
    connection: Connection, author: Author, text: str, overlap: timedelta, own: frozenset[Scope]
) -> tuple[ApiToken, str]:
    """A token in the place of the one with this id, and its secret. Raises
    CREDENTIAL_NOT_FOUND, and SCOPE_MISSING when the caller's `own` scopes are fewer."""
    old = await _held(connection, author, text)
    check_not_wider(old.scopes, own)
    ending = await api_tokens.end_after(connection, author.tenant_id, old.id, overlap)
    if ending is None:
        raise _not_found(text)
    await _record(connection, author, "update", ending, ["expireTime"])
    return await _insert(connection, author, old.name, old.scopes, old.lifetime, old.principal_id)


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
    principal_id: UUID | None,
) -> tuple[ApiToken, str]:
    secret = tokens.new_token()
    digest = hashlib.sha256(secret.encode()).digest()
    new = NewToken(name, scopes, tokens.hint_of(secret), digest, lifetime, principal_id)
    token = await api_tokens.insert(connection, author.tenant_id, new)
    await _record(connection, author, "create", token, ["name", "scopes", "expireTime"])
    return token, secret


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
    change = Change(
        action=action,
        resource_type="Token",
        resource_id=token.id,
        version=token.version,
        time=datetime.now(UTC),
        attributes=attributes,
        message=token.message().SerializeToString(),
    )
    await changes.record(connection, author, change)
