"""Why a principal has a role, or had it: the ways that lead from it to assignments."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.directory.access.checks import check_role
from service.domain.access.paths import paths
from service.storage.access import lists as access_lists
from service.storage.access import past as past_access
from service.storage.access import role_catalogues

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from service.domain.access.role_catalogue import RoleKey
    from service.storage.access.lists import Assigned
    from service.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Node:
    """A principal on a path."""

    id: UUID
    type: str
    display: str
    active: bool


@dataclass(frozen=True, slots=True)
class Question:
    """Why somebody has a role; or had it at a moment. `limit` is of the paths."""

    tenant_id: UUID
    principal_id: UUID
    role: RoleKey
    limit: int
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The principal, and each way from it to an assignment, shortest first; of several assignments
    at the end of one, the oldest first. `truncated`: there may be more. The principal is None when
    it does not exist, and there is no way when it is inactive."""

    principal: Node | None
    paths: Sequence[tuple[Sequence[Node], Assigned]] = ()
    truncated: bool = False


async def explain(connection: Connection, question: Question) -> Explanation:
    """Answer a question of the present. The caller has begun a snapshot. Raises INVALID_VALUE."""
    tenant_id, principal_id = question.tenant_id, question.principal_id
    catalogue = await role_catalogues.get(connection, tenant_id)
    check_role(catalogue, question.role)
    rows = await access_lists.surroundings(connection, tenant_id, principal_id)
    nodes = {
        row["id"]: Node(row["id"], row["resource_type"], row["display"], row["active"])
        for row in rows
    }
    principal = nodes.get(principal_id)
    if principal is None or not principal.active:
        return Explanation(principal)
    assigned = await access_lists.assigned(
        connection, tenant_id, list(nodes), catalogue.granting(question.role)
    )
    groups = {row["id"]: row["groups"] for row in rows}
    found, truncated = ways(principal_id, groups, assigned, question.limit)
    shown = [([nodes[step] for step in way], assignment) for way, assignment in found]
    return Explanation(principal, shown, truncated)


async def explain_past(connection: Connection, question: Question, moment: datetime) -> Explanation:
    """Answer a question of a past moment. The caller has begun a snapshot. Raises
    INVALID_VALUE."""
    tenant_id, principal_id = question.tenant_id, question.principal_id
    catalogue = await past_access.catalogue(connection, tenant_id, moment)
    check_role(catalogue, question.role)
    principal = await _past_node(connection, tenant_id, principal_id, moment)
    if principal is None or not principal.active:
        return Explanation(principal)
    rows = await past_access.surroundings(connection, tenant_id, principal_id, moment)
    groups = {row["id"]: row["groups"] for row in rows}
    assigned = await past_access.assigned(
        connection, tenant_id, list(groups), catalogue.granting(question.role), moment
    )
    found, truncated = ways(principal_id, groups, assigned, question.limit)
    nodes = {principal_id: principal}
    for step in {step for way, _ in found for step in way} - {principal_id}:
        known = await _past_node(connection, tenant_id, step, moment)
        nodes[step] = known or Node(step, "Group", "", active=True)
    shown = [([nodes[step] for step in way], assignment) for way, assignment in found]
    return Explanation(principal, shown, truncated)


async def _past_node(
    connection: Connection, tenant_id: UUID, identifier: UUID, moment: datetime
) -> Node | None:
    found = await past_access.resource(connection, tenant_id, identifier, moment)
    return Node(identifier, *found) if found else None


def ways(
    start: UUID,
    groups: Mapping[UUID, Sequence[UUID]],
    assigned: Iterable[Assigned],
    limit: int,
) -> tuple[list[tuple[tuple[UUID, ...], Assigned]], bool]:
    """The ways from a principal to assignments, and whether there may be more."""
    ends: dict[UUID, list[Assigned]] = defaultdict(list)
    for assignment in assigned:
        ends[assignment.principal_id].append(assignment)
    found, truncated = paths(start, groups, ends.keys(), limit)
    expanded = [(way, assignment) for way in found for assignment in ends[way[-1]]]
    return expanded[:limit], truncated or len(expanded) > limit
