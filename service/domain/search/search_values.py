"""The form in which values are compared, in memory and in the database.

Texts are folded if their attribute ignores case, moments are texts whose order is that of time,
binary values are base64. An unassigned value has no form (RFC 7643 §2.5).
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import Attribute, AttributeType, Returned
from service.domain.search.folding import fold, ignores_case

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_known(attribute: Attribute) -> bool:
    """Whether the service can read values of the attribute: it keeps no password, and addresses
    of resources (`$ref`, `meta.location`) are made by the gateway."""
    is_reference = attribute.type is AttributeType.REFERENCE
    address = attribute.name == "$ref" or (is_reference and attribute.derived)
    return attribute.returned is not Returned.NEVER and not address


def search_value(value: Any, attribute: Attribute) -> str | bool | int | float | None:
    """A simple value as it is compared; None for an empty text, which counts as unassigned."""
    if isinstance(value, str):
        return (fold(value) if ignores_case(attribute) else value) or None
    if isinstance(value, bytes):
        return b64encode(value).decode() or None
    if attribute.type is AttributeType.DATE_TIME:
        return instant(value)
    simple: bool | int | float = value
    return simple


def instant(timestamp: Timestamp) -> str:
    """A moment as text of fixed width, to the nanosecond: `2026-01-31T00:00:00.000000000Z`.

    Raises OverflowError for what is not within the years 1 to 9999.
    """
    moment = _EPOCH + timedelta(seconds=timestamp.seconds)
    return f"{moment.isoformat()[:19]}.{timestamp.nanos:09d}Z"


def read(message: Any, attribute: Attribute) -> Any:
    """What a field of a message holds; None when it is not set, or a list without elements."""
    if attribute.multi_valued:
        return getattr(message, attribute.field) or None
    return getattr(message, attribute.field) if message.HasField(attribute.field) else None


def is_assigned(value: Any, attribute: Attribute) -> bool:
    """Whether a value that was read has content, at whatever depth."""
    if value is None:
        return False
    if attribute.multi_valued:
        return any(is_assigned_element(element, attribute) for element in value)
    return is_assigned_element(value, attribute)


def is_assigned_element(value: Any, attribute: Attribute) -> bool:
    """Whether one value has content: an empty text has none, a complex value whose parts have
    none neither, `false` has."""
    if attribute.sub_attributes:
        return has_content(value, attribute.sub_attributes)
    return value not in ("", b"")


def has_content(message: Any, attributes: Iterable[Attribute]) -> bool:
    """Whether any of the attributes has a value in the message."""
    return any(
        is_assigned(read(message, attribute), attribute)
        for attribute in attributes
        if is_known(attribute)
    )
