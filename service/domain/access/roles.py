"""Roles as they are shown, and as assignments by the sources that give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from service.domain.access.role_catalogue import RoleKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

MANUAL: Final = "manual"
"""The source that administrators are."""

SCIM: Final = "scim:"
"""What the sources begin with that are connections of identity providers; their id follows."""


class Role(NamedTuple):
    """A role as it is shown. The type is empty when it has none; None is what nobody has said."""

    type: str
    value: str
    display: str | None = None
    primary: bool | None = None

    @property
    def key(self) -> RoleKey:
        """The role as it is compared."""
        return RoleKey.of(self.type, self.value)

    @classmethod
    def of(cls, element: Any) -> Role:
        """The role in an element of `roles`."""
        display = element.display if element.HasField("display") else None
        primary = element.primary if element.HasField("primary") else None
        return cls(element.type, element.value, display, primary)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role that a source gives somebody, without end when `expire_time` is None. An expired one
    is only waiting to be removed."""

    id: UUID
    role: Role
    source: str
    pending: bool = False
    expired: bool = False
    expire_time: datetime | None = None

    @property
    def key(self) -> RoleKey:
        """The role as it is compared."""
        return self.role.key


@dataclass(frozen=True, slots=True)
class RoleChanges:
    """What a write does to the assignments of one principal."""

    added: Sequence[Assignment] = ()
    altered: Sequence[Assignment] = ()
    removed: Sequence[Assignment] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.altered or self.removed)


NO_CHANGES: Final = RoleChanges()
"""What a write does that leaves roles alone."""


def roles_of(resource: Any) -> list[Role]:
    """The roles that a message shows."""
    return [Role.of(element) for element in resource.roles]


def show(resource: Any, roles: Iterable[Role]) -> None:
    """Let a message show these roles and no others."""
    del resource.roles[:]
    for role in roles:
        element = resource.roles.add(value=role.value)
        if role.type:
            element.type = role.type
        if role.display is not None:
            element.display = role.display
        if role.primary is not None:
            element.primary = role.primary


def union(assignments: Iterable[Assignment], before: Iterable[RoleKey]) -> list[Role]:
    """What a principal shows: each role once, those of `before` first and in that order.

    Of several sources with the same role the first one's words are shown, and one role at the
    most is primary; identity providers come first, since they look up what they wrote by these.
    """
    place: dict[RoleKey, int] = {}
    for key in before:
        place.setdefault(key, len(place))
    ranked = sorted(assignments, key=lambda a: (not a.source.startswith(SCIM), a.id))
    shown: dict[RoleKey, Role] = {}
    primary_given = False
    for assignment in ranked:
        role = assignment.role
        if role.primary and primary_given:
            role = role._replace(primary=None)
        known = shown.setdefault(assignment.key, role)
        if known is not role and role.primary and not known.primary:
            shown[assignment.key] = known._replace(primary=True)
        primary_given = primary_given or bool(role.primary)
    return [shown[key] for key in sorted(shown, key=lambda key: place.get(key, len(place)))]
