"""Who answers for a resource: the manager of a user, the owner of a service account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import SERVICE_ACCOUNT, USER
from service.domain.errors import invalid_value
from service.domain.membership import parse_id

if TYPE_CHECKING:
    from uuid import UUID

    from rollbook.attributes import ResourceType
    from service.domain.errors import DomainError

OWNER: Final = "owner.value"
"""Where the owner of a service account stands."""


def responsible_of(resource: Any, resource_type: ResourceType) -> UUID | None:
    """The id of the user who answers for a resource; None when nobody does, or what stands there
    is no id of ours: identity providers write managers that we have not been told of."""
    match resource_type.name:
        case USER.name:
            return parse_id(resource.enterprise.manager.value)
        case SERVICE_ACCOUNT.name:
            return parse_id(resource.owner.value)
    return None


def clear_responsible(resource: Any, resource_type: ResourceType) -> None:
    """Let nobody answer for a resource."""
    if resource_type.name == USER.name:
        resource.enterprise.ClearField("manager")
    else:
        resource.ClearField("owner")


def new_owner(before: Any, after: Any, resource_type: ResourceType) -> UUID | None:
    """The owner that a change gives to a resource; None when it gives none. Raises INVALID_VALUE
    for what cannot be the id of a user."""
    if resource_type.name != SERVICE_ACCOUNT.name or not after.HasField("owner"):
        return None
    text = after.owner.value
    if not text:
        raise invalid_value(OWNER, f"{OWNER} is missing: give the id of a user.")
    if text == before.owner.value:
        return None
    owner_id = parse_id(text)
    if owner_id is None:
        raise unknown_owner(text)
    return owner_id


def unknown_owner(text: object) -> DomainError:
    """INVALID_VALUE: an owner that is no user."""
    return invalid_value(OWNER, f"{OWNER}: no user has the id {str(text)[:100]!r}.")
