"""Pages of the members of a group: those that meet a condition, by id, from a position on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from service.storage.derived import set_origin
from service.storage.members import member_of
from service.storage.search.filter_sql import where_member
from service.storage.search.page_sql import bounds
from service.storage.search.search_sql import MEMBERS, RESOURCES

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from rollbook.v1.group_pb2 import GroupMember
    from service.domain.search.conditions import Condition
    from service.domain.search.page_token import Position
    from service.storage.database import Connection

_PERSON: Final = f"JOIN {RESOURCES} AS p ON p.tenant_id = m.tenant_id AND p.id = m.member_id"


@dataclass(frozen=True, slots=True)
class MemberSelection:
    """Which members of a group are listed."""

    tenant_id: UUID
    group_id: UUID
    condition: Condition | None = None

    def source(self, parameters: list[object]) -> str:
        """The FROM and WHERE of `members AS m`; what is compared with is appended."""
        parameters += (self.tenant_id, self.group_id)
        number = len(parameters)
        where = f"m.tenant_id = ${number - 1} AND m.group_id = ${number}"
        if self.condition is None:
            return f"{MEMBERS} AS m WHERE {where}"
        condition = where_member(self.condition, self.tenant_id, parameters)
        return f"{MEMBERS} AS m {_PERSON} WHERE {where} AND {condition}"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a page; ids alone make the order."""

    id: UUID
    member: GroupMember
    key: str | None = None


async def count(connection: Connection, selection: MemberSelection) -> int:
    """How many members there are in all."""
    parameters: list[object] = []
    source = selection.source(parameters)
    total: int = await connection.fetchval(f"SELECT count(*) FROM {source}", *parameters)
    return total


async def rows(
    connection: Connection,
    selection: MemberSelection,
    *,
    limit: int,
    skip: int = 0,
    position: Position | None = None,
) -> list[Member]:
    """At most `limit` members, beginning after a position and passing over `skip`.

    Before a position that looks backwards they come in reverse order. Names are looked up for
    the members of the page alone.
    """
    parameters: list[object] = []
    source = selection.source(parameters)
    one_plan = selection.condition is None
    size, offset = bounds(limit, skip, parameters, one_plan=one_plan)
    backwards = position is not None and position.backwards
    if position is not None:
        parameters.append(position.id)
        source += f" AND m.member_id {'<' if backwards else '>'} ${len(parameters)}"
    direction = "DESC" if backwards else "ASC"
    records = await connection.fetch(
        f"WITH page AS MATERIALIZED (SELECT m.member_id, m.origin, m.synced_time FROM {source} "
        f"ORDER BY m.member_id {direction} LIMIT {size} OFFSET {offset}) "
        "SELECT p.id, p.resource_type, p.display, page.origin, page.synced_time "
        "FROM page JOIN resources AS p ON p.tenant_id = $1 AND p.id = page.member_id "
        f"ORDER BY p.id {direction}",
        *parameters,
    )
    return [Member(record["id"], _member(record)) for record in records]


def _member(record: asyncpg.Record) -> GroupMember:
    member = member_of(record)
    set_origin(member, record["origin"], record["synced_time"])
    return member
