"""When a worker may answer from memory, and how it looks again when it may not.

An answer from memory is right if no writer on this machine has announced anything since the latest
look at the database (the epoch says so), if that look is young enough for what other machines
write, and if it saw the write that the caller names. Otherwise there is another look first: it
tells what has changed and fetches who is missing, in one statement and so of one moment. All who
wait meanwhile share the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from service.directory.access.cache import CachedPrincipals
from service.directory.access.checks import too_much
from service.domain.access.graph import IncompleteError
from service.domain.access.revisions import unknown_revision
from service.storage.access import graph as access
from service.storage.access.graph import TooMuchError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from service.epoch import Epoch
    from service.storage.database import Database

Answer = TypeVar("Answer")

FRESH_SECONDS: Final = 0.5
"""How long after the beginning of a look nobody asks again what other machines have written:
answers stay younger than a second."""

EPOCH_SLOTS: Final = 512
"""Tenants that share a slot hear of each other's writes: they look more often than they need."""

FORGET_SECONDS: Final = 600
"""After so long without a look it begins anew, instead of asking for all that has changed."""

MAX_IDS: Final = 500
"""How many principals one look fetches, unless a single caller asks for more."""

_PATIENCE: Final = 4
"""Looks after which somebody who is still not answered begins with nothing kept."""

_TENANT_BYTES: Final = 4_000


def slot_of(tenant_id: UUID) -> int:
    """The slot of the epoch that those who write to a tenant advance."""
    return tenant_id.int % EPOCH_SLOTS


@dataclass(slots=True)
class _Waiting:
    """Who waits for the next look, and what is to be made of the principals right after it."""

    ids: Sequence[UUID]
    work: Callable[[CachedPrincipals], Any]
    transaction_id: int | None
    future: asyncio.Future[Any]
    looks: int = 0


