"""Creating, changing and deleting resources. Every write adds its row to `changes`.

Functions run inside the caller's transaction and answer the resource as protobuf bytes, with
the derived parts that the caller's view asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import GROUP, USER
from service.directory.access import escalation, role_writes
from service.directory.access_end import can_get_in, end_access, must_end
from service.directory.adoption import found_unmanaged
from service.directory.changing import (
    VALUE_PATH_CREATES,
    Changed,
    changed,
    later_than,
    patched,
    updated,
)
from service.directory.creating import prepared
from service.directory.reading import existing, not_found
from service.domain import etag, membership, responsibility, uniqueness
from service.domain.search import comparison
from service.storage import changes, members, passwords, resources, unique_values
from service.storage.access import role_assignments
from service.storage.changes import Change
from service.storage.oauth import sign_ins

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from google.protobuf.message import Message

    from rollbook.attributes import ResourceType
    from rollbook.schema_sets import SchemaSet
    from rollbook.v1.patch_pb2 import PatchOperation
    from service.domain.access.roles import RoleChanges
    from service.domain.membership import Step
    from service.storage.changes import Author
    from service.storage.database import Connection
    from service.storage.derived import View
    from service.storage.resources import Stored


_RIGHTS: Final = frozenset({"active", "roles"})
"""Attributes on which it depends what somebody may do."""


@dataclass(frozen=True, slots=True)
class Writer:
    """One write: where, by whom, of what kind of resource among those of the tenant, and what to
    answer with."""

    connection: Connection
    author: Author
    schemas: SchemaSet
    resource_type: ResourceType
    view: View

    @property
    def tenant_id(self) -> UUID:
        """The tenant written to."""
        return self.author.tenant_id


@dataclass(frozen=True, slots=True)
class MembersChanged:
    """What became of a group: its etag now and how many members came or went."""

    etag: str
    count: int


async def create(writer: Writer, resource: Any) -> bytes:
    """Store a new resource, or take over one that nobody manages where the connection links. Raises
    INVALID_VALUE, UNIQUENESS, MANAGED_BY_SCIM."""
    connection, tenant_id, kind = writer.connection, writer.tenant_id, writer.resource_type
    author, provenance = writer.author, writer.author.provenance
    provenance.require_creation(kind)
    provenance.require_user_name(kind, kind.message(), resource)
    unmanaged = await found_unmanaged(connection, author, resource, kind)
    if unmanaged is not None:
        return await _link(writer, unmanaged, resource)
    roles = await role_writes.for_creation(connection, author, resource, kind)
    new = prepared(resource, kind, roles)
    await _require_owner(writer, new.owner_id)
    await resources.insert(
        connection, tenant_id, kind, new.id, new.message, new.time, author.source
    )
    await _keep_unique(writer, new.id, kind.message(), new.message)
    if new.member_ids:
        step = membership.Add(new.member_ids)
        await members.apply(connection, tenant_id, new.id, [step], author.source)
    if new.password_hash:
        await passwords.save(connection, tenant_id, new.id, new.password_hash)
    await _assign(writer, new.id, new.roles)
    await changes.record(connection, writer.author, new.change())
    return await existing(connection, tenant_id, kind, new.id, writer.view)


async def _link(writer: Writer, stored: Stored, resource: Any) -> bytes:
    """Let what nobody manages be what a connection creates: what that does not name stays."""
    kind = writer.resource_type
    if kind.schema.attribute("active") and not resource.HasField("active"):
        resource.active = True
    roles = await role_writes.for_update(
        writer.connection, writer.author, stored, resource, [], kind
    )
    return await save(writer, updated(stored, resource, [], kind, roles), by_client=True)


async def update(
    writer: Writer, identifier: UUID, resource: Any, mask: Sequence[str], condition: str
) -> bytes:
    """Replace the fields that the mask names; "*" replaces all, an empty mask those set.

    Raises NOT_FOUND, ETAG_MISMATCH, MANAGED_BY_SCIM, INVALID_VALUE, INVALID_PATH, MUTABILITY,
    UNIQUENESS.
    """
    connection, kind = writer.connection, writer.resource_type
    stored = await _held(writer, identifier, condition)
    roles = await role_writes.for_update(connection, writer.author, stored, resource, mask, kind)
    return await save(writer, updated(stored, resource, mask, kind, roles), by_client=True)


async def apply_patch(
    writer: Writer, identifier: UUID, operations: Sequence[PatchOperation], condition: str
) -> bytes:
    """Apply operations in order, all or none.

    Raises NOT_FOUND, ETAG_MISMATCH, MANAGED_BY_SCIM, INVALID_PATH, INVALID_FILTER, INVALID_VALUE,
    MUTABILITY, NO_TARGET, UNIQUENESS.
    """
    connection, kind = writer.connection, writer.resource_type
    stored = await _held(writer, identifier, condition)
    roles = await role_writes.for_patch(connection, writer.author, stored, operations, kind)
    change = patched(stored, operations, kind, roles)
    if change.has_created_elements:
        writer = replace(writer, author=writer.author.having_met(VALUE_PATH_CREATES))
    return await save(writer, change, by_client=True)


async def change_members(
    writer: Writer, identifier: UUID, step: Step, condition: str
) -> MembersChanged:
    """Run one step on the members of a group.

    Raises NOT_FOUND, ETAG_MISMATCH, MANAGED_BY_SCIM, INVALID_VALUE, SCOPE_MISSING.
    """
    stored = await _held(writer, identifier, condition)
    moved = await members.apply(
        writer.connection, writer.tenant_id, identifier, [step], writer.author.source
    )
    version = stored.version
    if moved.added:
        await escalation.require_member(writer.connection, writer.author, identifier)
    if moved:
        writer.author.effects.rights_changed = True
        version, time = await _touch(writer, stored)
        await _record(
            writer, "update", identifier, version, time, ["members"], stored.message, moved
        )
    return MembersChanged(etag.of_version(version), len(moved.added) + len(moved.removed))


async def delete(writer: Writer, identifier: UUID, condition: str) -> None:
    """Delete a resource, and with it its memberships and the references of what it answers for.

    Raises NOT_FOUND, ETAG_MISMATCH, MANAGED_BY_SCIM.
    """
    await resources.lock_referrers(writer.connection, writer.tenant_id, identifier)
    stored = await _held(writer, identifier, condition, to_delete=True)
    time = later_than(stored)
    writer.author.effects.rights_changed = True
    if can_get_in(writer.resource_type):
        await end_access(writer.connection, writer.author, [identifier])
    await _leave_groups(writer, identifier, time)
    if writer.resource_type.name == USER.name:
        await _leave_reports(writer, identifier)
    await resources.delete(writer.connection, writer.tenant_id, identifier)
    await _record(writer, "delete", identifier, stored.version + 1, time, [], None, None)


async def lock(
    writer: Writer, identifier: UUID, condition: str, *, to_delete: bool = False
) -> Stored:
    """Read a resource and hold it. Raises NOT_FOUND, ETAG_MISMATCH."""
    stored = await resources.lock(
        writer.connection,
        writer.tenant_id,
        writer.resource_type,
        identifier,
        to_delete=to_delete,
    )
    if stored is None:
        raise not_found(writer.resource_type, str(identifier))
    etag.require(condition, stored.version)
    return stored


async def _held(
    writer: Writer, identifier: UUID, condition: str, *, to_delete: bool = False
) -> Stored:
    """The same of one that is the writer's to change. Raises MANAGED_BY_SCIM too."""
    stored = await lock(writer, identifier, condition, to_delete=to_delete)
    writer.author.provenance.require_change(stored.origin, writer.resource_type)
    return stored


