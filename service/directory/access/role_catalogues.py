"""Reading and replacing the catalogue of a tenant's roles.

Functions run inside the caller's transaction; a change adds its row to `changes`, as one of a
resource of the type "RoleCatalogue".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.role_pb2 import RoleCatalogue, UnknownScopes
from service.directory.access import role_scopes
from service.domain import etag
from service.domain.access.catalogue_rules import completed, granted_scopes
from service.domain.errors import DomainError
from service.domain.identifiers import new_id
from service.storage import changes
from service.storage.access import role_catalogues
from service.storage.access.role_catalogues import StoredCatalogue
from service.storage.changes import Change

if TYPE_CHECKING:
    from rollbook.access import Scope
    from service.storage.changes import Author
    from service.storage.database import Connection


async def update(
    connection: Connection,
    author: Author,
    catalogue: RoleCatalogue,
    condition: str,
    own: frozenset[Scope],
) -> RoleCatalogue:
    """Replace the catalogue, by a caller who has the scopes `own`.

    Raises INVALID_VALUE, TOO_MANY, ETAG_MISMATCH, SCOPE_MISSING.
    """
    new = completed(catalogue)
    await role_catalogues.hold(connection, author.tenant_id)
    before = await role_catalogues.find(connection, author.tenant_id)
    etag.require(condition, before.version if before else 0)
    known = before.catalogue if before else RoleCatalogue()
    _check_not_wider(granted_scopes(new) - granted_scopes(known), own)
    if before and new == known:
        return before.message()
    stored = StoredCatalogue(
        before.id if before else new_id(),
        before.version + 1 if before else 1,
        datetime.now(UTC),
        new,
    )
    await role_catalogues.save(connection, author.tenant_id, stored)
    await _record(connection, author, stored)
    if new.unknown_scopes == UnknownScopes.UNKNOWN_SCOPES_ACCEPT:
        await role_scopes.activate_all(connection, author)
    return stored.message()


async def _record(connection: Connection, author: Author, stored: StoredCatalogue) -> None:
    author.effects.rights_changed = True
    change = Change(
        action="create" if stored.version == 1 else "update",
        resource_type="RoleCatalogue",
        resource_id=stored.id,
        version=stored.version,
        time=stored.update_time,
        attributes=["types"],
        message=stored.message().SerializeToString(deterministic=True),
    )
    await changes.record(connection, author, change)


def _check_not_wider(added: frozenset[Scope], own: frozenset[Scope]) -> None:
    if wider := ", ".join(sorted(added - own)):
        raise DomainError(
            ErrorReason.ERROR_REASON_SCOPE_MISSING,
            f"Your own credentials lack {wider}, so they cannot let a role grant it.",
            field="catalogue.types",
            metadata={"scope": wider},
        )
