"""Messages put together from parts that are in wire form already.

A field that holds a message and a field that holds bytes look alike on the wire, so a stored
resource becomes part of a response without being parsed and written again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LENGTH_DELIMITED = 2
_LAST_SEVEN_BITS = 0x7F


def varint(number: int) -> bytes:
    """A non-negative number as a base-128 varint."""
    parts = bytearray()
    while number > _LAST_SEVEN_BITS:
        parts.append(number & _LAST_SEVEN_BITS | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def nested(field_number: int, payload: bytes) -> bytes:
    """A field that holds a message or bytes."""
    return varint(field_number << 3 | _LENGTH_DELIMITED) + varint(len(payload)) + payload


def repeated(field_number: int, payloads: Iterable[bytes]) -> bytes:
    """A repeated field of messages."""
    return b"".join(nested(field_number, payload) for payload in payloads)
