"""Which schema set a call goes by: that of the caller's tenant, kept in memory.

A set is asked for again after a second, and a change of schemas is answered after more than
that, so that no call which begins after the answer goes by an older set, in whichever process.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from rollbook.metadata import CHANNEL, SCHEMA, SCIM
from rollbook.schema_sets import DEFAULT, SchemaSetCache
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.storage import schemas

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rollbook.schema_sets import SchemaSet
    from service.storage.database import Database

CACHE_SECONDS: Final = 1.0
"""How long a revision is taken for that of now, counted from before it was read."""

SETTLING_SECONDS: Final = CACHE_SECONDS + 0.05
"""After how long every process goes by a change."""

MAX_REVISIONS: Final = 10_000

_UNKNOWN: Final = (0.0, 0)
"""A revision that holds no more."""


class TenantSchemas:
    """The schema sets of tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._revisions: dict[UUID, tuple[float, int]] = {}
        self._sets: SchemaSetCache[UUID] = SchemaSetCache()
        self._loading = asyncio.Lock()

    async def of(self, tenant_id: UUID, metadata: Mapping[str, str]) -> SchemaSet:
        """The set that a call goes by.

        Raises SCHEMA_CHANGED when the caller says that it has translated by another one. The
        gateway need not say that it was the contract alone.
        """
        by_gateway = metadata.get(CHANNEL) == SCIM
        asked = _revision(metadata.get(SCHEMA, "0" if by_gateway else ""))
        expires, revision = self._revisions.get(tenant_id, _UNKNOWN)
        if expires <= time.monotonic() or (asked is not None and asked > revision):
            revision = await self._ask(tenant_id)
        if revision == asked == 0:
            return DEFAULT
        schema_set = await self._set(tenant_id, revision)
        if asked is not None and asked != schema_set.revision:
            raise _changed(schema_set.revision)
        return schema_set if by_gateway else schema_set.for_services

    def forget(self, tenant_id: UUID) -> None:
        """Ask again with the next call."""
        self._revisions.pop(tenant_id, None)

    async def _ask(self, tenant_id: UUID) -> int:
        expires = time.monotonic() + CACHE_SECONDS
        async with self._database.connection(tenant_id) as connection:
            revision = await schemas.revision(connection, tenant_id)
        self._note(tenant_id, expires, revision)
        return revision

    def _note(self, tenant_id: UUID, expires: float, revision: int) -> None:
        if len(self._revisions) >= MAX_REVISIONS:
            self._revisions.clear()
        self._revisions[tenant_id] = (expires, revision)

    async def _set(self, tenant_id: UUID, revision: int) -> SchemaSet:
        """The set of a revision, or of another one if that has changed just now."""
        if revision == DEFAULT.revision:
            return DEFAULT
        known = self._known(tenant_id, revision)
        if known is not None:
            return known
        # One at a time: after a change many calls want the same.
        async with self._loading:
            _, revision = self._revisions.get(tenant_id, (0.0, revision))
            return self._known(tenant_id, revision) or await self._load(tenant_id)

    def _known(self, tenant_id: UUID, revision: int) -> SchemaSet | None:
        known = self._sets.get(tenant_id)
        return known if known is not None and known.revision == revision else None

    async def _load(self, tenant_id: UUID) -> SchemaSet:
        expires = time.monotonic() + CACHE_SECONDS
        async with self._database.connection(tenant_id) as connection:
            extensions = await schemas.extensions(connection, tenant_id)
        self._note(tenant_id, expires, extensions.revision)
        # A large one takes a tenth of a second: meanwhile others are answered.
        loaded = await asyncio.to_thread(extensions.schema_set)
        self._sets.put(tenant_id, loaded)
        return loaded


def _revision(text: str) -> int | None:
    """What a caller says; None for nothing, and a revision that never was for nonsense."""
    if not text:
        return None
    return int(text) if text.isdecimal() and len(text) < 19 else -1  # noqa: PLR2004  int64


def _changed(revision: int) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_SCHEMA_CHANGED,
        f"The schemas have changed since: their revision is {revision}.",
        metadata={"revision": str(revision)},
    )
