"""What every stored resource must satisfy, read from the attribute tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollbook.attributes import Attribute, AttributeType, Mutability, ResourceType, Schema
from service.domain.errors import invalid_value
from service.domain.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message

MAX_RESOURCE_BYTES: Final = 1_048_576
"""The largest resource stored, in bytes of its protobuf form, members not counted."""

MAX_KEY_LENGTH: Final = 512
"""Attributes with at most so many characters may be indexed."""

MAX_KEY_BYTES: Final = 2_000
"""The longest folded value of a unique or often searched attribute, in bytes of UTF-8: a B-tree
entry of PostgreSQL holds no more than about 2,700."""

_TEXT: Final = (AttributeType.STRING, AttributeType.REFERENCE)


def attributes_of(resource_type: ResourceType) -> Iterator[tuple[str, Attribute]]:
    """Every top-level attribute of the core schema and the extensions with its SCIM path."""
    for attribute in resource_type.schema.attributes:
        yield attribute.name, attribute
    for extension in resource_type.extensions:
        for attribute in extension.schema.attributes:
            yield f"{extension.schema.urn}:{attribute.name}", attribute


def containers(resource: Message, resource_type: ResourceType) -> Iterator[tuple[Schema, Message]]:
    """The messages that hold the attributes: the resource itself and each populated extension."""
    yield resource_type.schema, resource
    for extension in resource_type.extensions:
        if resource.HasField(extension.field):
            yield extension.schema, getattr(resource, extension.field)


def clear_read_only(resource: Message, resource_type: ResourceType) -> None:
    """Drop what only the service may set: it is ignored in requests (RFC 7643 §7)."""
    for schema, container in containers(resource, resource_type):
        _clear_read_only(container, schema.attributes)


def _clear_read_only(message: Message, attributes: Iterable[Attribute]) -> None:
    for attribute in attributes:
        if attribute.mutability is Mutability.READ_ONLY:
            message.ClearField(attribute.field)
        elif attribute.multi_valued and attribute.sub_attributes:
            for element in getattr(message, attribute.field):
                _clear_read_only(element, attribute.sub_attributes)
        elif attribute.sub_attributes and message.HasField(attribute.field):
            _clear_read_only(getattr(message, attribute.field), attribute.sub_attributes)


def prune(resource: Message, resource_type: ResourceType) -> None:
    """Drop complex values without content: they are unassigned (RFC 7643 §2.5)."""
    for schema, container in containers(resource, resource_type):
        for attribute in schema.attributes:
            if attribute.sub_attributes:
                _prune_attribute(container, attribute)
    for extension in resource_type.extensions:
        if (
            resource.HasField(extension.field)
            and not getattr(resource, extension.field).ListFields()
        ):
            resource.ClearField(extension.field)


def _prune_attribute(container: Message, attribute: Attribute) -> None:
    if attribute.multi_valued:
        elements = getattr(container, attribute.field)
        for index in range(len(elements) - 1, -1, -1):
            if not elements[index].ListFields():
                del elements[index]
    elif (
        container.HasField(attribute.field) and not getattr(container, attribute.field).ListFields()
    ):
        container.ClearField(attribute.field)


def validate(resource: Message, resource_type: ResourceType) -> None:
    """Check a resource that is about to be stored.

    Raises INVALID_VALUE naming the attribute when a required one is missing or blank, a string
    is too long or holds a NUL, two elements are primary, or the resource is too large.
    """
    for schema, container in containers(resource, resource_type):
        prefix = "" if schema is resource_type.schema else f"{schema.urn}:"
        for attribute in schema.attributes:
            _check_required(container, attribute, prefix)
            _check_values(container, attribute, f"{prefix}{attribute.name}")
    if (size := resource.ByteSize()) > MAX_RESOURCE_BYTES:
        raise invalid_value(
            "", f"The resource has {size} bytes; {MAX_RESOURCE_BYTES} are the most that is kept."
        )


def _check_required(container: Message, attribute: Attribute, prefix: str) -> None:
    if not attribute.required:
        return
    path = f"{prefix}{attribute.name}"
    value = getattr(container, attribute.field)
    if (isinstance(value, str) and not value.strip()) or not value:
        raise invalid_value(path, f"{path} is required and must not be empty.")


def _check_values(container: Message, attribute: Attribute, path: str) -> None:
    if attribute.multi_valued:
        values = getattr(container, attribute.field)
        if attribute.sub_attributes:
            _check_primary(values, attribute, path)
            for index, element in enumerate(values):
                _check_parts(element, attribute, f"{path}[{index}]")
        elif attribute.type in _TEXT:
            for index, text in enumerate(values):
                _check_text(text, attribute, f"{path}[{index}]")
    elif attribute.type in _TEXT:
        if container.HasField(attribute.field):
            _check_text(getattr(container, attribute.field), attribute, path)
    elif attribute.sub_attributes and container.HasField(attribute.field):
        _check_parts(getattr(container, attribute.field), attribute, path)


def _check_parts(value: Message, attribute: Attribute, path: str) -> None:
    for part in attribute.sub_attributes:
        _check_values(value, part, f"{path}.{part.name}")


def _check_primary(elements: Iterable[Message], attribute: Attribute, path: str) -> None:
    if attribute.sub_attribute("primary") is None:
        return
    if sum(element.primary for element in elements) > 1:  # type: ignore[attr-defined]
        raise invalid_value(path, f"{path} has more than one primary element; mark one only.")


def _check_text(text: str, attribute: Attribute, path: str) -> None:
    if len(text) > attribute.max_length:
        raise invalid_value(
            path,
            f"{path} has {len(text)} characters; {attribute.max_length} are the most allowed.",
        )
    if "\0" in text:
        raise invalid_value(path, f"{path} contains the character U+0000, which cannot be stored.")
    # Folding can lengthen a string (U+FDFA becomes 18 characters), so a limit in characters
    # does not bound the index entry.
    if attribute.max_length <= MAX_KEY_LENGTH and not text.isascii():
        size = len((text if attribute.case_exact else fold(text)).encode())
        if size > MAX_KEY_BYTES:
            raise invalid_value(
                path,
                f"{path} has {size} bytes once its case is folded; {MAX_KEY_BYTES} are the most.",
            )
