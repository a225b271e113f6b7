"""What a resource shows but does not store: meta, the groups that it is in, who answers for it, a
group's members.

It is read along with the row, and put behind the stored bytes as a second fragment of the same
message: protobuf merges fragments, so the stored one is handed on without being parsed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from rollbook.attributes import RESOURCE_TYPES, SERVICE_ACCOUNT, USER
from rollbook.v1.role_pb2 import RoleCatalogue
from service.domain import etag
from service.domain.access.graph import NEVER, Given, Principal, RolesPage, effective_roles
from service.domain.access.role_catalogue import FREE_FORM, Catalogue
from service.storage.access.graph import given_of
from service.storage.access.role_assignments import COUNTS

if TYPE_CHECKING:
    import asyncpg

    from rollbook.attributes import ResourceType

# A principal is shown every group it belongs to, itself or through other groups. UNION drops what
# was met before, so a cycle of groups ends.
_GROUPS: Final = """
LEFT JOIN LATERAL (
    WITH RECURSIVE above (group_id, direct) AS (
        SELECT group_id, true FROM members WHERE tenant_id = $1 AND member_id = r.id
        UNION
        SELECT m.group_id, false
        FROM above JOIN members AS m ON m.tenant_id = $1 AND m.member_id = above.group_id
    )
    SELECT
        array_agg(g.id ORDER BY a.group_id) AS group_ids,
        array_agg(g.display ORDER BY a.group_id) AS group_names,
        array_agg(a.direct ORDER BY a.group_id) AS group_direct
    FROM (SELECT group_id, bool_or(direct) AS direct FROM above GROUP BY group_id) AS a
    JOIN resources AS g ON g.tenant_id = $1 AND g.id = a.group_id
) AS groups ON true
"""

_MANAGER: Final = """
LEFT JOIN resources AS manager ON manager.tenant_id = $1 AND manager.id = r.manager_id
"""

# An origin names a connection by its id: `scim:` and 36 letters.
_ORIGIN: Final = """
LEFT JOIN connections AS c ON c.tenant_id = $1
AND c.id = CASE WHEN starts_with(r.origin, 'scim:') THEN substr(r.origin, 6)::uuid END
"""

_MEMBER_ORIGINS: Final = """,
        array_agg(m.origin ORDER BY m.member_id) AS member_origins,
        array_agg(m.synced_time ORDER BY m.member_id) AS member_synced_times