async def save(writer: Writer, change: Changed, *, by_client: bool = False) -> bytes:
    """Store what a change made of a resource; nothing happens when it made no difference.

    A change that the client has asked for, not one that follows from another, is held to what its
    connection demands, which manages the resource from then on.
    """
    connection, tenant_id, kind = writer.connection, writer.tenant_id, writer.resource_type
    stored, after = change.stored, change.message
    taken_over = by_client and await _take_over(writer, change)
    moved = await members.apply(
        connection, tenant_id, stored.id, change.steps, writer.author.source
    )
    if by_client and moved.added:
        await escalation.require_member(connection, writer.author, stored.id)
    if by_client and change.password is not None and change.password.hash is not None:
        await escalation.require_password(connection, writer.author, stored.id)
    password_changed = await _keep_password(writer, change)
    if change.attributes or moved or password_changed:
        await _require_owner(writer, responsibility.new_owner(stored.message, after, kind))
        version, time = stored.version + 1, later_than(stored)
        if change.attributes:
            await resources.update(connection, tenant_id, kind, stored.id, after, version, time)
            await _keep_unique(writer, stored.id, stored.message, after)
        else:
            await resources.touch(connection, tenant_id, stored.id, version, time)
        await _assign(writer, stored.id, change.roles)
        note_rights(writer.author, change.attributes, moved=bool(moved))
        named = _named(change.attributes, moved, password_changed=password_changed)
        named += ["origin"] if taken_over else []
        await _record(writer, "update", stored.id, version, time, named, after, moved)
    elif change.roles or taken_over:
        # Another source says the same: whoever reads the resource sees no change, nor a new etag.
        await _assign(writer, stored.id, change.roles)
        named = [*(["roles"] if change.roles else []), *(["origin"] if taken_over else [])]
        time = later_than(stored)
        await _record(writer, "update", stored.id, stored.version, time, named, after, moved)
    if must_end(after):
        was_over = must_end(stored.message)
        await end_access(connection, writer.author, [stored.id], again=was_over)
    return await existing(connection, tenant_id, kind, stored.id, writer.view)


