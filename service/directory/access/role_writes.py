"""What writes of roles go by, read in the transaction that writes: nothing when a write leaves
roles alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.directory.access import escalation
from service.domain.access import role_mentions
from service.domain.access.role_rules import RoleRules
from service.domain.access.role_writing import RoleWrite
from service.domain.access.roles import SCIM
from service.domain.search.folding import fold
from service.storage.access import role_assignments, role_catalogues, role_scopes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from rollbook.access import Scope
    from rollbook.attributes import ResourceType
    from rollbook.v1.patch_pb2 import PatchOperation
    from service.domain.access.roles import Assignment
    from service.storage.changes import Author
    from service.storage.database import Connection
    from service.storage.resources import Stored

_JSON_ROLE: Final = "JSON_ROLE"
"""The tolerance of the gateway's dialects under which roles are sent as JSON text."""


@dataclass(frozen=True, slots=True)
class RoleWrites:
    """What writes of the roles of several principals go by."""

    rules: RoleRules
    grantable: frozenset[Scope]
    held: Mapping[UUID, Sequence[Assignment]]

    def of(self, author: Author, principal_id: UUID | None = None) -> RoleWrite:
        """What a write of one of them goes by; of none that exists yet by default."""
        held = self.held.get(principal_id, ()) if principal_id else ()
        # Identity providers do not write back what they have read.
        repeats = author.source.startswith(SCIM)
        return RoleWrite(
            self.rules,
            author.source,
            held,
            repeats,
            reads_json=_JSON_ROLE in author.tolerances,
            grantable=self.grantable,
        )


async def read(
    connection: Connection, author: Author, principal_ids: Collection[UUID], types: Iterable[str]
) -> RoleWrites:
    """What writes go by of the roles of these principals, which the caller holds, that mention
    roles of these types."""
    catalogue = await role_catalogues.get_to_assign(connection, author.tenant_id)
    # U+0000 is refused with the role that has it; the database takes none.
    matches = (catalogue.match(fold(text)) for text in set(types) if "\0" not in text)
    keys = {(m.kind.key, m.scope) for m in matches if m is not None and m.scope is not None}
    registered = await role_scopes.names(connection, author.tenant_id, keys)
    held: Mapping[UUID, Sequence[Assignment]] = {}
    if principal_ids:
        held = await role_assignments.of_principals(connection, author.tenant_id, principal_ids)
    grantable = await escalation.grantable(connection, author)
    return RoleWrites(RoleRules(catalogue, registered), grantable, held)


async def for_creation(
    connection: Connection, author: Author, resource: Any, resource_type: ResourceType
) -> RoleWrite | None:
    """What the creation of a resource goes by; None when it has no roles."""
    if not role_mentions.has_roles(resource_type) or not resource.roles:
        return None
    writes = await read(connection, author, (), role_mentions.of_resource(resource))
    return writes.of(author)


async def for_update(
    connection: Connection,
    author: Author,
    stored: Stored,
    resource: Any,
    mask: Collection[str],
    resource_type: ResourceType,
) -> RoleWrite | None:
    """What an update goes by; None when it leaves the roles alone."""
    types = role_mentions.in_update(stored.message, resource, mask, resource_type)
    return await _of_one(connection, author, stored, types)


async def for_patch(
    connection: Connection,
    author: Author,
    stored: Stored,
    operations: Sequence[PatchOperation],
    resource_type: ResourceType,
) -> RoleWrite | None:
    """What a patch goes by; None when it leaves the roles alone."""
    types = role_mentions.in_patch(operations, resource_type)
    return await _of_one(connection, author, stored, types)


async def _of_one(
    connection: Connection, author: Author, stored: Stored, types: Collection[str] | None
) -> RoleWrite | None:
    if types is None:
        return None
    writes = await read(connection, author, [stored.id], types)
    return writes.of(author, stored.id)
