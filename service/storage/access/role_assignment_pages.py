"""Assignments of roles as clients see them, one by one and in pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from rollbook.v1.role_pb2 import RoleAssignment

if TYPE_CHECKING:
    import asyncpg

    from service.storage.database import Connection

_COLUMNS: Final = """
a.id, a.principal_id, a.role_type, a.value, a.value_key, a.display, a.is_primary, a.source,
a.granted_by, a.create_time, a.expire_time, a.pending, r.resource_type
"""

_TABLES: Final = """
role_assignments AS a JOIN resources AS r ON r.tenant_id = $1 AND r.id = a.principal_id
"""

_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which assignments a list holds: those that meet every condition that is not None. A source
    that ends in a colon is the beginning of sources."""

    principal_id: UUID | None = None
    type_key: str | None = None
    value_key: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: behind the assignment of this id. One of a type is in the order of
    values and of principals, so that an index serves it."""

    value_key: str = ""
    principal_id: UUID = _NOBODY
    id: UUID = _NOBODY


def place_of(row: asyncpg.Record) -> Place:
    """The place of an assignment."""
    return Place(row["value_key"], row["principal_id"], row["id"])


def message_of(row: asyncpg.Record) -> RoleAssignment:
    """The assignment of a row of this module, as clients see it."""
    message = RoleAssignment(
        id=str(row["id"]),
        principal_id=str(row["principal_id"]),
        principal_type=row["resource_type"],
        type=row["role_type"],
        value=row["value"],
        display=row["display"] or "",
        primary=bool(row["is_primary"]),
        source=row["source"],
        granted_by=row["granted_by"],
        pending=row["pending"],
    )
    message.create_time.FromDatetime(row["create_time"])
    if row["expire_time"] is not None:
        message.expire_time.FromDatetime(row["expire_time"])
    return message


async def get(connection: Connection, tenant_id: UUID, identifier: UUID) -> asyncpg.Record | None:
    """The assignment of an id."""
    return await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE a.tenant_id = $1 AND a.id = $2",
        tenant_id,
        identifier,
    )


async def page(
    connection: Connection, tenant_id: UUID, conditions: Conditions, after: Place, limit: int
) -> list[asyncpg.Record]:
    """Assignments that have not expired, beginning behind a place."""
    # A type can have a million: they are read as the index has them. Of one principal there are
    # few, and what is left is read by id.
    by_role = conditions.type_key is not None and conditions.principal_id is None
    key = "(a.value_key, a.principal_id, a.id)" if by_role else "(a.id)"
    place: tuple[object, ...] = (
        (after.value_key, after.principal_id, after.id) if by_role else (after.id,)
    )
    arguments: list[object] = [tenant_id, limit, *place]
    marks = ", ".join(f"${number}" for number in range(3, 3 + len(place)))
    terms = ["a.tenant_id = $1", f"{key} > ({marks})", _UNEXPIRED]
    for text, value in _terms(conditions):
        arguments.append(value)
        terms.append(f"{text} ${len(arguments)}")
    return await connection.fetch(
        f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {' AND '.join(terms)} "
        f"ORDER BY {key.strip('()')} LIMIT $2",
        *arguments,
    )


_UNEXPIRED: Final = "(a.expire_time IS NULL OR a.expire_time > now())"


def _terms(conditions: Conditions) -> list[tuple[str, object]]:
    source = conditions.source
    is_beginning = source is not None and source.endswith(":")
    terms = [
        ("a.principal_id =", conditions.principal_id),
        ("a.type_key =", conditions.type_key),
        ("a.value_key =", conditions.value_key),
        ("a.source =", None if is_beginning else source),
        ("a.source >=", source if is_beginning else None),
        # A semicolon is what follows a colon.
        ("a.source <", f"{source[:-1]};" if is_beginning and source is not None else None),
    ]
    return [(text, value) for text, value in terms if value is not None]
