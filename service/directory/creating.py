"""What becomes of a resource that a client wants to have created, before anything is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rollbook.attributes import GROUP
from service.domain import membership, validation
from service.domain.access.roles import NO_CHANGES
from service.domain.identifiers import new_id
from service.domain.responsibility import new_owner
from service.domain.search import comparison
from service.storage.changes import Change

if TYPE_CHECKING:
    from uuid import UUID

    from rollbook.attributes import ResourceType
    from service.domain.access.role_writing import RoleWrite
    from service.domain.access.roles import RoleChanges

FIRST_VERSION = 1


@dataclass(frozen=True, slots=True)
class New:
    """A resource that is ready to be stored. `message` is without what is kept elsewhere, which
    is here beside it; `attributes` are those that it has."""

    id: UUID
    resource_type: ResourceType
    message: Any
    time: datetime
    member_ids: list[UUID]
    password_hash: str | None
    attributes: list[str]
    roles: RoleChanges
    owner_id: UUID | None

    @property
    def referred(self) -> list[UUID]:
        """Those who have to exist."""
        return [*self.member_ids, *([self.owner_id] if self.owner_id else [])]

    def change(self) -> Change:
        """What `changes` records of the creation."""
        kept_elsewhere = {"members": self.member_ids, "password": self.password_hash}
        return Change(
            "create",
            self.resource_type.name,
            self.id,
            FIRST_VERSION,
            self.time,
            [*self.attributes, *(name for name, value in kept_elsewhere.items() if value)],
            self.message.SerializeToString(deterministic=True),
            sorted(self.member_ids),
        )


def prepared(
    resource: Any,
    resource_type: ResourceType,
    roles: RoleWrite | None,
    identifier: UUID | None = None,
) -> New:
    """Take over a resource, changing it in place. `roles` is what the assignment of its roles
    goes by, None when it has none. Raises INVALID_VALUE."""
    validation.clear_read_only(resource, resource_type)
    member_ids = take_members(resource) if resource_type.name == GROUP.name else []
    if resource_type.schema.attribute("active") and not resource.HasField("active"):
        resource.active = True
    password_hash = take_password(resource)
    validation.prune(resource, resource_type)
    role_changes = _take_roles(resource, resource_type, roles)
    validation.validate(resource, resource_type)
    validation.require_extensions(resource, resource_type)
    blank = resource_type.message()
    owner_id = new_owner(blank, resource, resource_type)
    identifier = identifier or new_id()
    resource.id = str(identifier)
    return New(
        identifier,
        resource_type,
        resource,
        datetime.now(UTC),
        member_ids,
        password_hash,
        comparison.changed_attributes(blank, resource, resource_type),
        role_changes,
        owner_id,
    )


def _take_roles(resource: Any, resource_type: ResourceType, roles: RoleWrite | None) -> RoleChanges:
    """The assignments of a new resource's roles: they are rows of their own too."""
    if roles is None:
        return NO_CHANGES
    if roles.is_ignored(resource_type.name):
        resource.ClearField("roles")
        return NO_CHANGES
    return roles.settle(resource, (), additive=False)


def take_password(resource: Any) -> str | None:
    """The hash of a new password: it goes into a table of its own."""
    if not has_password(resource):
        return None
    password_hash: str = resource.password
    resource.ClearField("password")
    return password_hash or None


def has_password(resource: Any) -> bool:
    """Whether it is of a type that has passwords."""
    return "password" in resource.DESCRIPTOR.fields_by_name


def take_members(group: Any) -> list[UUID]:
    """The ids of the members: they are rows of their own. Raises INVALID_VALUE."""
    ids = membership.member_ids(group.members)
    group.ClearField("members")
    return ids
