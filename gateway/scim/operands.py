"""What a filter compares with: a literal becomes a value of the attribute's type."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from gateway.scim.date_time import timestamp_from_text
from gateway.scim.dialects import Tolerance
from gateway.scim.errors import invalid_filter
from gateway.scim.lexer import Kind
from rollbook.attributes import AttributeType
from rollbook.v1.filter_pb2 import FilterValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.scim.dialects import Reading
    from gateway.scim.lexer import Token

NULL: Final = "null"

_BOOLEANS: Final = {"true": True, "false": False}
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_INT64: Final = range(-(2**63), 2**63)
_MAX_DIGITS: Final = 20


class _LiteralError(ValueError):
    """The literal is none of the attribute's type; the text says what is expected."""


def operand(kind: AttributeType, comparison: str, literal: Token, reading: Reading) -> FilterValue:
    """The value that a literal stands for, given the type of what it is compared with.

    `comparison` is the attribute and operator, for the message. Raises invalidFilter when the
    literal is not of that type. `null` is no literal here: see RFC 7643 §2.5.
    """
    try:
        return _READERS[kind](literal, reading)
    except _LiteralError as error:
        shown = f'"{literal.text[:80]}"' if literal.kind is Kind.TEXT else literal.text[:80]
        raise invalid_filter(f"{comparison} takes {error}, not {shown}.") from None


def _text(literal: Token, reading: Reading) -> str:
    if literal.kind is Kind.TEXT:
        return literal.text
    if literal.text.lower() in _BOOLEANS:
        raise _LiteralError("text in double quotes")
    if not reading.tolerates(Tolerance.UNQUOTED_FILTER_VALUE):
        raise _LiteralError("text in double quotes")
    return literal.text


def _string(literal: Token, reading: Reading) -> FilterValue:
    return FilterValue(string=_text(literal, reading))


def _boolean(literal: Token, reading: Reading) -> FilterValue:
    value = _BOOLEANS.get(literal.text.lower())
    if value is None:
        raise _LiteralError("true or false")
    if literal.kind is Kind.TEXT and not reading.tolerates(Tolerance.STRING_BOOLEAN):
        raise _LiteralError("true or false without quotes")
    return FilterValue(boolean=value)


def _number(literal: Token, reading: Reading) -> str:
    if not _NUMBER.fullmatch(literal.text):
        raise _LiteralError("a number")
    if literal.kind is Kind.TEXT and not reading.tolerates(Tolerance.STRING_NUMBER):
        raise _LiteralError("a number without quotes")
    return literal.text


def _integer(literal: Token, reading: Reading) -> FilterValue:
    digits = _number(literal, reading)
    if not digits.removeprefix("-").isdigit():
        raise _LiteralError("an integer")
    if len(digits) > _MAX_DIGITS or int(digits) not in _INT64:
        raise _LiteralError("an integer of at most 64 bits")
    return FilterValue(integer=int(digits))


def _decimal(literal: Token, reading: Reading) -> FilterValue:
    value = float(_number(literal, reading))
    if math.isinf(value):
        raise _LiteralError("a number that fits in 64 bits")
    return FilterValue(decimal=value)


def _date_time(literal: Token, reading: Reading) -> FilterValue:
    try:
        return FilterValue(date_time=timestamp_from_text(_text(literal, reading)))
    except _LiteralError:
        raise
    except ValueError:
        raise _LiteralError('a dateTime such as "2026-01-31T08:00:00Z"') from None


_READERS: Final[Mapping[AttributeType, Callable[[Token, Reading], FilterValue]]] = {
    AttributeType.STRING: _string,
    AttributeType.REFERENCE: _string,
    AttributeType.BINARY: _string,
    AttributeType.BOOLEAN: _boolean,
    AttributeType.INTEGER: _integer,
    AttributeType.DECIMAL: _decimal,
    AttributeType.DATE_TIME: _date_time,
}
