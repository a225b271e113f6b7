"""Removing what has ended of the authorization server's: codes, tokens, sign-ins, assertions that
were used, and grants. It is good for nothing any more; this keeps tables as small as what is in
use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.storage import tenants
from service.storage.oauth import cleaning as oauth_cleaning

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from service.storage.database import Connection, Database

_TENANTS: Final = 1_000
"""How many tenants are looked up at once."""


async def remove_ended(database: Database) -> None:
    """Remove what has ended in every tenant, in small transactions. One worker at a time does so:
    whoever finds another one at it leaves the rest to that one."""
    async for tenant_id in _all_tenants(database):
        async with database.connection(tenant_id) as connection:
            is_needed = await oauth_cleaning.is_needed(connection, tenant_id)
        while is_needed:

            async def work(connection: Connection, tenant_id: UUID = tenant_id) -> int | None:
                if not await oauth_cleaning.take_turn(connection):
                    return None
                return await oauth_cleaning.remove_some(connection, tenant_id)

            removed = await database.transaction(tenant_id, work)
            if removed is None:
                return
            is_needed = removed >= oauth_cleaning.BATCH


async def _all_tenants(database: Database) -> AsyncIterator[UUID]:
    after = None
    while True:
        async with database.across_tenants() as connection:
            page = await tenants.page(connection, after=after, limit=_TENANTS)
        for tenant in page:
            yield tenant.tenant_id
        if len(page) < _TENANTS:
            return
        after = page[-1].tenant_id
