"""SCIM connections of tenants: what administrators see of them, and what calls go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from rollbook.v1.connection_pb2 import AdoptionPolicy, Connection
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain import etag
from service.domain.connections import Adoption, Connections, ScimConnection, networks_of
from service.domain.errors import DomainError
from service.domain.timestamps import timestamp

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from service.storage.database import Connection as DatabaseConnection

_COLUMNS: Final = """
id, name, is_default, enabled, dialect, require_email_user_names, adoption, lock_synced,
ip_allow_list, redirect_uris, makes_administrators, unknown_attributes, version, create_time,
update_time
"""

_POLICIES: Final = {
    Adoption.REFUSE: AdoptionPolicy.ADOPTION_POLICY_REFUSE,
    Adoption.LINK: AdoptionPolicy.ADOPTION_POLICY_LINK,
}
_ADOPTIONS: Final = {policy: adoption for adoption, policy in _POLICIES.items()}


@dataclass(frozen=True, slots=True)
class StoredConnection:
    """A connection as it is stored; `content` is without what only the service says."""

    id: UUID
    version: int
    is_default: bool
    create_time: datetime
    update_time: datetime
    content: Connection

    def message(self, base_url: str) -> Connection:
        """As clients see it."""
        message = Connection(
            id=str(self.id),
            is_default=self.is_default,
            base_url=base_url,
            etag=etag.of_version(self.version),
            create_time=timestamp(self.create_time),
            update_time=timestamp(self.update_time),
        )
        message.MergeFrom(self.content)
        return message


def _stored(row: asyncpg.Record) -> StoredConnection:
    content = Connection(
        name=row["name"],
        enabled=row["enabled"],
        dialect=row["dialect"] or "",
        require_email_user_names=row["require_email_user_names"],
        adoption=_POLICIES[Adoption(row["adoption"])],
        lock_synced=row["lock_synced"],
        ip_allow_list=row["ip_allow_list"],
        redirect_uris=row["redirect_uris"],
        makes_administrators=row["makes_administrators"],
        unknown_attributes=row["unknown_attributes"] or "",
    )
    return StoredConnection(
        row["id"],
        row["version"],
        row["is_default"],
        row["create_time"],
        row["update_time"],
        content,
    )


async def find_all(connection: DatabaseConnection, tenant_id: UUID) -> list[StoredConnection]:
    """All connections, the default first, then by name."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM connections WHERE tenant_id = $1 ORDER BY NOT is_default, name",
        tenant_id,
    )
    return [_stored(row) for row in rows]


async def find(
    connection: DatabaseConnection, tenant_id: UUID, id_: UUID, *, hold: bool
) -> StoredConnection | None:
    """One connection, held until the transaction ends if wanted; None when there is none of that
    id."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM connections WHERE tenant_id = $1 AND id = $2"
        + (" FOR NO KEY UPDATE" if hold else ""),
        tenant_id,
        id_,
    )
    return _stored(row) if row else None


async def policies(connection: DatabaseConnection, tenant_id: UUID) -> Connections:
    """What the calls of a tenant go by."""
    rows = await connection.fetch(
        "SELECT id, name, is_default, enabled, dialect, require_email_user_names, adoption,"
        " lock_synced, ip_allow_list, redirect_uris, makes_administrators, unknown_attributes"
        " FROM connections WHERE tenant_id = $1",
        tenant_id,
    )
    return Connections.of(map(_policy, rows))


def _policy(row: asyncpg.Record) -> ScimConnection:
    values: dict[str, Any] = dict(row)
    values["networks"] = networks_of(values.pop("ip_allow_list"))
    values["adoption"] = Adoption(row["adoption"])
    values["dialect"] = row["dialect"] or ""
    values["unknown_attributes"] = row["unknown_attributes"] or ""
    values["redirect_uris"] = tuple(row["redirect_uris"])
    return ScimConnection(**values)


async def insert(
    connection: DatabaseConnection, tenant_id: UUID, id_: UUID, content: Connection
) -> StoredConnection:
    """Store a new connection. Raises UNIQUENESS."""
    try:
        row = await connection.fetchrow(
            f"""
            INSERT INTO connections (
                tenant_id, id, name, enabled, dialect, require_email_user_names, adoption,
                lock_synced, ip_allow_list, redirect_uris, makes_administrators, unknown_attributes
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            RETURNING {_COLUMNS}
            """,
            tenant_id,
            id_,
            *_values(content),
        )
    except asyncpg.UniqueViolationError as error:
        raise _taken(error, content.name) from error
    assert row is not None
    return _stored(row)


async def update(
    connection: DatabaseConnection, tenant_id: UUID, id_: UUID, content: Connection
) -> StoredConnection:
    """Store a connection anew that is there. Raises UNIQUENESS."""
    try:
        row = await connection.fetchrow(
            f"""
            UPDATE connections SET
                version = version + 1, update_time = now(), name = $3, enabled = $4, dialect = $5,
                require_email_user_names = $6, adoption = $7, lock_synced = $8,
                ip_allow_list = $9, redirect_uris = $10, makes_administrators = $11,
                unknown_attributes = $12
            WHERE tenant_id = $1 AND id = $2
            RETURNING {_COLUMNS}
            """,
            tenant_id,
            id_,
            *_values(content),
        )
    except asyncpg.UniqueViolationError as error:
        raise _taken(error, content.name) from error
    assert row is not None
    return _stored(row)


def _values(content: Connection) -> tuple[object, ...]:
    return (
        content.name,
        content.enabled,
        content.dialect or None,
        content.require_email_user_names,
        _ADOPTIONS[content.adoption].value,
        content.lock_synced,
        list(content.ip_allow_list),
        list(content.redirect_uris),
        content.makes_administrators,
        content.unknown_attributes or None,
    )


def _taken(error: asyncpg.UniqueViolationError, name: str) -> Exception:
    if error.constraint_name != "connections_name":
        return error
    return DomainError(
        ErrorReason.ERROR_REASON_UNIQUENESS,
        f"There is a connection {name!r} already; choose another name.",
        field="name",
        metadata={"attribute": "name", "value": name},
    )


async def delete(connection: DatabaseConnection, tenant_id: UUID, id_: UUID) -> None:
    """Delete a connection, and let its credentials be valid no more."""
    await connection.execute(
        """
        UPDATE credentials SET revoke_time = now(), version = version + 1
        WHERE tenant_id = $1 AND connection_id = $2 AND revoke_time IS NULL
        """,
        tenant_id,
        id_,
    )
    await connection.execute(
        "DELETE FROM connections WHERE tenant_id = $1 AND id = $2", tenant_id, id_
    )


async def hold(connection: DatabaseConnection, tenant_id: UUID) -> None:
    """Keep others from making connections until the transaction ends."""
    await connection.execute(
        "SELECT FROM connections WHERE tenant_id = $1 AND is_default FOR NO KEY UPDATE", tenant_id
    )


async def configure(
    connection: DatabaseConnection, tenant_id: UUID, *, enabled: bool | None
) -> None:
    """Let the default connection be as the settings say, on where they say nothing, if that is
    not what they said at the last start: else it stays as an administrator has switched it."""
    await connection.execute(
        """
        UPDATE connections SET
            enabled = coalesce($2, true), configured_enabled = $2,
            version = version + 1, update_time = now()
        WHERE tenant_id = $1 AND is_default AND configured_enabled IS DISTINCT FROM $2
        """,
        tenant_id,
        enabled,
    )
