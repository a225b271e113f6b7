"""Removing roles that have expired. They count no more from their expiry on; this is for those who
look at their principals.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from service.directory.access.role_grants import save_without
from service.directory.writing import Writer
from service.storage import resources, schemas
from service.storage.access import role_assignments
from service.storage.changes import Author
from service.storage.derived import BARE

if TYPE_CHECKING:
    from uuid import UUID

    from rollbook.schema_sets import SchemaSet
    from service.storage.database import Connection, Database

ACTOR: Final = "expiry"
"""Whom `changes` names for it."""

BATCH: Final = 500
"""How many principals of a tenant one round looks at."""


async def remove_expired(database: Database) -> int:
    """Remove what has expired in every tenant, one principal after the other. Returns of how
    many; whoever finds another worker at it finds nothing left to do."""
    async with database.across_tenants() as connection:
        tenants = await role_assignments.tenants_with_expired(connection)
    return sum([await _remove_in(database, tenant_id) for tenant_id in tenants])


async def _remove_in(database: Database, tenant_id: UUID) -> int:
    async with database.connection(tenant_id) as connection:
        ids = await role_assignments.with_expired(connection, tenant_id, BATCH)
        extensions = await schemas.extensions(connection, tenant_id)
    # A large one takes a tenth of a second: meanwhile others are answered.
    schema_set = await asyncio.to_thread(extensions.schema_set)
    removed = 0
    for principal_id in ids:

        async def work(connection: Connection, principal_id: UUID = principal_id) -> bool:
            return await _remove_of(connection, tenant_id, schema_set, principal_id)

        removed += await database.transaction(tenant_id, work)
    return removed


async def _remove_of(
    connection: Connection, tenant_id: UUID, schema_set: SchemaSet, principal_id: UUID
) -> bool:
    """Raises StaleSchemasError when the schemas have changed meanwhile: the next round goes by
    those of then."""
    name = await resources.type_of(connection, tenant_id, principal_id)
    if name is None:
        return False
    kind = schema_set.resource_type(name)
    stored = await resources.lock(connection, tenant_id, kind, principal_id)
    found = await role_assignments.of_principals(connection, tenant_id, [principal_id])
    held = found.get(principal_id, [])
    expired = [each for each in held if each.expired]
    if stored is None or not expired:
        return False
    writer = Writer(connection, Author(tenant_id, ACTOR), schema_set, kind, BARE)
    await save_without(writer, stored, held, expired)
    return True
