"""The operands of comparisons: which operators a type has, and values put into comparable form."""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from rollbook.attributes import Attribute, AttributeType
from rollbook.v1 import filter_pb2
from service.domain.errors import invalid_filter
from service.domain.search.conditions import (
    FALSE,
    Condition,
    Operand,
    Operator,
    Path,
    Present,
    Test,
)
from service.domain.search.folding import fold, ignores_case
from service.domain.search.search_values import instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.timestamp_pb2 import Timestamp

    from rollbook.v1.filter_pb2 import Comparison, FilterValue

MAX_OPERAND_LENGTH: Final = 4096
"""The longest operand, in characters."""

_NANOSECONDS: Final = range(1_000_000_000)

_OPERATORS: Final[dict[int, Operator]] = {
    filter_pb2.COMPARISON_OPERATOR_EQUAL: Operator.EQUAL,
    # `ne` is the negation of `eq`, which the caller sees to.
    filter_pb2.COMPARISON_OPERATOR_NOT_EQUAL: Operator.EQUAL,
    filter_pb2.COMPARISON_OPERATOR_CONTAINS: Operator.CONTAINS,
    filter_pb2.COMPARISON_OPERATOR_STARTS_WITH: Operator.STARTS_WITH,
    filter_pb2.COMPARISON_OPERATOR_ENDS_WITH: Operator.ENDS_WITH,
    filter_pb2.COMPARISON_OPERATOR_GREATER: Operator.GREATER,
    filter_pb2.COMPARISON_OPERATOR_GREATER_OR_EQUAL: Operator.GREATER_OR_EQUAL,
    filter_pb2.COMPARISON_OPERATOR_LESS: Operator.LESS,
    filter_pb2.COMPARISON_OPERATOR_LESS_OR_EQUAL: Operator.LESS_OR_EQUAL,
}

_EQUALITY: Final = frozenset({Operator.EQUAL})
_SUBSTRING: Final = frozenset({Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH})
_ORDER: Final = frozenset(Operator) - _SUBSTRING
_MET_BY_ALL: Final = _SUBSTRING | {Operator.GREATER, Operator.GREATER_OR_EQUAL}

_ALLOWED: Final = {
    AttributeType.STRING: frozenset(Operator),
    AttributeType.REFERENCE: frozenset(Operator),
    AttributeType.INTEGER: _ORDER,
    AttributeType.DECIMAL: _ORDER,
    AttributeType.DATE_TIME: _ORDER,
    # RFC 7644 table 3: gt, ge, lt and le on boolean and binary SHALL fail with invalidFilter.
    AttributeType.BOOLEAN: _EQUALITY,
    AttributeType.BINARY: _EQUALITY,
}


def test_of(comparison: Comparison, attribute: Attribute, text: str) -> Callable[[Path], Condition]:
    """The test that a comparison makes of a value of the attribute; `ne` makes that of `eq`.

    Raises INVALID_FILTER naming the attribute by `text` when its type lacks the operator or the
    operand is not of its type.
    """
    operator = _OPERATORS.get(comparison.operator)
    if operator is None:
        raise invalid_filter(f"{text} is compared by an unknown operator.")
    if operator not in _ALLOWED[attribute.type]:
        raise invalid_filter(f"{text} is a {attribute.type}, which {operator} cannot compare.")
    operand = _operand(comparison.value, attribute, f"{text} {operator}")
    if operand == "":
        # An empty text is part of every text that is there, which all are greater.
        return Present if operator in _MET_BY_ALL else lambda _: FALSE
    return lambda path: Test(path, operator, operand)


def _operand(value: FilterValue, attribute: Attribute, text: str) -> Operand:
    kind = value.WhichOneof("kind")
    match attribute.type, kind:
        case ((AttributeType.STRING | AttributeType.REFERENCE), "string"):
            operand = _text(value.string, text)
            return fold(operand) if ignores_case(attribute) else operand
        case AttributeType.BINARY, "string":
            return standard_base64(_text(value.string, text), text)
        case AttributeType.BOOLEAN, "boolean":
            return value.boolean
        case ((AttributeType.INTEGER | AttributeType.DECIMAL), "integer"):
            return Decimal(value.integer)
        case ((AttributeType.INTEGER | AttributeType.DECIMAL), "decimal"):
            return _decimal(value.decimal, text)
        case AttributeType.DATE_TIME, "date_time":
            return _instant(value.date_time, text)
    given = {None: "nothing", "null": "null", "date_time": "a dateTime"}.get(kind, f"a {kind}")
    raise invalid_filter(f"{text} needs a {attribute.type} to compare with, not {given}.")


def _text(operand: str, text: str) -> str:
    if len(operand) > MAX_OPERAND_LENGTH:
        raise invalid_filter(
            f"{text} has an operand of {len(operand)} characters; {MAX_OPERAND_LENGTH} are the"
            " most allowed."
        )
    if "\0" in operand:
        raise invalid_filter(f"{text} has the character U+0000 in its operand: no value has it.")
    return operand


def standard_base64(operand: str, text: str) -> str:
    """In the standard alphabet and with padding, whichever way it was written (RFC 7643 §2.3.6
    has both alphabets)."""
    standard = operand.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return b64encode(b64decode(standard + "=" * (-len(standard) % 4), validate=True)).decode()
    except ValueError as error:
        raise invalid_filter(f"{text} has an operand that is not base64.") from error


def _decimal(operand: float, text: str) -> Decimal:
    if not math.isfinite(operand):
        raise invalid_filter(f"{text} has an operand that is no number.")
    # As it is written: 0.1 is the tenth that the client means.
    return Decimal(repr(operand))


def _instant(operand: Timestamp, text: str) -> str:
    try:
        if operand.nanos in _NANOSECONDS:
            return instant(operand)
    except OverflowError:
        pass
    raise invalid_filter(f"{text} has an operand that is no moment of the years 1 to 9999.")
