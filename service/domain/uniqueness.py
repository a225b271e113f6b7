"""Values of registered attributes of which one resource of a type may have each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rollbook.attributes import Attribute, Extension, ResourceType, Uniqueness, made_once
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.domain.search.search_values import read, search_value

if TYPE_CHECKING:
    from google.protobuf.message import Message


class _Unique(NamedTuple):
    """A unique attribute of an extension; `key` is what storage calls it."""

    key: str
    extension: Extension
    attribute: Attribute


@made_once
def _unique_attributes(resource_type: ResourceType) -> list[_Unique]:
    return [
        _Unique(f"{extension.as_attribute.name}:{attribute.name}", extension, attribute)
        for extension in (*resource_type.extensions, *resource_type.dormant)
        for attribute in extension.schema.attributes
        if attribute.uniqueness is not Uniqueness.NONE
    ]


def unique_values(resource: Message, resource_type: ResourceType) -> dict[str, str]:
    """The values of a resource that no other may have, by the key of their attribute: as they
    are compared, so that `A` is `a` unless case matters."""
    values = {}
    for unique in _unique_attributes(resource_type):
        if resource.HasField(unique.extension.field):
            container: Any = getattr(resource, unique.extension.field)
            value = read(container, unique.attribute)
            form = None if value is None else search_value(value, unique.attribute)
            if form is not None:
                values[unique.key] = str(form)
    return values


def taken(key: str, resource_type: ResourceType) -> DomainError:
    """UNIQUENESS: another resource has the value of the attribute that storage calls so."""
    unique = next(each for each in _unique_attributes(resource_type) if each.key == key)
    path = f"{unique.attribute.schema}:{unique.attribute.name}"
    return DomainError(
        ErrorReason.ERROR_REASON_UNIQUENESS,
        f"The value of {path} is already in use by another {resource_type.noun}.",
        field=path,
        metadata={"attribute": path},
    )