async def _take_over(writer: Writer, change: Changed) -> bool:
    """Let the connection that writes manage the resource from now on. Returns whether it did not
    before. Raises INVALID_VALUE."""
    provenance, stored = writer.author.provenance, change.stored
    provenance.require_user_name(writer.resource_type, stored.message, change.message)
    if not provenance.takes_over(stored.origin):
        return False
    await resources.take_over(
        writer.connection, writer.tenant_id, [stored.id], provenance.source, later_than(stored)
    )
    return True


async def _require_owner(writer: Writer, owner_id: UUID | None) -> None:
    """See to it that a new owner is a user, and is not deleted meanwhile. Raises INVALID_VALUE."""
    if owner_id is None:
        return
    kind = await resources.hold_type(writer.connection, writer.tenant_id, owner_id)
    if kind != USER.name:
        raise responsibility.unknown_owner(owner_id)


async def _keep_unique(writer: Writer, identifier: UUID, before: Any, after: Any) -> None:
    """Take the values that no other resource may have. Raises UNIQUENESS."""
    kind = writer.resource_type
    attribute = await unique_values.replace(
        writer.connection,
        writer.tenant_id,
        identifier,
        uniqueness.unique_values(before, kind),
        uniqueness.unique_values(after, kind),
    )
    if attribute is not None:
        raise uniqueness.taken(attribute, kind)


async def _assign(writer: Writer, identifier: UUID, roles: RoleChanges) -> None:
    """Give and take roles."""
    if roles:
        change = (identifier, writer.author.name, roles)
        await role_assignments.apply(writer.connection, writer.tenant_id, [change])


def note_rights(author: Author, attributes: Iterable[str], *, moved: bool = False) -> None:
    """Note it if a change may have an effect on what somebody's roles are good for."""
    if moved or not _RIGHTS.isdisjoint(attributes):
        author.effects.rights_changed = True


async def _touch(writer: Writer, stored: Stored) -> tuple[int, datetime]:
    version, time = stored.version + 1, later_than(stored)
    await resources.touch(writer.connection, writer.tenant_id, stored.id, version, time)
    return version, time


async def _keep_password(writer: Writer, change: Changed) -> bool:
    """Store a password, or forget it; whoever is signed in by the one before is so no more.
    Returns whether that makes a difference."""
    if change.password is None:
        return False
    connection, tenant_id, user_id = writer.connection, writer.tenant_id, change.stored.id
    await sign_ins.delete_of_principals(connection, tenant_id, [user_id])
    if change.password.hash is None:
        return await passwords.delete(connection, tenant_id, user_id)
    await passwords.save(connection, tenant_id, user_id, change.password.hash)
    return True


def _named(
    attributes: Sequence[str], moved: members.MemberChanges, *, password_changed: bool
) -> list[str]:
    return [
        *attributes,
        *(["members"] if moved else []),
        *(["password"] if password_changed else []),
    ]


async def _record(
    writer: Writer,
    action: changes.Action,
    identifier: UUID,
    version: int,
    time: datetime,
    attributes: Sequence[str],
    message: Message | None,
    moved: members.MemberChanges | None,
) -> None:
    change = Change(
        action,
        writer.resource_type.name,
        identifier,
        version,
        time,
        attributes,
        message.SerializeToString(deterministic=True) if message is not None else None,
        sorted(moved.added) if moved else (),
        sorted(moved.removed) if moved else (),
    )
    await changes.record(writer.connection, writer.author, change)


async def _leave_groups(writer: Writer, identifier: UUID, time: datetime) -> None:
    """A deleted resource belongs to no group: each of them has changed."""
    left = await resources.leave_groups(writer.connection, writer.tenant_id, identifier, time)
    moved = members.MemberChanges()
    moved.remove([identifier])
    as_group = replace(writer, resource_type=writer.schemas.resource_type(GROUP.name))
    for row in left:
        group = as_group.resource_type.message.FromString(row["message"])
        await _record(
            as_group, "update", row["id"], row["version"], row["update_time"], ["members"],
            group, moved,
        )  # fmt: skip


async def _leave_reports(writer: Writer, identifier: UUID) -> None:
    """A deleted user manages and owns nothing (RFC 7644 §3.6 leaves this open)."""
    reports = await resources.lock_reports(
        writer.connection, writer.tenant_id, writer.schemas, identifier
    )
    for kind, report in reports:
        after = comparison.copy_of(report.message)
        responsibility.clear_responsible(after, kind)
        await save(replace(writer, resource_type=kind), changed(report, after, kind))
