"""Who belonged where and who had been given what at a past moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollbook.attributes import RESOURCE_TYPES
from rollbook.v1.role_pb2 import RoleCatalogue
from service.domain.access.role_catalogue import FREE_FORM, Catalogue
from service.storage.access.graph import MAX_PRINCIPALS, TooMuchError
from service.storage.access.lists import Assigned
from service.storage.resources import display_of, is_active

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from typing import Any
    from uuid import UUID

    import asyncpg

    from service.domain.access.role_catalogue import RoleKey
    from service.storage.database import Connection

_MESSAGES: Final = {kind.name: kind.message for kind in RESOURCE_TYPES}

# The groups of `reach.id` at the moment $3.
_GROUPS: Final = """
SELECT m.group_id FROM members AS m
WHERE m.tenant_id = $1 AND m.member_id = reach.id AND m.create_time <= $3
UNION ALL
SELECT p.group_id FROM past_members AS p
WHERE p.tenant_id = $1 AND p.member_id = reach.id AND p.end_time > $3 AND p.create_time <= $3
"""

_REACH: Final = f"""
WITH RECURSIVE reach (id) AS (
    SELECT $2::uuid
    UNION
    SELECT step.group_id FROM reach CROSS JOIN LATERAL ({_GROUPS}) AS step
)
SELECT reach.id, ARRAY(SELECT g.group_id FROM ({_GROUPS}) AS g ORDER BY g.group_id) AS groups
FROM reach LIMIT {MAX_PRINCIPALS + 1}
"""

_ASSIGNED: Final = """
SELECT
    a.id, a.principal_id, a.role_type, a.value, a.source, a.granted_by, a.create_time, a.expire_time
FROM unnest($2::uuid []) AS wanted (id)
CROSS JOIN unnest($3::text [], $4::text []) AS role (type_key, value_key)
CROSS JOIN LATERAL (
    SELECT
        r.id, r.principal_id, r.role_type, r.value, r.source, r.granted_by, r.create_time,
        r.expire_time, r.pending
    FROM role_assignments AS r
    WHERE r.tenant_id = $1 AND r.principal_id = wanted.id AND r.type_key = role.type_key
    AND r.value_key = role.value_key AND r.since_time <= $5
    UNION ALL
    SELECT
        p.id, p.principal_id, p.role_type, p.value, p.source, p.granted_by, p.create_time,
        p.expire_time, p.pending
    FROM past_role_assignments AS p
    WHERE p.tenant_id = $1 AND p.principal_id = wanted.id AND p.type_key = role.type_key
    AND p.value_key = role.value_key AND p.end_time > $5 AND p.since_time <= $5
) AS a
WHERE NOT a.pending AND (a.expire_time IS NULL OR a.expire_time > $5)
ORDER BY a.id
"""

_CHANGE: Final = """
SELECT c.resource_type, c.message FROM changes AS c
WHERE c.tenant_id = $1 AND c.resource_id = $2 AND c.change_time <= $3
ORDER BY c.change_time DESC, c.revision DESC LIMIT 1
"""


async def surroundings(
    connection: Connection, tenant_id: UUID, principal_id: UUID, moment: datetime
) -> list[asyncpg.Record]:
    """A principal and every group that it belonged to: id, groups, the latter being the ids of
    those that it belonged to itself. Raises TooMuchError."""
    rows = await connection.fetch(_REACH, tenant_id, principal_id, moment)
    if len(rows) > MAX_PRINCIPALS:
        raise TooMuchError
    return rows


async def assigned(
    connection: Connection,
    tenant_id: UUID,
    ids: Sequence[UUID],
    granting: Collection[RoleKey],
    moment: datetime,
) -> list[Assigned]:
    """The assignments of these principals that gave one of the roles, oldest first."""
    rows = await connection.fetch(
        _ASSIGNED,
        tenant_id,
        ids,
        [role.type for role in granting],
        [role.value for role in granting],
        moment,
    )
    return [Assigned(*row) for row in rows]


async def resource(
    connection: Connection, tenant_id: UUID, identifier: UUID, moment: datetime
) -> tuple[str, str, bool] | None:
    """Resource type, name and activity as `changes` tells them; None when there was no such
    resource."""
    row = await connection.fetchrow(_CHANGE, tenant_id, identifier, moment)
    if row is None or row["message"] is None or row["resource_type"] not in _MESSAGES:
        return None
    message: Any = _MESSAGES[row["resource_type"]].FromString(row["message"])
    name = display_of(message) or getattr(message, "user_name", "")
    return row["resource_type"], name, is_active(message)


async def catalogue(connection: Connection, tenant_id: UUID, moment: datetime) -> Catalogue:
    """The role catalogue as it was."""
    identifier = await connection.fetchval(
        "SELECT id FROM role_catalogues WHERE tenant_id = $1", tenant_id
    )
    row = identifier and await connection.fetchrow(_CHANGE, tenant_id, identifier, moment)
    if not row or row["message"] is None:
        return FREE_FORM
    return Catalogue(RoleCatalogue.FromString(row["message"]))
