"""Consent of administrators: given and taken back, with a row in `changes` each time."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from service.storage import changes, oauth_cleaning, oauth_grants
from service.storage.changes import Change

if TYPE_CHECKING:
    from uuid import UUID

    from service.domain.oauth.authorization import Authorization
    from service.domain.oauth.clients import Client
    from service.storage.changes import Action, Author
    from service.storage.database import Connection
    from service.storage.oauth_grants import GrantRecord


async def give(
    connection: Connection,
    author: Author,
    authorization: Authorization,
    principal_id: UUID | None,
) -> str:
    """Store a consent. Returns the code by which the client gets its tokens."""
    client = authorization.client
    record = await oauth_grants.insert(connection, client, authorization.scopes, principal_id)
    await _record(connection, author, "create", client, record)
    code = secrets.token_urlsafe(32)
    await oauth_grants.insert_code(
        connection,
        client.tenant_id,
        hashlib.sha256(code.encode()).digest(),
        record.grant.id,
        authorization.given_redirect_uri,
        authorization.code_challenge,
    )
    await oauth_cleaning.forget_ended(connection, client.tenant_id, "oauth_codes")
    return code


async def end(connection: Connection, author: Author, client: Client, grant_id: UUID) -> None:
    """Take a consent back with every token that stands on it, which may be done already."""
    record = await oauth_grants.revoke(connection, client.tenant_id, grant_id)
    if record is not None:
        await _record(connection, author, "update", client, record)


async def _record(
    connection: Connection, author: Author, action: Action, client: Client, record: GrantRecord
) -> None:
    change = Change(
        action=action,
        resource_type="OAuthGrant",
        resource_id=record.grant.id,
        version=record.version,
        time=datetime.now(UTC),
        attributes=["revokeTime"] if action == "update" else ["clientId", "scopes"],
        message=record.message(client.client_id).SerializeToString(),
    )
    await changes.record(connection, author, change)
