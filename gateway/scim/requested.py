"""Attributes that are returned on request (RFC 7643 §7): which of them a client has set.

Those are part of the answer to the POST, PUT or PATCH that sets them, without being named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.attributes import Returned, made_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from google.protobuf.message import Message

    from rollbook.attributes import Attribute, ResourceType
    from rollbook.v1.patch_pb2 import PatchOperation

    Paths = frozenset[tuple[str, ...]]
    """Names of members on the way from a rendered resource to an attribute."""

_NONE: Paths = frozenset()


def set_on_request(resource_type: ResourceType, resources: Iterable[Message]) -> Paths:
    """The attributes returned on request that resources, whole or partial, have set."""
    if not _has_any(resource_type):
        return _NONE
    return frozenset(path for each in resources for path in _paths(resource_type, each))


def set_by_patch(resource_type: ResourceType, operations: Iterable[PatchOperation]) -> Paths:
    """The attributes returned on request that operations set."""
    if not _has_any(resource_type):
        return _NONE
    return set_on_request(
        resource_type,
        (
            # The class of operations knows the contract alone.
            resource_type.message.FromString(getattr(each, resource_type.field).SerializeToString())
            for each in operations
        ),
    )


@made_once
def _has_any(resource_type: ResourceType) -> bool:
    schemas = [resource_type.schema, *(each.schema for each in resource_type.extensions)]
    return any(_concerns(attribute) for schema in schemas for attribute in schema.attributes)


def _concerns(attribute: Attribute) -> bool:
    return attribute.returned is Returned.REQUEST or any(map(_concerns, attribute.sub_attributes))


def _paths(resource_type: ResourceType, resource: Message) -> Iterator[tuple[str, ...]]:
    yield from _within(resource_type.schema.attributes, resource)
    for extension in resource_type.extensions:
        if resource.HasField(extension.field):
            inner = getattr(resource, extension.field)
            for path in _within(extension.schema.attributes, inner):
                yield (extension.schema.urn, *path)


def _within(attributes: Sequence[Attribute], message: Message) -> Iterator[tuple[str, ...]]:
    assigned = {field.name: value for field, value in message.ListFields()}
    for attribute in filter(_concerns, attributes):
        if attribute.field not in assigned:
            continue
        if attribute.returned is Returned.REQUEST:
            yield (attribute.name,)
        value = assigned[attribute.field]
        for each in value if attribute.multi_valued else (value,):
            for path in _within(attribute.sub_attributes, each) if attribute.sub_attributes else ():
                yield (attribute.name, *path)
