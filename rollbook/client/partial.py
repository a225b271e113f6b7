"""Resources in which only some attributes are set, by their SCIM names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from rollbook.attributes import AttributeType
from rollbook.client.filters import timestamp
from rollbook.client.paths import path_text

if TYPE_CHECKING:
    from typing import TypeAlias

    from rollbook.attributes import Attribute, Extension, ResourceType
    from rollbook.v1.filter_pb2 import AttributePath

Scalar: TypeAlias = "str | bool | int | float | datetime | bytes"
Value: TypeAlias = "Scalar | Message | Sequence[Message] | Sequence[str]"
"""The value of an attribute. One of a complex attribute is its message, e.g. `Email(value=…)`;
of a multi-valued one, a sequence gives several elements."""

_PYTHON_TYPES: Final[dict[AttributeType, tuple[type, ...]]] = {
    AttributeType.STRING: (str,),
    AttributeType.REFERENCE: (str,),
    AttributeType.BOOLEAN: (bool,),
    AttributeType.INTEGER: (int,),
    AttributeType.DECIMAL: (float, int),
    AttributeType.DATE_TIME: (datetime,),
    AttributeType.BINARY: (bytes,),
}


def set_attribute(
    resource: Message, resource_type: ResourceType, path: AttributePath, value: Value
) -> None:
    """Set the value under a path of a resource. Elements are added to those of a multi-valued
    attribute; with a sub-attribute the first element is completed, or made. Raises ValueError
    when the type has no such attribute, TypeError when the attribute does not take the value."""
    extension = resource_type.extension(path.schema) if path.schema else None
    holder = getattr(resource, extension.field) if extension else resource
    if extension and not path.attribute:
        _set_extension(holder, extension, value)
        return
    attribute = find_attribute(resource_type, path)
    if path.sub_attribute:
        _set(_element(holder, attribute), find_part(attribute, path), value, path)
    else:
        _set(holder, attribute, value, path)


def find_attribute(resource_type: ResourceType, path: AttributePath) -> Attribute:
    """The attribute that a path names, a sub-attribute's parent. Raises ValueError when the
    type has none of that name."""
    attribute = resource_type.attribute(path.attribute, path.schema)
    if attribute is None:
        raise ValueError(f"A {resource_type.name} has no attribute {path_text(path)!r}.")
    return attribute


def find_part(attribute: Attribute, path: AttributePath) -> Attribute:
    """The sub-attribute that a path names. Raises ValueError when there is none of that name."""
    part = attribute.sub_attribute(path.sub_attribute)
    if part is None:
        parts = ", ".join(part.name for part in attribute.sub_attributes) or "no parts"
        raise ValueError(f"{attribute.name} has no part {path.sub_attribute!r}; it has {parts}.")
    return part


def _set_extension(holder: Message, extension: Extension, value: Value) -> None:
    if not isinstance(value, extension.schema.message):
        raise TypeError(f"{extension.schema.urn} takes a message {extension.schema.name}.")
    holder.CopyFrom(value)


def _element(holder: Message, attribute: Attribute) -> Message:
    """The value of a complex attribute whose part is to be set."""
    container = getattr(holder, attribute.field)
    if not attribute.multi_valued:
        element: Message = container
    elif container:
        element = container[0]
    else:
        element = container.add()
    return element


def _set(holder: Message, attribute: Attribute, value: Value, path: AttributePath) -> None:
    if attribute.multi_valued:
        elements = value if _is_several(value) else [value]
        getattr(holder, attribute.field).extend(
            [_checked(attribute, element, path) for element in elements]  # type: ignore[union-attr]
        )
        return
    checked = _checked(attribute, value, path)
    if isinstance(checked, Message):
        part = getattr(holder, attribute.field)
        part.CopyFrom(checked)
        part.SetInParent()
    else:
        setattr(holder, attribute.field, checked)


def _is_several(value: Value) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _checked(attribute: Attribute, value: object, path: AttributePath) -> object:
    """The value as its field holds it. Raises TypeError when it is of another type."""
    expected = _expected(attribute)
    unwanted_bool = isinstance(value, bool) and bool not in expected
    if not isinstance(value, expected) or unwanted_bool:
        raise TypeError(
            f"{path_text(path)} takes {_article(expected[0])}, not {_article(type(value))}."
        )
    return timestamp(value) if isinstance(value, datetime) else value


def _expected(attribute: Attribute) -> tuple[type, ...]:
    if attribute.message is not None:
        return (attribute.message,)
    return _PYTHON_TYPES[attribute.type]


def _article(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'aeiouAEIOU' else 'a'} {kind.__name__}"
