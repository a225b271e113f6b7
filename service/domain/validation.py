"""What every stored resource must satisfy, read from the attribute tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import Attribute, AttributeType, Mutability, ResourceType, Schema
from service.domain.errors import invalid_value
from service.domain.search.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

MAX_RESOURCE_BYTES: Final = 1_048_576
"""The largest resource stored, in bytes of its protobuf form, members not counted."""

MAX_KEY_LENGTH: Final = 512
"""Attributes with at most so many characters may be indexed."""

MAX_KEY_BYTES: Final = 2_000
"""The longest folded value of a unique or often searched attribute, in bytes of UTF-8: a B-tree
entry of PostgreSQL holds no more than about 2,700."""

_SECONDS: Final = range(-62_135_596_800, 253_402_300_800)
"""The years 1 to 9999, as google.protobuf.Timestamp has them."""

_NANOSECONDS: Final = range(1_000_000_000)


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
    """Drop what the caller may not set: it is ignored in requests (RFC 7643 §7)."""
    for extension in resource_type.dormant:
        resource.ClearField(extension.field)
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


def require_extensions(
    resource: Message, resource_type: ResourceType, *, before: Message | None = None
) -> None:
    """Check that a resource has the extensions that every one of its type must have (RFC 7643
    §6). A change of a resource that was without one `before` need not add it.

    Raises INVALID_VALUE naming the extension.
    """
    for extension in resource_type.extensions:
        if not extension.required or resource.HasField(extension.field):
            continue
        if before is None or before.HasField(extension.field):
            urn = extension.schema.urn
            raise invalid_value(urn, f"{urn} is required of every {resource_type.name}.")


def validate(resource: Message, resource_type: ResourceType) -> None:
    """Check a resource that is about to be stored.

    Raises INVALID_VALUE naming the attribute when a required one is missing or blank, a string
    is too long or holds a NUL, a number or moment is none that SCIM can write, two elements are
    primary, or the resource is too large.
    """
    for schema, container in containers(resource, resource_type):
        prefix = "" if schema is resource_type.schema else f"{schema.urn}:"
        for attribute in schema.attributes:
            _check_required(container, attribute, f"{prefix}{attribute.name}")
            _check_values(container, attribute, f"{prefix}{attribute.name}")
    if (size := resource.ByteSize()) > MAX_RESOURCE_BYTES:
        raise invalid_value(
            "", f"The resource has {size} bytes; {MAX_RESOURCE_BYTES} are the most that is kept."
        )


def _check_required(container: Message, attribute: Attribute, path: str) -> None:
    if attribute.required and not _has_content(container, attribute):
        raise invalid_value(path, f"{path} is required and must not be empty.")


def _has_content(container: Message, attribute: Attribute) -> bool:
    value = getattr(container, attribute.field)
    if attribute.multi_valued:
        return len(value) > 0
    return container.HasField(attribute.field) and not _is_blank(value)


def _is_blank(value: object) -> bool:
    return not value.strip() if isinstance(value, str) else value == b""


def _check_values(container: Message, attribute: Attribute, path: str) -> None:
    if attribute.multi_valued:
        values = getattr(container, attribute.field)
        _check_primary(values, attribute, path)
        for index, element in enumerate(values):
            _check_value(element, attribute, f"{path}[{index}]")
    elif container.HasField(attribute.field):
        _check_value(getattr(container, attribute.field), attribute, path)


def _check_value(value: Any, attribute: Attribute, path: str) -> None:
    match attribute.type:
        case AttributeType.STRING | AttributeType.REFERENCE:
            _check_text(value, attribute, path)
        case AttributeType.COMPLEX:
            for part in attribute.sub_attributes:
                _check_required(value, part, f"{path}.{part.name}")
                _check_values(value, part, f"{path}.{part.name}")
        case AttributeType.DECIMAL if not math.isfinite(value):
            raise invalid_value(path, f"{path} is no number that JSON can write.")
        case AttributeType.DATE_TIME if not _is_moment(value):
            raise invalid_value(path, f"{path} is no moment of the years 1 to 9999.")


def _is_moment(timestamp: Timestamp) -> bool:
    return timestamp.seconds in _SECONDS and timestamp.nanos in _NANOSECONDS


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
