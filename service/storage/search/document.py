"""The search document of a resource: what filters and sorting read of it in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rollbook.attributes import (
    COMMON_ATTRIBUTES,
    Attribute,
    ResourceType,
    Uniqueness,
    made_once,
)
from service.domain.search.search_values import is_known, search_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.message import Message

ROWS: Final = frozenset({"groups", "members"})
"""Attributes whose elements are rows of the table `members`."""

DISPLAY_NAME: Final = "displayName"
"""What others show of a resource."""


def search_document(resource_type: ResourceType, message: Message) -> dict[str, object]:
    """The resource as JSON to be searched: SCIM names, extensions under the name that they have
    as attributes, values in the form of `service.domain.search.search_values`; what is unassigned
    is left out.

    Left out, too, is what has a column (id, externalId, meta, the unique attribute), what is
    read from other rows (groups, members, the names of managers and owners), and the password. The
    display name is there in any case, since members are searched by it whatever they are.
    """
    return _object(message, _resource_fields(resource_type))


def has_column(attribute: Attribute) -> bool:
    """Whether a top-level attribute has a column or a table of its own."""
    unique = attribute.uniqueness is not Uniqueness.NONE
    return attribute.name in COMMON_ATTRIBUTES or attribute.name in ROWS or unique


class _Searched(NamedTuple):
    """An attribute that the document has, with its parts by the names of their fields."""

    attribute: Attribute
    parts: Mapping[str, _Searched]


@made_once
def _resource_fields(resource_type: ResourceType) -> Mapping[str, _Searched]:
    own = (
        attribute
        for attribute in resource_type.schema.attributes
        if attribute.name == DISPLAY_NAME or not has_column(attribute)
    )
    # Values that nobody sees any more stay, so that they are found if they are seen again.
    extensions = (*resource_type.extensions, *resource_type.dormant)
    return _searched((*own, *(extension.as_attribute for extension in extensions)))


def _searched(attributes: Iterable[Attribute]) -> Mapping[str, _Searched]:
    """Those in the document by the name of their field; derived ones are not."""
    return {
        attribute.field: _Searched(attribute, _searched(attribute.sub_attributes))
        for attribute in attributes
        if not attribute.derived and is_known(attribute)
    }


def _object(message: Any, fields: Mapping[str, _Searched]) -> dict[str, object]:
    """The values of a message by name."""
    document = {}
    for field, value in message.ListFields():
        searched = fields.get(field.name)
        if searched and (content := _value(value, searched)) is not None:
            document[searched.attribute.name] = content
    return document


def _value(value: Any, searched: _Searched) -> object | None:
    if searched.attribute.multi_valued:
        elements = (_single_value(element, searched) for element in value)
        return [element for element in elements if element is not None] or None
    return _single_value(value, searched)


def _single_value(value: Any, searched: _Searched) -> object | None:
    if searched.attribute.sub_attributes:
        return _object(value, searched.parts) or None
    return search_value(value, searched.attribute)
