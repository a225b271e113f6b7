"""Access tokens, which are credentials of the kind `oauth`, and what is known of a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook.access import Scope, scopes_named
from service.domain.identifiers import new_id
from service.storage.credentials import USABLE

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from service.domain.oauth.assertions import Assertion
    from service.domain.oauth.clients import Client
    from service.domain.oauth.grants import Grant
    from service.storage.database import Connection


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that is valid. `client_id` is the name that its client goes by, empty for what no
    client got; `grant_id` is None for what stands on no consent, and `id` is that of the credential
    or the grant. `workload` is whom an external issuer vouched for: its URL, "|", and its name for
    it, which others choose, and could choose to be a user's id."""

    id: UUID
    client_id: str
    grant_id: UUID | None
    principal_id: UUID | None
    scopes: frozenset[Scope]
    create_time: datetime
    expire_time: datetime | None
    workload: str | None
    is_refresh_token: bool


async def insert(
    connection: Connection,
    client: Client,
    grant: Grant | None,
    token_hash: bytes,
    hint: str,
    scopes: frozenset[Scope],
) -> None:
    """Store an access token, valid from now on for as long as the client's are."""
    await connection.execute(
        """
        INSERT INTO credentials (
            tenant_id, id, name, kind, token_hash, scopes, hint, has_checksum, expire_time,
            principal_id, oauth_client_id, oauth_grant_id, connection_id
        ) VALUES ($1, $2, $3, 'oauth', $4, $5, $6, true, now() + $7::interval, $8, $9, $10, $11)
        """,
        client.tenant_id,
        new_id(),
        client.name,
        token_hash,
        sorted(scopes),
        hint,
        client.access_lifetime,
        grant.principal_id if grant else None,
        client.id,
        grant.id if grant else None,
        client.connection_id,
    )


async def find(connection: Connection, tenant_id: UUID, token_hash: bytes) -> IssuedToken | None:
    """What there is to say of a token that is valid: an access token, an API token, or a refresh
    token that was not used or may be used again."""
    row = await connection.fetchrow(
        f"""
        SELECT credentials.id, coalesce(o.client_id, '') AS client_id, oauth_grant_id AS grant_id,
            principal_id, credentials.scopes, credentials.create_time, expire_time,
            i.issuer || '|' || subject AS workload, false AS is_refresh_token
        FROM credentials
        LEFT JOIN oauth_clients AS o
        ON o.tenant_id = credentials.tenant_id AND o.id = oauth_client_id
        LEFT JOIN issuers AS i ON i.tenant_id = credentials.tenant_id AND i.id = issuer_id
        WHERE credentials.tenant_id = $1 AND token_hash = $2 AND kind <> 'certificate'
        AND {USABLE}
        UNION ALL
        SELECT g.id, o.client_id, g.id, g.principal_id, g.scopes, t.create_time, t.expire_time,
            NULL, true
        FROM oauth_refresh_tokens AS t
        JOIN oauth_grants AS g ON g.tenant_id = t.tenant_id AND g.id = t.grant_id
        JOIN oauth_clients AS o ON o.tenant_id = g.tenant_id AND o.id = g.client_id
        WHERE t.tenant_id = $1 AND t.hash = $2 AND g.revoke_time IS NULL
        AND t.use_time IS NULL AND t.expire_time > now()
        """,
        tenant_id,
        token_hash,
    )
    return IssuedToken(**{**row, "scopes": scopes_named(row["scopes"])}) if row else None


async def delete(connection: Connection, tenant_id: UUID, token_hash: bytes) -> None:
    """Let an access token be valid no more."""
    await connection.execute(
        "DELETE FROM credentials WHERE tenant_id = $1 AND token_hash = $2 AND kind = 'oauth'",
        tenant_id,
        token_hash,
    )


async def use_assertion(connection: Connection, client: Client, assertion: Assertion) -> bool:
    """Note that an assertion was used. Returns whether this was the first time."""
    status = await connection.execute(
        """
        INSERT INTO oauth_assertions (tenant_id, client_id, hash, expire_time)
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
        """,
        client.tenant_id,
        client.id,
        assertion.hash,
        assertion.expire_time,
    )
    return status == "INSERT 0 1"
