"""What a client's change makes of a stored resource, before anything is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import GROUP
from service.directory.creating import has_password, take_members
from service.domain import membership, patch, replacement, responsibility, uniqueness, validation
from service.domain.access.role_mentions import is_about_roles
from service.domain.access.roles import NO_CHANGES, roles_of, show
from service.domain.errors import invalid_value
from service.domain.search import comparison
from service.storage.resources import unique_attribute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook.attributes import ResourceType
    from rollbook.v1.patch_pb2 import PatchOperation
    from service.domain.access.role_writing import RoleWrite
    from service.domain.access.roles import RoleChanges
    from service.domain.membership import Step
    from service.storage.resources import Stored

_KEPT: Final = "\0"
"""Stands for the password that is stored, while a change is worked out: what is left of it tells
what becomes of that. A new one is a hash by then."""

MAX_OPERATIONS: Final = 1_000
"""How many operations one patch has."""


VALUE_PATH_CREATES: Final = "VALUE_PATH_CREATES"
"""The tolerance of the gateway's dialects by which a path makes the element that it selects."""


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """A password takes the place of another, by its hash; None takes it away."""

    hash: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A resource that is ready to be stored anew. `message` is without what is kept elsewhere;
    `attributes` are those of it that differ from before; `roles` may change who says what
    although the union over all sources, which `message` shows, is the same; `password` is None
    when it stays."""

    stored: Stored
    resource_type: ResourceType
    message: Any
    attributes: list[str]
    steps: Sequence[Step]
    password: PasswordChange | None = None
    roles: RoleChanges = NO_CHANGES
    has_created_elements: bool = False
    """Whether a path whose filter selects nothing did."""

    @property
    def is_within_row(self) -> bool:
        """Whether it concerns the row of the resource alone, no value that others may not have
        too and no one else who has to exist: nothing in the database can make it fail."""
        kind, before, after = self.resource_type, self.stored.message, self.message
        unique = unique_attribute(kind)
        same_key = unique is None or getattr(before, unique.field) == getattr(after, unique.field)
        return (
            same_key
            and not self.steps
            and self.password is None
            and responsibility.new_owner(before, after, kind) is None
            and uniqueness.unique_values(before, kind) == uniqueness.unique_values(after, kind)
        )


def updated(
    stored: Stored,
    resource: Any,
    mask: Sequence[str],
    resource_type: ResourceType,
    roles: RoleWrite | None = None,
) -> Changed:
    """Replace the fields that the mask names. `roles` is what a change of roles goes by, None
    when it leaves them alone. Raises INVALID_VALUE, INVALID_PATH, MUTABILITY."""
    validation.clear_read_only(resource, resource_type)
    is_group = resource_type.name == GROUP.name
    steps = _members_by_mask(resource, mask) if is_group else []
    after = replacement.replaced(_working_copy(stored), resource, mask, resource_type)
    _settle_password(after)
    if "*" in mask:
        validation.require_extensions(after, resource_type)
    if roles is None:
        return changed(stored, after, resource_type, steps)
    if roles.is_ignored(resource_type.name):
        show(after, roles_of(stored.message))
        return changed(stored, after, resource_type, steps)
    return _with_roles(stored, after, resource_type, steps, roles, additive=False)


def patched(
    stored: Stored,
    operations: Sequence[PatchOperation],
    resource_type: ResourceType,
    roles: RoleWrite | None = None,
) -> Changed:
    """Apply operations in order. `roles` is what a change of roles goes by, None when they leave
    them alone. Raises INVALID_PATH, INVALID_FILTER, INVALID_VALUE, MUTABILITY, NO_TARGET."""
    if len(operations) > MAX_OPERATIONS:
        raise invalid_value(
            "operations",
            f"The patch has {len(operations)} operations; {MAX_OPERATIONS} are the most at once.",
        )
    steps: list[Step] = []
    if resource_type.name == GROUP.name:
        operations, steps = membership.split(operations, resource_type)
    if roles is not None and roles.is_ignored(resource_type.name):
        operations = [each for each in operations if not is_about_roles(each, resource_type)]
        roles = None
    after = _working_copy(stored)
    if roles is None:
        has_created = patch.apply(after, operations, resource_type)
        _settle_password(after)
        change = changed(stored, after, resource_type, steps)
        return replace(change, has_created_elements=has_created)
    # What other sources say is not the client's to change.
    show(after, roles.own(roles_of(stored.message)))
    has_created = patch.apply(after, roles.read(operations), resource_type)
    _settle_password(after)
    change = _with_roles(stored, after, resource_type, steps, roles, additive=True)
    return replace(change, has_created_elements=has_created)


def _with_roles(
    stored: Stored,
    after: Any,
    resource_type: ResourceType,
    steps: Sequence[Step],
    roles: RoleWrite,
    *,
    additive: bool,
) -> Changed:
    """Take over a resource that holds the roles of the caller's own source."""
    role_changes = roles.settle(after, roles_of(stored.message), additive=additive)
    change = changed(stored, after, resource_type, steps)
    return replace(change, roles=role_changes) if role_changes else change


def _working_copy(stored: Stored) -> Any:
    copy = comparison.copy_of(stored.message)
    if has_password(copy):
        copy.password = _KEPT
    return copy


def _settle_password(after: Any) -> None:
    """Say what has become of the password of a working copy as clients do: a new one, an empty
    one when it was taken away, or none when it stays."""
    if not has_password(after):
        return
    if after.password == _KEPT:
        after.ClearField("password")
    elif not after.HasField("password"):
        after.password = ""


def _take_password(after: Any) -> PasswordChange | None:
    """What becomes of the password: it is kept in a table of its own."""
    if not has_password(after) or not after.HasField("password"):
        return None
    left: str = after.password
    after.ClearField("password")
    return PasswordChange(left or None)


def changed(
    stored: Stored,
    after: Any,
    resource_type: ResourceType,
    steps: Sequence[Step] = (),
) -> Changed:
    """Take over what has become of a resource, changing it in place. Raises INVALID_VALUE."""
    password = _take_password(after)
    validation.prune(after, resource_type)
    attributes = comparison.changed_attributes(stored.message, after, resource_type)
    if attributes:
        validation.validate(after, resource_type)
        validation.require_extensions(after, resource_type, before=stored.message)
    return Changed(stored, resource_type, after, attributes, steps, password)


def later_than(stored: Stored) -> datetime:
    """Now, but never before the last change: clocks may be set back."""
    return max(datetime.now(UTC), stored.update_time + timedelta(microseconds=1))


def _members_by_mask(resource: Any, mask: Sequence[str]) -> list[Step]:
    """Who is to belong to the group after an update; no step when the mask leaves it alone."""
    ids = take_members(resource)
    named = {path.partition(".")[0] for path in mask}
    return [membership.Replace(ids)] if named & {"*", "members"} or (not mask and ids) else []
