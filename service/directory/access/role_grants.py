"""Granting and revoking single roles.

Functions run inside the caller's transaction; the principal's message shows the change and a row
in `changes` records it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from rollbook.attributes import USER
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory import writing
from service.directory.access import role_writes
from service.directory.changing import changed
from service.directory.reading import not_found
from service.directory.writing import Writer
from service.domain.access.roles import Role, RoleChanges, roles_of, show, union
from service.domain.errors import DomainError, invalid_value
from service.domain.membership import parse_id
from service.domain.search import comparison
from service.storage import resources
from service.storage.access import role_assignments
from service.storage.derived import BARE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Any
    from uuid import UUID

    from rollbook.schema_sets import SchemaSet
    from service.domain.access.role_catalogue import RoleKey
    from service.domain.access.roles import Assignment
    from service.storage.changes import Author
    from service.storage.database import Connection
    from service.storage.resources import Stored


class Grant(NamedTuple):
    """A role that somebody is to have, without end when `expire_time` is None."""

    principal_id: UUID
    role: Role
    expire_time: datetime | None


async def grant(connection: Connection, author: Author, schemas: SchemaSet, wanted: Grant) -> UUID:
    """Give a role by the author's source. Returns the id of the assignment. Raises
    USER_NOT_FOUND, INVALID_VALUE."""
    if not wanted.role.value.strip():
        raise invalid_value("value", "value is required: say which role.")
    writer = await _writer(connection, author, schemas, wanted.principal_id)
    stored = await writing.lock(writer, wanted.principal_id, "")
    writes = await role_writes.read(connection, author, [stored.id], [wanted.role.type])
    # Whatever others say: this is said on purpose.
    write = replace(writes.of(author, stored.id), repeats=True)
    role, _ = write.rules.canonical(wanted.role)
    before, after = roles_of(stored.message), comparison.copy_of(stored.message)
    kept = [_beside(role, own) for own in write.own(before) if own.key != role.key]
    show(after, [*kept, role])
    changes = write.settle(after, before, additive=True)
    changes, identifier = _until(changes, write.held, role.key, author.source, wanted.expire_time)
    await _save(writer, stored, after, changes)
    return identifier


def _beside(granted: Role, own: Role) -> Role:
    """One role of a source is primary, the one granted last."""
    return own._replace(primary=False) if granted.primary and own.primary else own


def _until(
    changes: RoleChanges,
    held: Sequence[Assignment],
    key: RoleKey,
    source: str,
    expire_time: datetime | None,
) -> tuple[RoleChanges, UUID]:
    """The changes, with the expiry of the role that was granted, and the id of its assignment."""

    def until(assignments: Sequence[Assignment]) -> list[Assignment]:
        return [
            replace(each, expire_time=expire_time) if each.key == key else each
            for each in assignments
        ]

    for assignment in (*changes.added, *changes.altered):
        if assignment.key == key:
            new = replace(changes, added=until(changes.added), altered=until(changes.altered))
            return new, assignment.id
    own = next(each for each in held if each.key == key and each.source == source)
    if own.expire_time == expire_time:
        return changes, own.id
    altered = [*changes.altered, replace(own, expire_time=expire_time)]
    return replace(changes, altered=altered), own.id


async def revoke(connection: Connection, author: Author, schemas: SchemaSet, text: str) -> None:
    """Take away the role whose assignment has this id. Raises ROLE_ASSIGNMENT_NOT_FOUND."""
    identifier = parse_id(text)
    principal_id = identifier and await role_assignments.principal_of(
        connection, author.tenant_id, identifier
    )
    if principal_id is None:
        raise _unknown(text)
    if not await _remove(
        connection, author, schemas, principal_id, lambda each: each.id == identifier
    ):
        raise _unknown(text)


async def revoke_role(
    connection: Connection,
    author: Author,
    schemas: SchemaSet,
    principal_id: UUID,
    role: Role,
) -> None:
    """Take away the role that the author's source has given. Raises
    ROLE_ASSIGNMENT_NOT_FOUND."""
    key, source = role.key, author.source
    if not await _remove(
        connection,
        author,
        schemas,
        principal_id,
        lambda each: each.key == key and each.source == source,
    ):
        raise _unknown(f"{source} {role.type} {role.value} of {principal_id}")


async def _remove(
    connection: Connection,
    author: Author,
    schemas: SchemaSet,
    principal_id: UUID,
    is_meant: Callable[[Assignment], bool],
) -> bool:
    """Remove assignments, and those that have expired. Returns whether any was meant."""
    kind_name = await resources.type_of(connection, author.tenant_id, principal_id)
    if kind_name is None:
        return False
    kind = schemas.resource_type(kind_name)
    writer = Writer(connection, author, schemas, kind, BARE)
    stored = await writing.lock(writer, principal_id, "")
    found = await role_assignments.of_principals(connection, author.tenant_id, [principal_id])
    held = found.get(principal_id, [])
    removed = [each for each in held if each.expired or is_meant(each)]
    await save_without(writer, stored, held, removed)
    return any(map(is_meant, removed))


async def save_without(
    writer: Writer, stored: Stored, held: Sequence[Assignment], removed: Sequence[Assignment]
) -> None:
    """Store a principal that was given all that is held save what is removed."""
    after = comparison.copy_of(stored.message)
    gone = {each.id for each in removed}
    left = [each for each in held if each.id not in gone]
    show(after, union(left, (role.key for role in roles_of(stored.message))))
    await _save(writer, stored, after, RoleChanges(removed=removed))


async def _save(writer: Writer, stored: Stored, after: Any, changes: RoleChanges) -> None:
    if changes:
        change = changed(stored, after, writer.resource_type)
        await writing.save(writer, replace(change, roles=changes))


async def _writer(
    connection: Connection, author: Author, schemas: SchemaSet, principal_id: UUID
) -> Writer:
    name = await resources.type_of(connection, author.tenant_id, principal_id)
    if name is None:
        raise not_found(USER, str(principal_id))
    return Writer(connection, author, schemas, schemas.resource_type(name), BARE)


def _unknown(text: str) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_ROLE_ASSIGNMENT_NOT_FOUND,
        f"There is no role assignment {text[:100]!r}; list them to find its id.",
        metadata={"resourceType": "RoleAssignment", "resourceName": text[:100]},
    )
