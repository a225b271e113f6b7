"""Who has which role and who belongs where, read from the database as it is: lists page by page,
and the part of the graph that explains a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.attributes import USER
from service.storage.access.graph import MAX_PRINCIPALS, TooMuchError
from service.storage.access.role_assignments import COUNTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    import asyncpg

    from service.domain.access.role_catalogue import RoleKey
    from service.storage.database import Connection

# What people know a principal by: users without a name at least have a userName.
_NAME: Final = "coalesce(nullif({0}.display, ''), {0}.unique_key, '') AS display"

_FIRST: Final = "00000000-0000-0000-0000-000000000000"

# Groups in groups, found from the side of the groups that are members: of the members of a large
# group only these are looked at.
_WITHIN: Final = """
nested AS MATERIALIZED (
    SELECT m.group_id, m.member_id
    FROM resources AS g
    JOIN members AS m ON m.tenant_id = $1 AND m.member_id = g.id
    WHERE g.tenant_id = $1 AND g.resource_type = 'Group'
),
within (id) AS (
    SELECT id FROM outer_groups
    UNION
    SELECT nested.member_id FROM within JOIN nested ON nested.group_id = within.id
)
"""

_SORT: Final = "($5::text [] IS NULL OR r.resource_type = ANY ($5::text []))"

# A page of the members of all of these groups: as many of each as the page can take at the most.
#
# Step by step, where most members meet the condition: one after the other until there are enough.
# What is behind OFFSET 0 is not merged with the members, for which all resources before the first
# member would be read. Compared as a row besides, group and member fit the primary key better than
# another index.
_STEP_BY_STEP: Final = """
SELECT found.id
FROM within CROSS JOIN LATERAL (
    SELECT m.member_id AS id
    FROM members AS m CROSS JOIN LATERAL (
        SELECT FROM resources AS r
        WHERE r.tenant_id = $1 AND r.id = m.member_id AND {condition}
        OFFSET 0
    ) AS meeting
    WHERE m.tenant_id = $1 AND m.group_id = within.id AND m.member_id > $3
    AND (m.group_id, m.member_id) > (within.id, $3)
    ORDER BY m.member_id LIMIT $4
) AS found
"""
# As the planner likes, where most do not: then it is quicker to merge them.
_AT_ONCE: Final = """
SELECT found.id
FROM within CROSS JOIN LATERAL (
    SELECT m.member_id AS id
    FROM members AS m JOIN resources AS r ON r.tenant_id = $1 AND r.id = m.member_id
    WHERE m.tenant_id = $1 AND m.group_id = within.id AND m.member_id > $3 AND {condition}
    ORDER BY m.member_id LIMIT $4
) AS found
"""

_TRANSITIVE_MEMBERS: Final = f"""
WITH RECURSIVE outer_groups (id) AS (SELECT $2::uuid),
{_WITHIN},
page AS (
    SELECT DISTINCT id FROM ({{members}}) AS found ORDER BY id LIMIT $4
)
SELECT p.id, p.resource_type, {_NAME.format("p")},
    EXISTS (
        SELECT FROM members AS m
        WHERE m.tenant_id = $1 AND m.group_id = $2 AND m.member_id = p.id
    ) AS direct
FROM page JOIN resources AS p ON p.tenant_id = $1 AND p.id = page.id
ORDER BY p.id
"""

_PRINCIPALS_WITH_ROLE: Final = f"""
WITH RECURSIVE roles AS (
    SELECT type_key, value_key FROM unnest($2::text [], $6::text []) AS r (type_key, value_key)
),
outer_groups (id) AS (
    SELECT g.id FROM resources AS g
    WHERE g.tenant_id = $1 AND g.resource_type = 'Group' AND EXISTS (
        SELECT FROM roles JOIN role_assignments AS a
            ON a.tenant_id = $1 AND a.principal_id = g.id
            AND a.type_key = roles.type_key AND a.value_key = roles.value_key
        WHERE {COUNTS}
    )
),
{_WITHIN},
direct AS MATERIALIZED (
    SELECT DISTINCT found.id
    FROM roles CROSS JOIN LATERAL (
        SELECT DISTINCT a.principal_id AS id
        FROM role_assignments AS a
        JOIN resources AS r ON r.tenant_id = $1 AND r.id = a.principal_id
        WHERE a.tenant_id = $1 AND a.type_key = roles.type_key
        AND a.value_key = roles.value_key AND a.principal_id > $3
        AND {COUNTS} AND r.active AND {_SORT}
        ORDER BY a.principal_id LIMIT $4
    ) AS found
    ORDER BY found.id LIMIT $4
),
page AS (
    SELECT id FROM direct
    UNION
    SELECT id FROM ({{members}}) AS members
    ORDER BY id LIMIT $4
)
SELECT p.id, p.resource_type, {_NAME.format("p")}, p.id IN (SELECT id FROM direct) AS direct
FROM page JOIN resources AS p ON p.tenant_id = $1 AND p.id = page.id
ORDER BY p.id
"""

_TRANSITIVE_GROUPS: Final = f"""
WITH RECURSIVE reach (id) AS (
    SELECT $2::uuid
    UNION
    SELECT m.group_id
    FROM reach JOIN members AS m ON m.tenant_id = $1 AND m.member_id = reach.id
),
page AS (SELECT id FROM reach WHERE id <> $2 AND id > $3 ORDER BY id LIMIT $4)
SELECT p.id, p.resource_type, {_NAME.format("p")},
    EXISTS (
        SELECT FROM members AS m
        WHERE m.tenant_id = $1 AND m.group_id = p.id AND m.member_id = $2
    ) AS direct
