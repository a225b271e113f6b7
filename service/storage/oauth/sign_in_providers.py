"""OpenID providers by which administrators of a tenant sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncpg

from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider
from service.domain import etag
from service.domain.errors import DomainError
from service.domain.timestamps import timestamp

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from service.storage.database import Connection

_COLUMNS: Final = "id, message, client_secret, version, create_time, update_time"


@dataclass(frozen=True, slots=True)
class StoredProvider:
    """A provider as it is stored; `content` is without what only the service says, and
    `client_secret` encrypted, None without one."""

    id: UUID
    content: SignInProvider
    client_secret: bytes | None
    version: int
    create_time: datetime
    update_time: datetime

    def message(self, redirect_uri: str) -> SignInProvider:
        """As administrators see it."""
        message = SignInProvider(
            id=str(self.id),
            has_client_secret=self.client_secret is not None,
            redirect_uri=redirect_uri,
            etag=etag.of_version(self.version),
            create_time=timestamp(self.create_time),
            update_time=timestamp(self.update_time),
        )
        message.MergeFrom(self.content)
        return message


def _stored(row: asyncpg.Record) -> StoredProvider:
    values = dict(row)
    return StoredProvider(content=SignInProvider.FromString(values.pop("message")), **values)


async def find_all(connection: Connection, tenant_id: UUID) -> list[StoredProvider]:
    """All providers, by name."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM sign_in_providers WHERE tenant_id = $1 ORDER BY name", tenant_id
    )
    return [_stored(row) for row in rows]


async def find(
    connection: Connection, tenant_id: UUID, id_: UUID, *, hold: bool = False
) -> StoredProvider | None:
    """One provider, held until the transaction ends if wanted; None when there is none of that
    id."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM sign_in_providers WHERE tenant_id = $1 AND id = $2"
        + (" FOR NO KEY UPDATE" if hold else ""),
        tenant_id,
        id_,
    )
    return _stored(row) if row else None


async def enabled(connection: Connection, tenant_id: UUID, name: str) -> StoredProvider | None:
    """The provider of a name, if it signs people in."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM sign_in_providers WHERE tenant_id = $1 AND name = $2 AND enabled",
        tenant_id,
        name,
    )
    return _stored(row) if row else None


async def stays(connection: Connection, tenant_id: UUID, id_: UUID, version: int) -> bool:
    """Whether a provider is still what it was, and stays so until the transaction ends."""
    return bool(
        await connection.fetchval(
            "SELECT true FROM sign_in_providers "
            "WHERE tenant_id = $1 AND id = $2 AND version = $3 AND enabled FOR SHARE",
            tenant_id,
            id_,
            version,
        )
    )


async def insert(
    connection: Connection,
    tenant_id: UUID,
    id_: UUID,
    content: SignInProvider,
    client_secret: bytes | None,
) -> StoredProvider:
    """Store a new provider. Raises UNIQUENESS."""
    try:
        row = await connection.fetchrow(
            f"""
            INSERT INTO sign_in_providers (tenant_id, id, name, enabled, message, client_secret)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING {_COLUMNS}
            """,
            tenant_id,
            id_,
            content.name,
            content.enabled,
            content.SerializeToString(deterministic=True),
            client_secret,
        )
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "sign_in_providers_name":
            raise
        raise _taken(content.name) from error
    assert row is not None
    return _stored(row)


async def update(
    connection: Connection,
    tenant_id: UUID,
    id_: UUID,
    content: SignInProvider,
    client_secret: bytes | None,
) -> StoredProvider:
    """Store a provider anew that is there."""
    row = await connection.fetchrow(
        f"""
        UPDATE sign_in_providers SET
            version = version + 1, update_time = now(), enabled = $3, message = $4,
            client_secret = $5
        WHERE tenant_id = $1 AND id = $2 RETURNING {_COLUMNS}
        """,
        tenant_id,
        id_,
        content.enabled,
        content.SerializeToString(deterministic=True),
        client_secret,
    )
    assert row is not None
    return _stored(row)


async def delete(connection: Connection, tenant_id: UUID, id_: UUID) -> None:
    """Delete a provider, with whom it has signed in."""
    await connection.execute(
        "DELETE FROM sign_in_providers WHERE tenant_id = $1 AND id = $2", tenant_id, id_
    )


async def hold_all(connection: Connection, tenant_id: UUID) -> None:
    """Keep others from making providers until the transaction ends."""
    await connection.execute(
        "SELECT FROM tenants WHERE tenant_id = $1 FOR NO KEY UPDATE", tenant_id
    )


def _taken(name: str) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_UNIQUENESS,
        f"There is a sign-in provider {name!r} already; choose another name.",
        field="name",
        metadata={"attribute": "name", "value": name},
    )
