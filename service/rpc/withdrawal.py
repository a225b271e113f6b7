"""Transactions that take away what workers believe in: credentials, clients, issuers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from service.epoch import Epoch
    from service.storage.database import Connection, Database

Result = TypeVar("Result")


async def withdraw(
    database: Database,
    epoch: Epoch,
    tenant_id: UUID,
    work: Callable[[Connection], Awaitable[Result]],
) -> Result:
    """Run a transaction on a tenant's rows. When this returns, no worker of this machine goes by
    what was before. Raises what the work raises."""
    try:
        return await database.transaction(tenant_id, work)
    finally:
        # Whether a transaction was committed is not always known.
        epoch.advance()
