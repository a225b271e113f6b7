"""Who administers Rollbook itself: the scopes that somebody's roles grant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.access import BY_ROLE
from service.storage.access import role_assignments, role_catalogues

if TYPE_CHECKING:
    from uuid import UUID

    from rollbook.access import Scope
    from service.storage.database import Connection


async def scopes_of(
    connection: Connection, tenant_id: UUID, principal_id: UUID
) -> frozenset[Scope]:
    """What a user or service account may do with Rollbook by its roles, its own and those of its
    groups; nothing when it is inactive or does not exist."""
    roles = await role_assignments.roles_of_principal(connection, tenant_id, principal_id)
    if not roles:
        return frozenset()
    catalogue = await role_catalogues.get(connection, tenant_id)
    return frozenset(scope for role in roles for scope in catalogue.scopes(role))


async def withheld(
    connection: Connection, tenant_id: UUID, principal_id: UUID | None, scopes: frozenset[Scope]
) -> frozenset[Scope]:
    """Those of a credential's scopes that it is not good for, since the roles of whose it is do
    not grant them: the one rule for tokens, keys, certificates and what clients were given."""
    by_role = scopes & BY_ROLE
    if principal_id is None or not by_role:
        return frozenset()
    return by_role - await scopes_of(connection, tenant_id, principal_id)
