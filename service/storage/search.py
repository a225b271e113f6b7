"""The search document of a resource: what filters and sorting read of it in the database."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import COMMON_ATTRIBUTES, Attribute, Mutability, ResourceType, Uniqueness
from service.domain.attribute_paths import as_attribute
from service.domain.search_values import is_known, search_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

ROWS: Final = frozenset({"groups", "members"})
"""Attributes whose elements are rows of the table `members`."""


def search_document(resource_type: ResourceType, message: Message) -> dict[str, object]:
    """The resource as JSON to be searched: SCIM names, extensions under their URN, values in the
    form of `service.domain.search_values`; what is unassigned is left out.

    Left out, too, is what has a column (id, externalId, meta, the unique attribute), what is
    read from other rows (groups, members, the manager's name), and the password.
    """
    return _object(message, _resource_fields(resource_type))


def has_column(attribute: Attribute) -> bool:
    """Whether a top-level attribute has a column or a table of its own."""
    unique = attribute.uniqueness is not Uniqueness.NONE
    return attribute.name in COMMON_ATTRIBUTES or attribute.name in ROWS or unique


@cache
def _resource_fields(resource_type: ResourceType) -> Mapping[str, Attribute]:
    extensions = (as_attribute(extension) for extension in resource_type.extensions)
    own = (a for a in resource_type.schema.attributes if not has_column(a))
    return _searched((*own, *extensions))


@cache
def _searched(attributes: tuple[Attribute, ...]) -> Mapping[str, Attribute]:
    """Those in the document by the name of their field; read-only ones are derived."""
    return {
        attribute.field: attribute
        for attribute in attributes
        if attribute.mutability is not Mutability.READ_ONLY and is_known(attribute)
    }


def _object(message: Any, searched: Mapping[str, Attribute]) -> dict[str, object]:
    """The values of a message by name."""
    document = {}
    for field, value in message.ListFields():
        attribute = searched.get(field.name)
        if attribute and (content := _value(value, attribute)) is not None:
            document[attribute.name] = content
    return document


def _value(value: Any, attribute: Attribute) -> object | None:
    if attribute.multi_valued:
        elements = (_single_value(element, attribute) for element in value)
        return [element for element in elements if element is not None] or None
    return _single_value(value, attribute)


def _single_value(value: Any, attribute: Attribute) -> object | None:
    if attribute.sub_attributes:
        return _object(value, _searched(attribute.sub_attributes)) or None
    return search_value(value, attribute)
