"""Which SCIM connections a call goes by: those of its tenant, kept in memory.

They are kept as credentials are: on this machine a change ends that at once, by the epoch, on
others after a second.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from service.storage import scim_connections

if TYPE_CHECKING:
    from uuid import UUID

    from service.domain.connections import Connections
    from service.epoch import Epoch
    from service.storage.database import Database

CACHE_SECONDS: Final = 1.0
"""How long what was read is believed, counted from before it was read."""

MAX_TENANTS: Final = 10_000


class TenantConnections:
    """The connections of tenants."""

    def __init__(self, database: Database, epoch: Epoch) -> None:
        self._database = database
        self._epoch = epoch
        self._known: dict[UUID, tuple[float, int, Connections]] = {}

    async def of(self, tenant_id: UUID) -> Connections:
        """The connections of a tenant."""
        # Both are taken before the database is asked: what happens after that is news.
        now, epoch = time.monotonic(), self._epoch.current
        known = self._known.get(tenant_id)
        if known is not None and known[0] > now and known[1] == epoch:
            return known[2]
        async with self._database.connection(tenant_id) as connection:
            found = await scim_connections.policies(connection, tenant_id)
        if len(self._known) >= MAX_TENANTS:
            self._known.clear()
        self._known[tenant_id] = (now + CACHE_SECONDS, epoch, found)
        return found
