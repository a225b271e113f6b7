"""Why a principal has a role: the ways that lead from it to assignments."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.access_paths import paths
from service.storage import access_lists

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from service.domain.role_catalogue import RoleKey
    from service.storage.access_lists import Assigned
    from service.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Node:
    """A principal on a path."""

    id: UUID
    type: str
    display: str
    active: bool
    groups: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The principal, and each way from it to an assignment; `truncated` when there may be more.
    The principal is None when it does not exist, and no way counts when it is inactive."""

    principal: Node | None
    paths: Sequence[tuple[Sequence[Node], Assigned]]
    truncated: bool


async def explain(
    connection: Connection,
    tenant_id: UUID,
    principal_id: UUID,
    granting: Collection[RoleKey],
    limit: int,
) -> Explanation:
    """Every way, shortest first; of several assignments at the end of one, the oldest first. The
    caller has begun a snapshot."""
    rows = await access_lists.surroundings(connection, tenant_id, principal_id)
    nodes = {row["id"]: Node(*row) for row in rows}
    principal = nodes.get(principal_id)
    if principal is None or not principal.active:
        return Explanation(principal, (), truncated=False)
    assigned = await access_lists.assigned(connection, tenant_id, list(nodes), granting)
    return ways(principal, nodes, assigned, limit)


def ways(
    principal: Node, nodes: Mapping[UUID, Node], assigned: Sequence[Assigned], limit: int
) -> Explanation:
    """The ways from an active principal to assignments."""
    ends: dict[UUID, list[Assigned]] = defaultdict(list)
    for assignment in assigned:
        ends[assignment.principal_id].append(assignment)
    groups = {node.id: node.groups for node in nodes.values()}
    found, truncated = paths(principal.id, groups, ends.keys(), limit)
    expanded = [
        ([nodes[step] for step in way], assignment) for way in found for assignment in ends[way[-1]]
    ]
    return Explanation(principal, expanded[:limit], truncated or len(expanded) > limit)
