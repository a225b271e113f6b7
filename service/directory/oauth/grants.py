"""Consent of administrators: given and taken back, with a row in `changes` each time."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.domain.membership import parse_id
from service.storage import changes
from service.storage.changes import Change
from service.storage.oauth import exchanges as oauth_exchanges
from service.storage.oauth import grants as oauth_grants

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from service.domain.oauth.authorization import Authorization
    from service.storage.changes import Action, Author
    from service.storage.database import Connection
    from service.storage.oauth.grants import GrantRecord


async def give(
    connection: Connection,
    author: Author,
    authorization: Authorization,
    principal_id: UUID | None,
) -> str:
    """Store a consent. Returns the code by which the client gets its tokens."""
    tenant_id = authorization.client.tenant_id
    record = await oauth_grants.insert(
        connection,
        authorization.client,
        authorization.scopes,
        principal_id=principal_id,
        granted_by=author.name,
    )
    await changes.record(connection, author, change_of("create", record, ["clientId", "scopes"]))
    code = secrets.token_urlsafe(32)
    await oauth_exchanges.insert_code(
        connection,
        tenant_id,
        hashlib.sha256(code.encode()).digest(),
        record.id,
        authorization.given_redirect_uri,
        authorization.code_challenge,
    )
    return code


async def revoke(connection: Connection, author: Author, text: str) -> None:
    """Take the consent with this id back. Raises CREDENTIAL_NOT_FOUND."""
    identifier = parse_id(text)
    if not identifier or not await oauth_grants.exists(connection, author.tenant_id, identifier):
        raise DomainError(
            ErrorReason.ERROR_REASON_CREDENTIAL_NOT_FOUND,
            f"There is no OAuth grant {text[:100]!r}; list them to find its id.",
            metadata={"resourceType": "OAuthGrant", "resourceName": text[:100]},
        )
    await end(connection, author, identifier)


async def end(connection: Connection, author: Author, grant_id: UUID) -> None:
    """Take a consent back with every token that stands on it, which may be done already."""
    record = await oauth_grants.revoke(connection, author.tenant_id, grant_id)
    if record is not None:
        await changes.record(connection, author, change_of("update", record, ["revokeTime"]))


def change_of(action: Action, record: GrantRecord, attributes: Sequence[str]) -> Change:
    """What `changes` records of a grant."""
    return Change(
        action=action,
        resource_type="OAuthGrant",
        resource_id=record.id,
        version=record.version,
        time=datetime.now(UTC),
        attributes=attributes,
        message=record.message.SerializeToString(),
    )