class TenantAccess:
    """What is kept of one tenant, and what tells whether it is still right."""

    def __init__(
        self, database: Database, tenant_id: UUID, epoch: Epoch, on_growth: Callable[[int], None]
    ) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._epoch = epoch
        self._on_growth = on_growth
        self._reported = 0
        self._slot = slot_of(tenant_id)
        self._known = access.Known()
        self._epoch_seen = -1
        self._looked = -FRESH_SECONDS
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self.principals = CachedPrincipals()

    async def answer(
        self,
        ids: Sequence[UUID],
        work: Callable[[CachedPrincipals], Answer],
        transaction_id: int | None = None,
    ) -> Answer:
        """What `work` makes of principals and their groups, all of one moment: after this call
        began or as good as that, and after the transaction if one is named.

        Raises what `work` does; INVALID_VALUE for a transaction that there has not been; TOO_MANY.
        """
        if self._is_fresh(transaction_id):
            try:
                answer = work(self.principals)
            except IncompleteError:
                pass
            else:
                self._report()
                return answer
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(ids, work, transaction_id, future))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await future

    def _is_fresh(self, transaction_id: int | None) -> bool:
        if self._epoch.at(self._slot) != self._epoch_seen:
            return False
        if time.monotonic() - self._looked > FRESH_SECONDS:
            return False
        return transaction_id is None or self._saw(transaction_id)

    def _saw(self, transaction_id: int) -> bool:
        return self._known.snapshot is not None and self._known.snapshot.sees(transaction_id)

    async def _run(self) -> None:
        """Look for those who wait, together, until nobody does."""
        try:
            while self._waiting:
                await self._serve(self._next_batch())
        finally:
            self._task = None

    async def _serve(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._look(batch)
        except TooMuchError:
            if len(batch) > 1:  # Nobody waits in vain because of another.
                for one in batch:
                    await self._serve([one])
                return
            _settle(batch[0].future, too_much())
        except Exception as error:  # noqa: BLE001  # each who waits raises it
            for one in batch:
                _settle(one.future, error)
        else:
            for one in batch:
                self._finish(one)
            self._report()

    def measure(self) -> int:
        """How many bytes are kept; only what they grow by from now on is reported."""
        self._reported = self.principals.bytes
        return self._reported

    def part(self) -> None:
        """What is kept counts no more: it is gone when those who wait have been answered."""
        self._on_growth = _ignore

    def _report(self) -> None:
        if grown := self.principals.bytes - self._reported:
            self._reported += grown
            self._on_growth(grown)

    def _next_batch(self) -> list[_Waiting]:
        count = ids = 0
        for one in self._waiting:
            if count and ids + len(one.ids) > MAX_IDS:
                break
            count, ids = count + 1, ids + len(one.ids)
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _look(self, batch: Sequence[_Waiting]) -> None:
        if time.monotonic() - self._looked > FORGET_SECONDS:
            self._known = access.Known()
            self.principals.clear()
        wanted = {identifier for one in batch for identifier in one.ids}
        asked = {each for identifier in wanted for each in self.principals.missing(identifier)}
        # Both are taken before the database is asked: what happens after that is news.
        epoch, now = self._epoch.at(self._slot), time.monotonic()
        async with self._database.connection(self._tenant_id) as connection:
            look = await access.look(connection, self._tenant_id, self._known, asked)
        self.principals.apply(look, asked)
        self._known = access.Known(look.snapshot, look.catalogue_version)
        self._epoch_seen, self._looked = epoch, now

    def _finish(self, one: _Waiting) -> None:
        if one.transaction_id is not None and not self._saw(one.transaction_id):
            _settle(one.future, unknown_revision())
            return
        try:
            answer = one.work(self.principals)
        except IncompleteError:
            # The look found that someone has changed who was known before: the next one asks.
            one.looks += 1
            if one.looks >= _PATIENCE:
                self.principals.clear()
            self._waiting.append(one)
        except Exception as error:  # noqa: BLE001  # its caller raises it
            _settle(one.future, error)
        else:
            if not one.future.done():
                one.future.set_result(answer)


def _ignore(_size: int) -> None:
    return None


def _settle(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():  # Its caller may have gone.
        future.set_exception(error)


class AccessLooks:
    """What a worker keeps of all tenants: after each answer no more than `max_bytes`, save what
    the last look found if that alone is more."""

    def __init__(self, database: Database, epoch: Epoch, max_bytes: int) -> None:
        self._database = database
        self._epoch = epoch
        self._max_bytes = max_bytes
        self._bytes = 0
        # In the order of their last use.
        self._tenants: OrderedDict[UUID, TenantAccess] = OrderedDict()

    @property
    def bytes(self) -> int:
        """How much is kept."""
        return self._bytes

    async def answer(
        self,
        tenant_id: UUID,
        ids: Sequence[UUID],
        work: Callable[[CachedPrincipals], Answer],
        transaction_id: int | None = None,
    ) -> Answer:
        """As `TenantAccess.answer` in a tenant."""
        tenant = self._tenants.get(tenant_id)
        if tenant is None:
            tenant = TenantAccess(self._database, tenant_id, self._epoch, self._grow)
            self._tenants[tenant_id] = tenant
            self._grow(_TENANT_BYTES)
        else:
            self._tenants.move_to_end(tenant_id)
        return await tenant.answer(ids, work, transaction_id)

    def _grow(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._max_bytes:
            self._forget()

    def _forget(self) -> None:
        """Forget the tenants that were not used lately; of the last one some principals."""
        while self._bytes > self._max_bytes and len(self._tenants) > 1:
            _, tenant = self._tenants.popitem(last=False)
            tenant.part()
            self._count()
        if self._bytes > self._max_bytes:
            for tenant in self._tenants.values():
                tenant.principals.halve()
            self._count()

    def _count(self) -> None:
        self._bytes = sum(tenant.measure() + _TENANT_BYTES for tenant in self._tenants.values())
