"""When credentials were used last, to the minute: noted in memory, written now and then.

Nothing waits for it, and nothing fails because of it.
"""

from __future__ import annotations

import asyncio
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import structlog

from service.storage import credentials

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.credentials import Credential
    from service.storage.database import Database

log = structlog.get_logger(__name__)

INTERVAL: Final = 5.0
"""Seconds between two rounds of writing."""

MAX_NOTED: Final = 10_000
"""How many credentials are noted at once; more are left out of a round."""


class LastUses:
    """Writes them for one worker, from when it is made until `stop`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: set[tuple[UUID, UUID]] = set()
        self._writing = asyncio.create_task(self._write())

    def note(self, credential: Credential) -> None:
        """A credential was used; nothing is done when that is known of this minute."""
        if credential.noted_this_minute or len(self._noted) >= MAX_NOTED:
            return
        self._noted.add((credential.tenant_id, credential.id))

    async def stop(self) -> None:
        """Write what is left, and no more."""
        self._writing.cancel()
        await asyncio.gather(self._writing, return_exceptions=True)
        await self.flush()

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            await self.flush()

    async def flush(self) -> None:
        """Write what was noted so far; what cannot be written is dropped."""
        if not self._noted:
            return
        noted, self._noted = self._noted, set()
        try:
            for tenant_id, used in groupby(sorted(noted), key=itemgetter(0)):
                async with self._database.connection(tenant_id) as connection:
                    await credentials.touch(connection, tenant_id, [each for _, each in used])
        except Exception as error:  # noqa: BLE001  # the next use is noted again
            log.warning("credentials.last_use_not_written", error=type(error).__name__)
