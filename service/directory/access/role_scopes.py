"""Registering scopes of roles: what was pending on them counts from then on.

Functions run inside the caller's transaction. Each principal whose roles count for more or less
gets a row in `changes`, although what it shows stays the same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollbook.v1.role_pb2 import UnknownScopes
from service.domain.scope_rules import checked_keys, checked_scopes, pattern_of
from service.storage import changes, resources
from service.storage.access import role_assignments, role_catalogues, role_scopes
from service.storage.changes import Change
from service.storage.database import RetryableError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from rollbook.v1.role_pb2 import RoleScope
    from service.storage.changes import Author
    from service.storage.database import Connection


async def register(
    connection: Connection, author: Author, pattern: str, scopes: Sequence[RoleScope]
) -> tuple[int, int]:
    """Make scopes known. Returns how many were not, and how many roles count now that were
    pending. Raises INVALID_VALUE, TOO_MANY."""
    kind = pattern_of(await role_catalogues.get(connection, author.tenant_id), pattern)
    found = checked_scopes(scopes)
    types = [f"{kind.prefix}{key}" for key in found]
    held = await _hold(connection, author, types, pending=True)
    await role_scopes.hold_all(connection, author.tenant_id)
    count = await role_scopes.register(connection, author, kind.key, found)
    return count, await _set_pending(connection, author, types, held, pending=False)


async def unregister(
    connection: Connection, author: Author, pattern: str, names: Sequence[str]
) -> tuple[int, int]:
    """Forget scopes. Returns how many were known, and how many roles are pending now. Raises
    INVALID_VALUE, TOO_MANY."""
    catalogue = await role_catalogues.get(connection, author.tenant_id)
    kind, keys = pattern_of(catalogue, pattern), checked_keys(names)
    if catalogue.message.unknown_scopes == UnknownScopes.UNKNOWN_SCOPES_ACCEPT:
        return await role_scopes.unregister(connection, author.tenant_id, kind.key, keys), 0
    types = [f"{kind.prefix}{key}" for key in keys]
    held = await _hold(connection, author, types, pending=False)
    await role_scopes.hold_all(connection, author.tenant_id)
    count = await role_scopes.unregister(connection, author.tenant_id, kind.key, keys)
    return count, await _set_pending(connection, author, types, held, pending=True)


async def activate_all(connection: Connection, author: Author) -> None:
    """Let every role count that is pending: scopes are registered no more."""
    held = await _hold(connection, author, None, pending=True)
    await role_scopes.hold_all(connection, author.tenant_id)
    await _set_pending(connection, author, None, held, pending=False)


async def _hold(
    connection: Connection, author: Author, types: Sequence[str] | None, *, pending: bool
) -> set[UUID]:
    """Hold those who have such roles, before the scopes are: as writers of roles do."""
    ids = await role_assignments.holders(connection, author.tenant_id, types, pending=pending)
    await resources.hold_all(connection, author.tenant_id, ids)
    return ids


async def _set_pending(
    connection: Connection,
    author: Author,
    types: Sequence[str] | None,
    held: Collection[UUID],
    *,
    pending: bool,
) -> int:
    changed = await role_assignments.set_pending(
        connection, author.tenant_id, types, pending=pending
    )
    if not set(changed) <= set(held):
        # Somebody was given such a role just now; done again, they are held too.
        raise RetryableError
    if changed:
        author.effects.rights_changed = True
        await _record(connection, author, changed)
    return sum(changed.values())


async def _record(connection: Connection, author: Author, ids: Collection[UUID]) -> None:
    now = datetime.now(UTC)
    rows = await resources.rows_of(connection, author.tenant_id, list(ids))
    await changes.record_all(
        connection,
        [
            (
                author,
                Change(
                    "update",
                    row["resource_type"],
                    row["id"],
                    row["version"],
                    now,
                    ["roles"],
                    row["message"],
                ),
            )
            for row in rows
        ],
    )
