"""Members of a group page by page: the query of `/Groups/{id}/members` (docs/scim-members.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.scim.errors import invalid_filter
from gateway.scim.filters import parse_element_filter
from gateway.scim.notation import UnknownAttributeError, look_up
from gateway.scim.projection import projection_of
from gateway.scim.translation import resource_to_scim
from rollbook.v1.group_pb2 import Group
from rollbook.v1.group_service_pb2 import ListMembersRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.scim.dialects import Reading
    from gateway.scim.listing import ListQuery
    from gateway.scim.projection import Projection
    from rollbook.attributes import ResourceType
    from rollbook.v1.filter_pb2 import Filter
    from rollbook.v1.group_pb2 import GroupMember

_MEMBERS: Final = "members"
_VALUE: Final = "members.value"


def members_request(
    query: ListQuery, group_id: str, group: ResourceType, reading: Reading
) -> ListMembersRequest:
    """The page of members that a query asks for; its order is that of the service.

    Raises ScimError invalidFilter, also for what is no sub-attribute of `members`.
    """
    request = ListMembersRequest(group_id=group_id, include_total_size=True)
    if query.filter is not None:
        request.filter.CopyFrom(_filter(query.filter, group, reading))
    if query.count is not None:
        request.page_size = query.count
    if query.cursor is None:
        request.skip = query.start_index - 1
    else:
        request.page_token = query.cursor
    return request


def _filter(text: str, group: ResourceType, reading: Reading) -> Filter:
    try:
        return parse_element_filter(text, look_up(_MEMBERS, group, reading), group, reading)
    except UnknownAttributeError as error:
        raise invalid_filter(f"There is no attribute {str(error)[:200]}.") from None


def members_to_scim(
    members: Iterable[GroupMember], group: ResourceType, base_url: str, projection: Projection
) -> list[object]:
    """The members as elements of the attribute `members` of a group.

    The projection names sub-attributes, `value` or `members.value`; what identifies a member
    is there in any case, as the id of a resource is.
    """
    resource = Group(members=members)
    body = resource_to_scim(group, resource, base_url, _of_group(projection))
    elements = body.get(_MEMBERS)
    return elements if isinstance(elements, list) else []


def _of_group(projection: Projection) -> Projection:
    """What a projection of members is for the group around them."""
    if projection.attributes:
        return projection_of([*_qualified(projection.attributes), _VALUE], ())
    excluded = _qualified(projection.excluded)
    return projection_of((), [name for name in excluded if name.lower() not in {_VALUE, _MEMBERS}])


def _qualified(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield name if name.lower().startswith(_MEMBERS) else f"{_MEMBERS}.{name}"
