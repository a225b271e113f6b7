"""Role catalogues: one row for each tenant that has one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook.v1.role_pb2 import RoleCatalogue
from service.domain import etag
from service.domain.access.role_catalogue import FREE_FORM, Catalogue

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from service.storage.database import Connection


@dataclass(frozen=True, slots=True)
class StoredCatalogue:
    """A catalogue as it is stored."""

    id: UUID
    version: int
    update_time: datetime
    catalogue: RoleCatalogue

    def message(self) -> RoleCatalogue:
        """As clients see it."""
        message = RoleCatalogue(etag=etag.of_version(self.version))
        message.MergeFrom(self.catalogue)
        message.update_time.FromDatetime(self.update_time)
        return message


async def hold(connection: Connection, tenant_id: UUID) -> None:
    """Keep others from changing the tenant's catalogue until the transaction ends."""
    await connection.execute(
        "SELECT FROM tenants WHERE tenant_id = $1 FOR NO KEY UPDATE", tenant_id
    )


async def find(connection: Connection, tenant_id: UUID) -> StoredCatalogue | None:
    """The tenant's catalogue; None when there never was one."""
    row = await connection.fetchrow(
        "SELECT id, version, update_time, catalogue FROM role_catalogues WHERE tenant_id = $1",
        tenant_id,
    )
    if row is None:
        return None
    return StoredCatalogue(**{**row, "catalogue": RoleCatalogue.FromString(row["catalogue"])})


async def save(connection: Connection, tenant_id: UUID, stored: StoredCatalogue) -> None:
    """Store the catalogue in the place of the one before."""
    await connection.execute(
        """
        INSERT INTO role_catalogues (tenant_id, id, version, update_time, catalogue)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id) DO UPDATE SET
            version = excluded.version, update_time = excluded.update_time,
            catalogue = excluded.catalogue
        """,
        tenant_id,
        stored.id,
        stored.version,
        stored.update_time,
        stored.catalogue.SerializeToString(deterministic=True),
    )


async def get_to_assign(connection: Connection, tenant_id: UUID) -> Catalogue:
    """The tenant's catalogue, for somebody who is about to assign roles: until the transaction
    ends no scope is registered or forgotten."""
    stored = await connection.fetchval(
        """
        SELECT (SELECT catalogue FROM role_catalogues WHERE tenant_id = $1)
        FROM pg_advisory_xact_lock_shared(hashtextextended($2, 0))
        """,
        tenant_id,
        f"role_scopes:{tenant_id}",
    )
    return _catalogue(stored)


async def get(connection: Connection, tenant_id: UUID) -> Catalogue:
    """The tenant's catalogue; that of free form when it has none."""
    stored = await connection.fetchval(
        "SELECT catalogue FROM role_catalogues WHERE tenant_id = $1", tenant_id
    )
    return _catalogue(stored)


def _catalogue(stored: bytes | None) -> Catalogue:
    return FREE_FORM if stored is None else Catalogue(RoleCatalogue.FromString(stored))
