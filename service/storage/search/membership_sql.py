"""Conditions on the members of a group and on the groups of a principal as SQL.

Members are rows of `members`, a group's are its direct ones; a principal is in a group itself or
through other groups (`type` is then `indirect`), as `service.storage.derived` shows it. A
condition on one of them is on the row `p` of that member or group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollbook.attributes import GROUP
from rollbook.v1.user_pb2 import GroupMembership
from service.domain.search.conditions import FALSE, TRUE, Condition, Constant, leaves, with_leaves
from service.domain.search.matching import matches
from service.storage.search.search_sql import MEMBERS, RESOURCES, Kind, Value, display, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.domain.search.conditions import Leaf

    Write = Callable[[Condition, Mapping[str, Value]], str]

_NAME: Final = Value(display("p"), Kind.TEXT)

MEMBER: Final = {
    "value": Value("m.member_id", Kind.UUID, nullable=False),
    "type": Value("lower(p.resource_type)", Kind.TEXT, nullable=False),
    "display": _NAME,
}
"""The values of a member, over `members AS m` and its resource `p`."""

_GROUP: Final = {"value": Value("p.id", Kind.UUID, nullable=False), "display": _NAME}

_GROUP_TYPE: Final = literal(GROUP.name)


def has_member(condition: Condition, write: Write) -> str:
    """True when the group `r` has a member that meets the condition."""
    by_id_alone = all(
        isinstance(leaf, Constant) or leaf.path.names == ("value",) for leaf in leaves(condition)
    )
    person = f"JOIN {RESOURCES} AS p ON p.tenant_id = m.tenant_id AND p.id = m.member_id"
    return (
        f"EXISTS (SELECT FROM {MEMBERS} AS m {'' if by_id_alone else person}"
        " WHERE m.tenant_id = r.tenant_id AND m.group_id = r.id"
        f" AND {write(condition, MEMBER)})"
    )


def is_in_group(condition: Condition, write: Write, tenant_parameter: Callable[[], str]) -> str:
    """True when the principal `r` is in a group that meets the condition.

    The groups are found first, since they do not depend on the principal.
    """
    direct = _of_membership(condition, GroupMembership(type="direct"))
    indirect = _of_membership(condition, GroupMembership(type="indirect"))
    if direct == indirect == TRUE:
        return _is_member("TRUE")
    tenant = tenant_parameter()
    if direct == indirect:
        below = _below(_groups(write(direct, _GROUP), tenant), tenant)
        return _is_member(f"m.group_id = ANY (ARRAY ({below} SELECT id FROM below))")
    parts = []
    if direct != FALSE:
        groups = _groups(write(direct, _GROUP), tenant)
        parts.append(_is_member(f"m.group_id IN (SELECT p.id {groups})"))
    if indirect != FALSE:
        parts.append(_is_far_below(_groups(write(indirect, _GROUP), tenant), tenant))
    return f"({' OR '.join(parts)})"


def _of_membership(condition: Condition, membership: GroupMembership) -> Condition:
    """What is left of a condition when the `type` of the membership is known."""

    def known(leaf: Leaf) -> Condition:
        if isinstance(leaf, Constant) or leaf.path.names != ("type",):
            return leaf
        return Constant(matches(leaf, membership))

    return with_leaves(condition, known)


def _groups(condition: str, tenant: str) -> str:
    return (
        f"FROM {RESOURCES} AS p WHERE p.tenant_id = {tenant}"
        f" AND p.resource_type = {_GROUP_TYPE} AND {condition}"
    )


def _is_member(condition: str) -> str:
    return (
        f"EXISTS (SELECT FROM {MEMBERS} AS m WHERE m.tenant_id = r.tenant_id"
        f" AND m.member_id = r.id AND {condition})"
    )


def _below(groups: str, tenant: str, *, root: str = "", start: str = "") -> str:
    """The groups and those within them; `root` and `start` are further columns to carry along.

    UNION drops what was met before, so a cycle of groups ends.
    """
    return (
        f"WITH RECURSIVE below AS (SELECT {start} p.id {groups}"
        f" UNION SELECT {root} m.member_id FROM below"
        f" JOIN {MEMBERS} AS m ON m.tenant_id = {tenant} AND m.group_id = below.id"
        f" JOIN {RESOURCES} AS p ON p.tenant_id = {tenant} AND p.id = m.member_id"
        f" AND p.resource_type = {_GROUP_TYPE})"
    )


def _is_far_below(groups: str, tenant: str) -> str:
    """True when the principal `r` is in one of the groups, but only through others."""
    below = _below(groups, tenant, root="below.root,", start="p.id AS root,")
    return (
        f"r.id IN ({below} SELECT m.member_id FROM below"
        f" JOIN {MEMBERS} AS m ON m.tenant_id = {tenant} AND m.group_id = below.id"
        f" WHERE below.id <> below.root AND NOT EXISTS (SELECT FROM {MEMBERS} AS d"
        f" WHERE d.tenant_id = {tenant} AND d.group_id = below.root"
        " AND d.member_id = m.member_id))"
    )