"""

# LIMIT keeps the planner from another order: members are looked up one by one, also by a plan that
# was made while there was nobody, and would have tried all members with all principals.
_MEMBERS: Final = """
LEFT JOIN LATERAL (
    SELECT
        array_agg(m.member_id ORDER BY m.member_id) AS member_ids,
        array_agg(p.display ORDER BY m.member_id) AS member_names,
        array_agg(p.resource_type ORDER BY m.member_id) AS member_types
        {origins}
    FROM members AS m CROSS JOIN LATERAL (
        SELECT p.display, p.resource_type FROM resources AS p
        WHERE p.tenant_id = $1 AND p.id = m.member_id LIMIT 1
    ) AS p
    WHERE m.tenant_id = $1 AND m.group_id = r.id
) AS members ON true
"""


MAX_ROLES: Final = 1_000
"""How many roles a resource shows of those that somebody has in the end."""

# What an active principal and its groups were given, some of it where it is too much to show.
_GIVEN: Final = f"""
LEFT JOIN LATERAL (
    WITH RECURSIVE holder (id) AS (
        SELECT r.id
        UNION
        SELECT m.group_id
        FROM holder JOIN members AS m ON m.tenant_id = $1 AND m.member_id = holder.id
    )
    SELECT jsonb_agg(shown.assignment)::text AS given_roles
    FROM (
        SELECT jsonb_build_array(
            a.principal_id = r.id, a.type_key, a.value_key, extract(epoch FROM a.expire_time),
            a.role_type, a.value, a.display
        ) AS assignment
        FROM holder
        JOIN role_assignments AS a ON a.tenant_id = $1 AND a.principal_id = holder.id
        WHERE r.active AND {COUNTS}
        LIMIT {MAX_ROLES + 1}
    ) AS shown
) AS given ON true
"""

_CATALOGUE: Final = """(
    SELECT c.catalogue FROM role_catalogues AS c WHERE c.tenant_id = $1
) AS catalogue"""


@dataclass(frozen=True, slots=True)
class View:
    """Which derived parts a caller wants. What is not wanted is not read.

    `manager` is who answers for a resource: also the owner of a service account. `origin` is that
    of the resource and of members.
    """

    groups: bool = True
    manager: bool = True
    members: bool = True
    origin: bool = True
    # Never without being asked for.
    access: bool = False

    def columns(self, resource_type: ResourceType) -> str:
        """The select list, over the alias `r`."""
        columns = "r.id, r.version, r.create_time, r.update_time, r.message"
        if self.groups and _has(resource_type, "groups"):
            columns += ", group_ids, group_names, group_direct"
        if self.manager and resource_type.name in _ANSWERED_FOR:
            columns += ", manager.display AS manager_name, manager.active AS manager_active"
        if self.members and _has(resource_type, "members"):
            columns += ", member_ids, member_names, member_types"
            columns += ", member_origins, member_synced_times" if self.origin else ""
        if self.access and _has_access(resource_type):
            columns += f", given_roles, {_CATALOGUE}"
        if self.origin:
            columns += ", r.origin, r.synced_time"
            columns += ", c.name AS connection_name, c.enabled AS connection_enabled"
        return columns

    def joins(self, resource_type: ResourceType) -> str:
        """The joins that gather the derived parts; $1 is the tenant."""
        joins = ""
        if self.groups and _has(resource_type, "groups"):
            joins += _GROUPS
        if self.manager and resource_type.name in _ANSWERED_FOR:
            joins += _MANAGER
        if self.members and _has(resource_type, "members"):
            joins += _MEMBERS.format(origins=_MEMBER_ORIGINS if self.origin else "")
        if self.access and _has_access(resource_type):
            joins += _GIVEN
        if self.origin:
            joins += _ORIGIN
        return joins


BARE: Final = View(groups=False, manager=False, members=False, origin=False)
"""The stored resource and its meta alone."""


_ANSWERED_FOR: Final = frozenset({USER.name, SERVICE_ACCOUNT.name})
"""The types whose resources a user answers for."""

_FRAGMENTS: Final[dict[str, Any]] = {kind.name: kind.message for kind in RESOURCE_TYPES}


def _has_access(resource_type: ResourceType) -> bool:
    return resource_type.name in _ANSWERED_FOR


def _has(resource_type: ResourceType, name: str) -> bool:
    return resource_type.schema.attribute(name) is not None


def wire_form(record: asyncpg.Record, resource_type: ResourceType, view: View) -> bytes:
    """A complete resource as protobuf bytes, from a row selected with the same view."""
    # Of the contract's classes, whatever extends the type: nothing derived is in an extension.
    fragment = _FRAGMENTS[resource_type.name]()
    meta = fragment.meta
    meta.resource_type = resource_type.name
    meta.create_time.FromDatetime(record["create_time"])
    meta.update_time.FromDatetime(record["update_time"])
    meta.etag = etag.of_version(record["version"])
    if view.groups and _has(resource_type, "groups"):
        _add_groups(fragment, record)
    if view.manager and resource_type.name == USER.name:
        _add_manager(fragment, record)
    if view.manager and resource_type.name == SERVICE_ACCOUNT.name:
        _add_owner(fragment, record)
    if view.members and _has(resource_type, "members"):
        _add_members(fragment, record)
        if view.origin:
            _add_member_origins(fragment, record)
    if view.access and _has_access(resource_type):
        _add_access(fragment, record)
    if view.origin:
        _add_origin(fragment.origin, record)
    stored: bytes = record["message"]
    return stored + cast("bytes", fragment.SerializeToString())


def _add_groups(fragment: Any, record: asyncpg.Record) -> None:
    for group, name, direct in zip(
        record["group_ids"] or (),
        record["group_names"] or (),
        record["group_direct"] or (),
        strict=True,
    ):
        fragment.groups.add(value=str(group), display=name, type="direct" if direct else "indirect")


def _add_manager(fragment: Any, record: asyncpg.Record) -> None:
    if name := record["manager_name"]:
        fragment.enterprise.manager.display_name = name


def _add_owner(fragment: Any, record: asyncpg.Record) -> None:
    if name := record["manager_name"]:
        fragment.owner.display = name
    if record["manager_active"] is not None:
        fragment.owner.active = record["manager_active"]


def _add_access(fragment: Any, record: asyncpg.Record) -> None:
    held: tuple[list[Given], list[Given]] = ([], [])
    for own, *given in orjson.loads(record["given_roles"] or "[]"):
        held[0 if own else 1].append(given_of(*given))
    nodes = [Principal(record["id"], "", True, (), tuple(each)) for each in held]  # noqa: FBT003
    catalogue, page = _catalogue(record["catalogue"]), RolesPage(MAX_ROLES + 1)
    roles = effective_roles(nodes, catalogue, time.time(), page)
    if sum(map(len, held)) > MAX_ROLES or len(roles) > MAX_ROLES:
        fragment.access.truncated = True
    for role in roles[:MAX_ROLES]:
        shown = fragment.access.effective_roles.add(
            type=role.type or None,
            value=role.value,
            display=role.display or None,
            direct=role.direct,
            implied=role.implied,
        )
        if role.until != NEVER:
            shown.expire_time.FromDatetime(datetime.fromtimestamp(role.until, UTC))


@lru_cache(maxsize=64)
def _catalogue(stored: bytes | None) -> Catalogue:
    return FREE_FORM if stored is None else Catalogue(RoleCatalogue.FromString(stored))


def _add_members(fragment: Any, record: asyncpg.Record) -> None:
    for member, name, kind in zip(
        record["member_ids"] or (),
        record["member_names"] or (),
        record["member_types"] or (),
        strict=True,
    ):
        fragment.members.add(value=str(member), display=name or None, type=kind)


def _add_member_origins(fragment: Any, record: asyncpg.Record) -> None:
    for member, origin, synced_time in zip(
        fragment.members,
        record["member_origins"] or (),
        record["member_synced_times"] or (),
        strict=True,
    ):
        set_origin(member, origin, synced_time)


def set_origin(membership: Any, origin: str, synced_time: datetime | None) -> None:
    """Who manages a membership and, if it is a connection, since when."""
    membership.origin = origin
    if synced_time is not None:
        membership.synced_time.FromDatetime(synced_time)


def _add_origin(origin: Any, record: asyncpg.Record) -> None:
    set_origin(origin, record["origin"], record["synced_time"])
    if record["connection_name"] is not None:
        origin.connection_name = record["connection_name"]
    origin.synced = bool(record["connection_enabled"])
