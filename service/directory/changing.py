"""What a client's change makes of a stored resource, before anything is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import GROUP
from service.directory.creating import take_members, take_password
from service.domain import comparison, membership, patch, replacement, uniqueness, validation
from service.domain.errors import invalid_value
from service.storage.resources import unique_attribute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook.attributes import ResourceType
    from rollbook.v1.patch_pb2 import PatchOperation
    from service.domain.membership import Step
    from service.storage.resources import Stored

MAX_OPERATIONS: Final = 1_000
"""How many operations one patch has."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A resource that is ready to be stored anew. `message` is without what is kept elsewhere;
    `attributes` are those of it that differ from before."""

    stored: Stored
    resource_type: ResourceType
    message: Any
    attributes: list[str]
    steps: Sequence[Step]
    password_hash: str | None

    @property
    def is_within_row(self) -> bool:
        """Whether it concerns the row of the resource alone, and no value that others may not
        have too: nothing in the database can make it fail."""
        kind, before, after = self.resource_type, self.stored.message, self.message
        unique = unique_attribute(kind)
        same_key = unique is None or getattr(before, unique.field) == getattr(after, unique.field)
        return (
            same_key
            and not self.steps
            and self.password_hash is None
            and uniqueness.unique_values(before, kind) == uniqueness.unique_values(after, kind)
        )


def updated(
    stored: Stored, resource: Any, mask: Sequence[str], resource_type: ResourceType
) -> Changed:
    """Replace the fields that the mask names. Raises INVALID_VALUE, INVALID_PATH, MUTABILITY."""
    validation.clear_read_only(resource, resource_type)
    is_group = resource_type.name == GROUP.name
    steps = _members_by_mask(resource, mask) if is_group else []
    after = replacement.replaced(stored.message, resource, mask, resource_type)
    if "*" in mask:
        validation.require_extensions(after, resource_type)
    return changed(stored, after, resource_type, steps)


def patched(
    stored: Stored, operations: Sequence[PatchOperation], resource_type: ResourceType
) -> Changed:
    """Apply operations in order. Raises INVALID_PATH, INVALID_FILTER, INVALID_VALUE, MUTABILITY,
    NO_TARGET."""
    if len(operations) > MAX_OPERATIONS:
        raise invalid_value(
            "operations",
            f"The patch has {len(operations)} operations; {MAX_OPERATIONS} are the most at once.",
        )
    steps: list[Step] = []
    if resource_type.name == GROUP.name:
        operations, steps = membership.split(operations, resource_type)
    after = comparison.copy_of(stored.message)
    patch.apply(after, operations, resource_type)
    return changed(stored, after, resource_type, steps)


def changed(
    stored: Stored, after: Any, resource_type: ResourceType, steps: Sequence[Step] = ()
) -> Changed:
    """Take over what has become of a resource, changing it in place. Raises INVALID_VALUE."""
    password_hash = take_password(after)
    validation.prune(after, resource_type)
    attributes = comparison.changed_attributes(stored.message, after, resource_type)
    if attributes:
        validation.validate(after, resource_type)
        validation.require_extensions(after, resource_type, before=stored.message)
    return Changed(stored, resource_type, after, attributes, steps, password_hash)


def later_than(stored: Stored) -> datetime:
    """Now, but never before the last change: clocks may be set back."""
    return max(datetime.now(UTC), stored.update_time + timedelta(microseconds=1))


def _members_by_mask(resource: Any, mask: Sequence[str]) -> list[Step]:
    """Who is to belong to the group after an update; no step when the mask leaves it alone."""
    ids = take_members(resource)
    named = {path.partition(".")[0] for path in mask}
    return [membership.Replace(ids)] if named & {"*", "members"} or (not mask and ids) else []
