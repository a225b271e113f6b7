"""Nobody makes others more of an administrator than they are themselves.

Who holds the scope `admin` may give any role; a connection may that was allowed to. All others give
roles, add members and set passwords only so far as what these let somebody do in Rollbook is not
more than they may themselves: by the scopes of their credentials and, where these are a user's or
service account's, by its roles.

Functions run inside the caller's transaction and raise SCOPE_MISSING, after which it is undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollbook.access import BY_ROLE, EVERY_SCOPE, Scope
from service.directory.access.administration import scopes_of
from service.domain.access.role_writing import too_powerful
from service.storage.access import role_assignments, role_catalogues

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.changes import Author
    from service.storage.database import Connection

_MEMBER: Final = "make somebody a member of a group that has roles which grant them"
_PASSWORD: Final = "set the password of somebody who has roles that grant them"  # noqa: S105  # words


async def grantable(connection: Connection, author: Author) -> frozenset[Scope]:
    """What roles that an author gives may grant, of the scopes that change something."""
    through = author.provenance.connection
    if Scope.ADMIN in author.scopes or (through is not None and through.makes_administrators):
        return EVERY_SCOPE
    if author.principal_id is None:
        return author.scopes
    own = await scopes_of(connection, author.tenant_id, author.principal_id)
    return EVERY_SCOPE if Scope.ADMIN in own else author.scopes | own


async def require_member(connection: Connection, author: Author, group_id: UUID) -> None:
    """What an author who lets somebody belong to a group is held to."""
    await _require(connection, author, group_id, _MEMBER)


async def require_password(connection: Connection, author: Author, user_id: UUID) -> None:
    """What an author who sets the password of a user is held to."""
    await _require(connection, author, user_id, _PASSWORD)


async def _require(connection: Connection, author: Author, holder: UUID, what: str) -> None:
    if Scope.ADMIN in author.scopes:
        return
    catalogue = await role_catalogues.get(connection, author.tenant_id)
    types, prefixes = catalogue.administrative_types
    roles = await role_assignments.roles_above(
        connection, author.tenant_id, holder, types, prefixes
    )
    granted = frozenset(scope for role in roles for scope in catalogue.scopes(role)) & BY_ROLE
    if granted and (lacking := granted - await grantable(connection, author)):
        raise too_powerful(lacking, what)
