"""What a worker does besides answering calls: it forgets what is old, and watches the database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from service.directory.access.role_expiry import remove_expired
from service.directory.oauth import expiry as oauth_expiry
from service.domain.errors import DomainError
from service.storage import requests
from service.storage.search import bookmarks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from service.storage.database import Database

    Report = Callable[[bool], Awaitable[None]]

log = structlog.get_logger(__name__)

CLEANING_INTERVAL: Final = 600.0
"""Seconds between two rounds of forgetting."""

EXPIRY_INTERVAL: Final = 10.0
"""Seconds between two looks for roles that have expired."""

WATCH_INTERVAL: Final = 2.0
"""Seconds between two looks at the database."""

WATCH_TIMEOUT: Final = 5.0
"""Seconds after which a database that has not answered counts as unreachable."""


class Upkeep:
    """The tasks of a worker in the background, from `start` to `stop`."""

    def __init__(self, database: Database, report: Report) -> None:
        self._database = database
        self._report = report
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; `report` is told whenever the database comes within reach or goes out of it."""
        rounds = (self._clean(), self._expire(), self._watch())
        self._tasks = [asyncio.create_task(each) for each in rounds]

    async def stop(self) -> None:
        """End at once: every round leaves nothing half done."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _clean(self) -> None:
        while True:
            try:
                async with self._database.across_tenants() as connection:
                    await requests.forget_old(connection)
                    await bookmarks.forget_old(connection)
                await oauth_expiry.remove_ended(self._database)
            except Exception as error:  # noqa: BLE001  # the next round tries again
                log.warning("cleaning.failed", error=type(error).__name__)
            await asyncio.sleep(CLEANING_INTERVAL)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(EXPIRY_INTERVAL)
            try:
                await remove_expired(self._database)
            except Exception as error:  # noqa: BLE001  # the next round tries again
                log.warning("expiry.failed", error=type(error).__name__)

    async def _watch(self) -> None:
        reachable = True
        while True:
            await asyncio.sleep(WATCH_INTERVAL)
            now = await self._is_reachable()
            if now != reachable:
                log.warning("database.reachable" if now else "database.unreachable")
                await self._report(now)
            reachable = now

    async def _is_reachable(self) -> bool:
        try:
            async with (
                asyncio.timeout(WATCH_TIMEOUT),
                self._database.across_tenants() as connection,
            ):
                await connection.fetchval("SELECT 1")
        except (DomainError, TimeoutError):
            return False
        return True
