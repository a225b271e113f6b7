"""Who belongs to which group: one row each, changed as sets.

No statement here reads the members it does not change, so a group may have any size. Those that
take many ids are written so that every plan looks each of them up once: a plan that was made while
the tables were empty, and joined them by trying all pairs, would live on for some seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

from rollbook.v1.group_pb2 import GroupMember
from service.domain.access.roles import SCIM
from service.domain.errors import ambiguous_target, no_target
from service.domain.membership import Add, Remove, RemoveMatching, Replace, Step, unknown_member
from service.domain.search import filters
from service.storage.database import RetryableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from service.storage.database import Connection


class MemberChanges:
    """What several steps did to the members of a group, on balance."""

    def __init__(self) -> None:
        self.added: set[UUID] = set()
        self.removed: set[UUID] = set()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)

    def add(self, ids: Iterable[UUID]) -> None:
        """These have become members; one that was removed before is as it was."""
        for identifier in ids:
            if identifier in self.removed:
                self.removed.discard(identifier)
            else:
                self.added.add(identifier)

    def remove(self, ids: Iterable[UUID]) -> None:
        """These are members no more; one that was added before is as it was."""
        for identifier in ids:
            if identifier in self.added:
                self.added.discard(identifier)
            else:
                self.removed.add(identifier)


async def apply(
    connection: Connection, tenant_id: UUID, group_id: UUID, steps: Iterable[Step], origin: str
) -> MemberChanges:
    """Run the steps in order. The caller has locked the group. Memberships that are made have the
    origin; a connection takes over those that it finds made.

    Raises INVALID_VALUE when someone to be added does not exist, NO_TARGET when a removal that
    requires its target removes nobody, INVALID_FILTER when one that may remove one member would
    remove several.
    """
    changes = MemberChanges()
    for step in steps:
        match step:
            case Add(ids):
                changes.add(await _add(connection, tenant_id, group_id, ids, origin))
            case Remove(ids):
                removed = await _remove(connection, tenant_id, group_id, ids)
                _check_number(removed, step)
                changes.remove(removed)
            case Replace(ids):
                changes.remove(await _remove_others(connection, tenant_id, group_id, ids))
                changes.add(await _add(connection, tenant_id, group_id, ids, origin))
            case RemoveMatching(condition):
                ids = await _matching(connection, tenant_id, group_id, condition)
                _check_number(ids, step)
                changes.remove(await _remove(connection, tenant_id, group_id, ids))
    return changes


def _check_number(removed: Sequence[UUID], step: Remove | RemoveMatching) -> None:
    if step.required and not removed:
        raise no_target("members")
    if step.single and len(removed) > 1:
        raise ambiguous_target("members", len(removed))


async def _add(
    connection: Connection, tenant_id: UUID, group_id: UUID, ids: Sequence[UUID], origin: str
) -> list[UUID]:
    if not ids:
        return []
    try:
        return await _add_known(connection, tenant_id, group_id, ids, origin)
    except asyncpg.ForeignKeyViolationError as error:
        # Someone was deleted after being looked up; the next attempt says who.
        raise RetryableError from error


_TAKE_OVER: Final = """
        taken_over AS (
            UPDATE members AS m SET origin = $4, synced_time = now()
            FROM known
            WHERE m.tenant_id = $1 AND m.group_id = $2 AND m.member_id = known.id
            AND m.origin <> $4
        ),
"""


async def _add_known(
    connection: Connection, tenant_id: UUID, group_id: UUID, ids: Sequence[UUID], origin: str
) -> list[UUID]:
    is_synced = origin.startswith(SCIM)
    row = await connection.fetchrow(
        f"""
        WITH wanted AS (SELECT unnest($3::uuid []) AS id),
        known AS (
            SELECT w.id FROM wanted AS w CROSS JOIN LATERAL (
                SELECT FROM resources AS r WHERE r.tenant_id = $1 AND r.id = w.id LIMIT 1
            ) AS r
        ),
        {_TAKE_OVER if is_synced else ""}
        added AS (
            INSERT INTO members (tenant_id, group_id, member_id, origin, synced_time)
            SELECT $1, $2, id, $4, CASE WHEN $5 THEN now() END FROM known
            ON CONFLICT DO NOTHING
            RETURNING member_id
        )
        SELECT
            (SELECT array_agg(member_id) FROM added) AS added,
            (SELECT w.id FROM wanted AS w WHERE w.id NOT IN (SELECT id FROM known) LIMIT 1)
            AS unknown
        """,
        tenant_id,
        group_id,
        ids,
        origin,
        is_synced,
    )
    assert row is not None
    if row["unknown"] is not None:
        raise unknown_member(row["unknown"])
    return list(row["added"] or ())


async def _remove(
    connection: Connection, tenant_id: UUID, group_id: UUID, ids: Sequence[UUID]
) -> list[UUID]:
    rows = await connection.fetch(
        """
        DELETE FROM members
        WHERE tenant_id = $1 AND group_id = $2 AND member_id = ANY ($3::uuid [])
        RETURNING member_id
        """,
        tenant_id,
        group_id,
        ids,
    )
    return _ids(rows)


async def _remove_others(
    connection: Connection, tenant_id: UUID, group_id: UUID, ids: Sequence[UUID]
) -> list[UUID]:
    rows = await connection.fetch(
        """
        DELETE FROM members AS m
        WHERE m.tenant_id = $1 AND m.group_id = $2
        AND m.member_id NOT IN (SELECT unnest($3::uuid []))
        RETURNING m.member_id
        """,
        tenant_id,
        group_id,
        ids,
    )
    return _ids(rows)


async def _matching(
    connection: Connection, tenant_id: UUID, group_id: UUID, condition: filters.Condition
) -> list[UUID]:
    """Members that meet a condition on more than their id. Rare, so they are all looked at."""
    rows = await connection.fetch(
        """
        SELECT p.id, p.resource_type, p.display
        FROM members AS m JOIN resources AS p ON p.tenant_id = $1 AND p.id = m.member_id
        WHERE m.tenant_id = $1 AND m.group_id = $2
        """,
        tenant_id,
        group_id,
    )
    return [row["id"] for row in rows if filters.matches(condition, member_of(row))]


def _ids(rows: Iterable[asyncpg.Record]) -> list[UUID]:
    return [row["member_id"] for row in rows]


def member_of(row: asyncpg.Record) -> GroupMember:
    """The member that a row with id, resource_type and display tells of."""
    display = row["display"] or None
    return GroupMember(value=str(row["id"]), type=row["resource_type"], display=display)


async def page_of_groups(
    connection: Connection, tenant_id: UUID, member_id: UUID, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Groups that someone belongs to itself, by id, beginning after one of them: rows of id,
    display, and the origin and synced_time of the membership."""
    return await connection.fetch(
        f"""
        SELECT g.id, g.display, m.origin, m.synced_time
        FROM members AS m JOIN resources AS g ON g.tenant_id = $1 AND g.id = m.group_id
        WHERE m.tenant_id = $1 AND m.member_id = $2
        AND m.group_id > coalesce($3, '00000000-0000-0000-0000-000000000000'::uuid)
        ORDER BY m.group_id LIMIT {limit}
        """,
        tenant_id,
        member_id,
        after,
    )
