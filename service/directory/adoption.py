"""What a connection takes over when it creates what is there already.

Linking goes by userName, folded as it is for uniqueness, and by the displayName of groups; never by
e-mail addresses, which are whoever's they are said to be, and never across tenants. What another
enabled connection manages, or the connection itself, is not to be had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import GROUP, USER
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.domain.search.folding import fold
from service.storage import adoption, resources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.attributes import ResourceType
    from service.domain.provenance import Provenance
    from service.storage.adoption import Candidate
    from service.storage.changes import Author
    from service.storage.database import Connection
    from service.storage.resources import Stored

_FIND: Final = {USER.name: adoption.users_of_names, GROUP.name: adoption.groups_of_names}


async def found_unmanaged(
    connection: Connection, author: Author, resource: Any, resource_type: ResourceType
) -> Stored | None:
    """The resource that a creation means, held until the transaction ends; None when it means a
    new one. Raises UNIQUENESS when several groups of the name are managed by nobody."""
    if not author.provenance.adopts:
        return None
    found = await unmanaged_of(connection, author, resource_type, [name_of(resource)])
    if len(found) > 1:
        raise _ambiguous(resource.display_name, len(found))
    if not found:
        return None
    stored = await resources.lock(connection, author.tenant_id, resource_type, found[0].id)
    # Another connection may have been faster.
    is_free = stored is not None and _is_unmanaged(author.provenance, stored.origin)
    return stored if is_free else None


async def unmanaged_of(
    connection: Connection, author: Author, resource_type: ResourceType, names: Iterable[str]
) -> list[Candidate]:
    """The users or groups of these names that nobody manages; there are none of other types."""
    find = _FIND.get(resource_type.name)
    folded = [fold(name) for name in names if name]
    if find is None or not folded:
        return []
    found = await find(connection, author.tenant_id, folded)
    return [each for each in found if _is_unmanaged(author.provenance, each.origin)]


def is_named(resource: Any, candidates: Iterable[Candidate]) -> bool:
    """Whether one of them has the name of a resource that is to be created."""
    name = fold(name_of(resource))
    return any(each.name == name for each in candidates)


def _is_unmanaged(provenance: Provenance, origin: str) -> bool:
    """Whether what has this origin can be taken over."""
    return provenance.takes_over(origin) and provenance.manager(origin) is None


def name_of(resource: Any) -> str:
    """What a creation is taken to mean a resource by."""
    is_user = resource.DESCRIPTOR.name == USER.name
    name: str = resource.user_name if is_user else resource.display_name
    return name


def _ambiguous(name: str, count: int) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_UNIQUENESS,
        f"{count} groups that nobody manages are named {name[:200]!r}: rename all but the one to "
        "link.",
        field="displayName",
        metadata={"attribute": "displayName", "value": name},
    )
