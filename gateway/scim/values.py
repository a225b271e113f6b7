"""JSON → the values of simple attributes, by SCIM data type (RFC 7643 §2.3)."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Final

from gateway.scim.date_time import timestamp_from_text
from gateway.scim.dialects import Tolerance
from gateway.scim.errors import invalid_value
from rollbook.attributes import AttributeType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.timestamp_pb2 import Timestamp

    from gateway.scim.dialects import Reading
    from rollbook.attributes import Attribute

_KINDS: Final[Mapping[type, str]] = {
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    dict: "an object",
    list: "an array",
    type(None): "null",
}

_BOOLEANS: Final = {"true": True, "false": False}
_INTEGER: Final = re.compile(r"-?\d{1,19}", re.ASCII)
_DECIMAL: Final = re.compile(r"-?\d{1,100}(\.\d{1,100})?", re.ASCII)
_YEAR: Final = re.compile(r"\d{4}-", re.ASCII)
_INT64: Final = range(-(2**63), 2**63)
_URL_SAFE: Final = str.maketrans("-_", "+/")


class _UnfitError(ValueError):
    """A value does not fit; the text says what is wrong, without the attribute's name."""


def kind_of(value: object) -> str:
    """What a JSON value is, for error messages: "an object"."""
    return _KINDS[type(value)]


def is_unassigned(value: object) -> bool:
    """Whether a JSON value stands for no value: null, [] (RFC 7643 §2.5) or "", by which
    several identity providers mean the same."""
    return not value and (value is None or value in ("", []))


def value_from_scim(attribute: Attribute, value: object, path: str, reading: Reading) -> object:
    """The value of a simple attribute as its protobuf field takes it.

    `path` names the attribute in the error. Raises ScimError invalidValue when the value is not
    of the attribute's type.
    """
    try:
        return _CONVERTERS[attribute.type](value, reading)
    except _UnfitError as unfit:
        raise invalid_value(f"{path} {unfit}.") from None


def _string(value: object, _reading: Reading) -> str:
    if not isinstance(value, str):
        raise _mismatch("a string", value)
    if "\0" in value:
        raise _UnfitError("must not contain the character U+0000")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _UnfitError("must not contain half of a surrogate pair") from None
    return value


def _boolean(value: object, reading: Reading) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        boolean = _BOOLEANS.get(value.lower())
        if boolean is not None and reading.tolerates(Tolerance.STRING_BOOLEAN):
            return boolean
    raise _mismatch("a boolean", value)


def _integer(value: object, reading: Reading) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        if reading.tolerates(Tolerance.STRING_NUMBER):
            value = int(value)
    elif isinstance(value, float):
        raise _UnfitError("must be an integer, without fraction or exponent")
    if not isinstance(value, int) or isinstance(value, bool):
        raise _mismatch("an integer", value)
    if value not in _INT64:
        raise _UnfitError("must be an integer of at most 64 bits")
    return value


def _decimal(value: object, reading: Reading) -> float:
    if (
        isinstance(value, str)
        and _DECIMAL.fullmatch(value)
        and reading.tolerates(Tolerance.STRING_NUMBER)
    ):
        return float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _mismatch("a number", value)
    try:
        return float(value)
    except OverflowError:
        raise _UnfitError("must be a number of double precision") from None


def _date_time(value: object, _reading: Reading) -> Timestamp:
    if not isinstance(value, str):
        raise _mismatch("a dateTime string", value)
    try:
        # Timestamps end with the year 9999: longer years would not be stored as they were sent.
        if _YEAR.match(value):
            return timestamp_from_text(value)
    except ValueError:
        pass
    raise _UnfitError("must be a dateTime such as 2026-03-01T09:00:00Z")


def _binary(value: object, reading: Reading) -> bytes:
    if not isinstance(value, str):
        raise _mismatch("a base64 string", value)
    text = value
    if ("-" in text or "_" in text) and reading.tolerates(Tolerance.URL_SAFE_BINARY):
        text = text.translate(_URL_SAFE)
    # RFC 7643 §2.3.6: padding may be left out.
    text = text.rstrip("=")
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise _UnfitError("must be base64 (RFC 4648 §4)") from None


def _mismatch(expected: str, value: object) -> _UnfitError:
    return _UnfitError(f"must be {expected}, not {kind_of(value)}")


_CONVERTERS: Final[Mapping[AttributeType, Callable[[object, Reading], object]]] = {
    AttributeType.STRING: _string,
    AttributeType.REFERENCE: _string,
    AttributeType.BOOLEAN: _boolean,
    AttributeType.INTEGER: _integer,
    AttributeType.DECIMAL: _decimal,
    AttributeType.DATE_TIME: _date_time,
    AttributeType.BINARY: _binary,
}