FROM page JOIN resources AS p ON p.tenant_id = $1 AND p.id = page.id
ORDER BY p.id
"""


@dataclass(frozen=True, slots=True)
class PageOf:
    """A page of a list in the order of ids: after which one, how many, and of which resource types;
    None are all."""

    after: UUID | None
    limit: int
    types: Collection[str] | None = None


def members_statement(group_id: UUID, page: PageOf) -> tuple[str, *tuple[object, ...]]:
    """The statement of `transitive_members`, and its parameters behind the tenant."""
    statement = _TRANSITIVE_MEMBERS.format(members=_members(page, f"r.id <> $2 AND {_SORT}"))
    return statement, group_id, *_parameters(page)


def principals_statement(
    granting: Collection[RoleKey], page: PageOf
) -> tuple[str, *tuple[object, ...]]:
    """The statement of `principals_with_role`, and its parameters behind the tenant."""
    statement = _PRINCIPALS_WITH_ROLE.format(members=_members(page, f"r.active AND {_SORT}"))
    types = [role.type for role in granting]
    values = [role.value for role in granting]
    return statement, types, *_parameters(page), values


async def transitive_members(
    connection: Connection, tenant_id: UUID, group_id: UUID, page: PageOf
) -> list[asyncpg.Record]:
    """Who belongs to a group at any depth, but not the group itself: id, resource_type, display,
    direct."""
    statement, *parameters = members_statement(group_id, page)
    return await connection.fetch(statement, tenant_id, *parameters)


async def principals_with_role(
    connection: Connection, tenant_id: UUID, granting: Collection[RoleKey], page: PageOf
) -> list[asyncpg.Record]:
    """Active principals that were given one of the roles, themselves or through groups: id,
    resource_type, display, direct."""
    statement, *parameters = principals_statement(granting, page)
    return await connection.fetch(statement, tenant_id, *parameters)


async def transitive_groups(
    connection: Connection, tenant_id: UUID, principal_id: UUID, page: PageOf
) -> list[asyncpg.Record]:
    """The groups of a principal at any depth, but not itself: id, resource_type, display,
    direct."""
    after, limit, _ = _parameters(page)
    return await connection.fetch(_TRANSITIVE_GROUPS, tenant_id, principal_id, after, limit)


def _members(page: PageOf, condition: str) -> str:
    """The statement of a page of members. Users are what there is most of."""
    takes_most = page.types is None or USER.name in page.types
    return (_STEP_BY_STEP if takes_most else _AT_ONCE).format(condition=condition)


def _parameters(page: PageOf) -> tuple[object, object, object]:
    return (
        page.after or _FIRST,
        page.limit,
        None if page.types is None else list(page.types),
    )


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assignment that counts, as explanations show it."""

    id: UUID
    principal_id: UUID
    type: str
    value: str
    source: str
    granted_by: str
    create_time: datetime
    expire_time: datetime | None


_SURROUNDINGS: Final = f"""
WITH RECURSIVE reach (id) AS (
    SELECT $2::uuid
    UNION
    SELECT m.group_id
    FROM reach JOIN members AS m ON m.tenant_id = $1 AND m.member_id = reach.id
)
SELECT r.id, r.resource_type, {_NAME.format("r")}, r.active,
    ARRAY(
        SELECT m.group_id FROM members AS m
        WHERE m.tenant_id = $1 AND m.member_id = r.id ORDER BY m.group_id
    ) AS groups
FROM (SELECT id FROM reach LIMIT {MAX_PRINCIPALS + 1}) AS near
JOIN resources AS r ON r.tenant_id = $1 AND r.id = near.id
"""

_ASSIGNED: Final = f"""
SELECT
    a.id, a.principal_id, a.role_type, a.value, a.source, a.granted_by, a.create_time, a.expire_time
FROM unnest($2::uuid []) AS wanted (id)
CROSS JOIN unnest($3::text [], $4::text []) AS role (type_key, value_key)
JOIN role_assignments AS a
    ON a.tenant_id = $1 AND a.principal_id = wanted.id
    AND a.type_key = role.type_key AND a.value_key = role.value_key
WHERE {COUNTS}
ORDER BY a.id
"""


async def surroundings(
    connection: Connection, tenant_id: UUID, principal_id: UUID
) -> list[asyncpg.Record]:
    """A principal and every group that it belongs to: id, resource_type, display, active, groups,
    the latter being the ids of those that it belongs to itself. Raises TooMuchError."""
    rows = await connection.fetch(_SURROUNDINGS, tenant_id, principal_id)
    if len(rows) > MAX_PRINCIPALS:
        raise TooMuchError
    return rows


async def assigned(
    connection: Connection, tenant_id: UUID, ids: Sequence[UUID], granting: Collection[RoleKey]
) -> list[Assigned]:
    """The assignments of these principals that give one of the roles, oldest first."""
    rows = await connection.fetch(
        _ASSIGNED,
        tenant_id,
        ids,
        [role.type for role in granting],
        [role.value for role in granting],
    )
    return [Assigned(*row) for row in rows]
