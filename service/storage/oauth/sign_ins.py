"""Browsers that an administrator is signed in with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rollbook.access import Scope, scopes_named

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from service.storage.database import Connection
    from service.storage.passwords import UserPassword

LIFETIME: Final = timedelta(minutes=30)
"""How long somebody stays signed in."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who is signed in: a user, or the holder of an API token, with the scopes of that; those of
    a user follow from roles. `provider_id` names who vouches for them, `password` is what they have
    shown to have, if it was that."""

    name: str
    principal_id: UUID | None
    credential_id: UUID | None
    scopes: frozenset[Scope]
    provider_id: UUID | None = None
    password: UserPassword | None = None


async def insert(
    connection: Connection,
    tenant_id: UUID,
    session_hash: bytes,
    signed_in: SignIn,
) -> None:
    """Sign somebody in."""
    await connection.execute(
        """
        INSERT INTO sign_ins (
            tenant_id, hash, name, principal_id, credential_id, expire_time, provider_id
        ) VALUES ($1, $2, $3, $4, $5, now() + $6::interval, $7)
        """,
        tenant_id,
        session_hash,
        signed_in.name,
        signed_in.principal_id,
        signed_in.credential_id,
        LIFETIME,
        signed_in.provider_id,
    )


async def get(connection: Connection, tenant_id: UUID, session_hash: bytes) -> SignIn | None:
    """Who is signed in; nobody when that, or the token that it was done with, has ended."""
    row = await connection.fetchrow(
        """
        SELECT s.name, s.principal_id, s.credential_id, s.provider_id,
            coalesce(c.scopes, '{}') AS scopes
        FROM sign_ins AS s
        LEFT JOIN credentials AS c ON c.tenant_id = s.tenant_id AND c.id = s.credential_id
        WHERE s.tenant_id = $1 AND s.hash = $2 AND s.expire_time > now()
        AND (s.credential_id IS NULL OR (
            c.revoke_time IS NULL AND (c.expire_time IS NULL OR c.expire_time > now())
        ))
        """,
        tenant_id,
        session_hash,
    )
    return SignIn(**{**row, "scopes": scopes_named(row["scopes"])}) if row else None


async def delete(connection: Connection, tenant_id: UUID, session_hash: bytes) -> None:
    """Sign somebody out."""
    await connection.execute(
        "DELETE FROM sign_ins WHERE tenant_id = $1 AND hash = $2", tenant_id, session_hash
    )


async def delete_of_principals(
    connection: Connection, tenant_id: UUID, principal_ids: Collection[UUID]
) -> None:
    """Sign these users out everywhere."""
    await connection.execute(
        "DELETE FROM sign_ins WHERE tenant_id = $1 AND principal_id = ANY ($2::uuid [])",
        tenant_id,
        principal_ids,
    )


async def delete_of_provider(connection: Connection, tenant_id: UUID, provider_id: UUID) -> None:
    """Sign out whom a provider has signed in."""
    await connection.execute(
        "DELETE FROM sign_ins WHERE tenant_id = $1 AND provider_id = $2", tenant_id, provider_id
    )
