"""Browsers that were sent to a sign-in provider and have not come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection

LIFETIME: Final = timedelta(minutes=10)
"""How long somebody may take to sign in at a provider."""


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """The provider that a browser was sent to, and a rollbook.v1.OAuthAuthorizationRequest, what
    the client asks for that had sent it here."""

    provider_id: UUID
    authorization_request: bytes


async def insert(
    connection: Connection,
    tenant_id: UUID,
    state_hash: bytes,
    session_hash: bytes,
    pending: PendingSignIn,
) -> None:
    """Expect a browser."""
    await connection.execute(
        """
        INSERT INTO pending_sign_ins (
            tenant_id, hash, provider_id, session_hash, authorization_request, expire_time
        ) VALUES ($1, $2, $3, $4, $5, now() + $6::interval)
        """,
        tenant_id,
        state_hash,
        pending.provider_id,
        session_hash,
        pending.authorization_request,
        LIFETIME,
    )


async def delete_of_provider(connection: Connection, tenant_id: UUID, provider_id: UUID) -> None:
    """Expect nobody any more who was sent to a provider."""
    await connection.execute(
        "DELETE FROM pending_sign_ins WHERE tenant_id = $1 AND provider_id = $2",
        tenant_id,
        provider_id,
    )


async def tenant_of(connection: Connection, state_hash: bytes) -> UUID | None:
    """Whose the browser is that comes back; asked before the tenant of a request is known."""
    found: UUID | None = await connection.fetchval(
        "SELECT tenant_id FROM pending_sign_ins WHERE hash = $1", state_hash
    )
    return found


async def take(
    connection: Connection,
    tenant_id: UUID,
    state_hash: bytes,
    session_hash: bytes,
    provider_name: str,
) -> PendingSignIn | None:
    """What a browser was sent away with, once; None when it was another browser, or another
    provider, or is too long ago."""
    row = await connection.fetchrow(
        """
        DELETE FROM pending_sign_ins AS s USING sign_in_providers AS p
        WHERE s.tenant_id = $1 AND s.hash = $2 AND s.session_hash = $3 AND s.expire_time > now()
        AND p.tenant_id = s.tenant_id AND p.id = s.provider_id AND p.name = $4
        RETURNING s.provider_id, s.authorization_request
        """,
        tenant_id,
        state_hash,
        session_hash,
        provider_name,
    )
    return PendingSignIn(**row) if row else None
