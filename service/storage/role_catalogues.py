"""Role catalogues: one row for each tenant that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1.role_pb2 import RoleCatalogue
from service.domain.role_catalogue import FREE_FORM, Catalogue

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection


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
