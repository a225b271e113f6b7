"""What differs between two states of a resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from service.domain.validation import attributes_of

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from rollbook.attributes import Attribute, ResourceType

M = TypeVar("M", bound="Message")


def copy_of(message: M) -> M:
    """A copy to work on."""
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def changed_attributes(before: Any, after: Any, resource_type: ResourceType) -> list[str]:
    """The SCIM names of the attributes whose values differ; extension attributes with their
    URN. The order of the elements of a multi-valued attribute counts: it is what clients see."""
    if before == after:
        return []
    return [
        path
        for path, attribute in attributes_of(resource_type)
        if attribute.name != "id"
        and _value(before, attribute, resource_type) != _value(after, attribute, resource_type)
    ]


def _value(resource: Any, attribute: Attribute, resource_type: ResourceType) -> Any:
    """A value that compares equal when the attribute is the same; None when unassigned."""
    container = resource
    if extension := resource_type.extension(attribute.schema):
        container = getattr(resource, extension.field)
    if attribute.multi_valued:
        return list(getattr(container, attribute.field)) or None
    return getattr(container, attribute.field) if container.HasField(attribute.field) else None
