"""Finding what a connection may mean by creations: users and groups by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rollbook.attributes import GROUP, USER
from service.storage.search.search_sql import RESOURCES, display, text_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from service.storage.database import Connection


class Candidate(NamedTuple):
    """A resource, its folded name, and who manages it."""

    id: UUID
    name: str
    origin: str


async def users_of_names(
    connection: Connection, tenant_id: UUID, names: Sequence[str]
) -> list[Candidate]:
    """The users of userNames, which are folded already."""
    rows = await connection.fetch(
        "SELECT id, unique_key, origin FROM resources"
        " WHERE tenant_id = $1 AND resource_type = $2 AND unique_key = ANY ($3::text [])",
        tenant_id,
        USER.name,
        names,
    )
    return [Candidate(*row) for row in rows]


async def groups_of_names(
    connection: Connection, tenant_id: UUID, names: Sequence[str]
) -> list[Candidate]:
    """The groups of displayNames, which are folded already, that may be managed by nobody."""
    name = f"({display('r')})"
    rows = await connection.fetch(
        f"SELECT r.id, {name} AS name, r.origin FROM {RESOURCES} AS r"
        f" WHERE r.tenant_id = $1 AND r.resource_type = $2"
        f" AND {text_key(name)} = ANY ($3::text [])",
        tenant_id,
        GROUP.name,
        [f"0{name}" for name in names],
    )
    return [Candidate(*row) for row in rows]
