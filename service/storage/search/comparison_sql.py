"""One comparison as SQL: an expression of some kind, an operator, an operand as a parameter."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from service.domain.membership import parse_id
from service.domain.search.conditions import Operand, Operator
from service.storage.search.search_sql import Kind, Value, text_key

if TYPE_CHECKING:
    from collections.abc import Callable

_SYMBOLS: Final = {
    Operator.EQUAL: "=",
    Operator.GREATER: ">",
    Operator.GREATER_OR_EQUAL: ">=",
    Operator.LESS: "<",
    Operator.LESS_OR_EQUAL: "<=",
}

_PATTERNS: Final = {
    Operator.CONTAINS: "%{}%",
    Operator.STARTS_WITH: "{}%",
    Operator.ENDS_WITH: "%{}",
}

_LAST_CODE_POINT: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)


class Parameters:
    """The parameters of a statement that is being written, numbered from $1."""

    def __init__(self, values: list[object]) -> None:
        self._values = values

    def add(self, value: object, sql_type: str) -> str:
        """Append a value; returns the placeholder."""
        self._values.append(value)
        return f"${len(self._values)}::{sql_type}"


def compare(value: Value, operator: Operator, operand: Operand, parameters: Parameters) -> str:
    """True when the value compares so; false or NULL when it does not or there is none."""
    return _WRITERS[value.kind](value.sql, operator, operand, parameters)


def is_present(value: Value) -> str:
    """True when there is a value."""
    if not value.nullable:
        return "TRUE"
    return f"{value.sql} > ''" if value.kind is Kind.TEXT else f"{value.sql} IS NOT NULL"


def starts_with(column: str, prefix: Operand, parameters: Parameters) -> str:
    """A prefix as a range of a column in code point order, which an index serves."""
    assert isinstance(prefix, str)
    lower = f"{column} >= {parameters.add(prefix, 'text')}"
    end = _end_of_prefix(prefix)
    return f"({lower} AND {column} < {parameters.add(end, 'text')})" if end else lower


def key_starts_with(text: str, prefix: Operand, parameters: Parameters) -> str:
    """A prefix as a range of the text's key."""
    return starts_with(text_key(text), f"0{prefix}", parameters)


def _end_of_prefix(prefix: str) -> str:
    """The least text that is greater than all that begin with the prefix; empty for none."""
    head = prefix.rstrip(chr(_LAST_CODE_POINT))
    if not head:
        return ""
    following = ord(head[-1]) + 1
    # Surrogates are no characters.
    return head[:-1] + chr(_SURROGATES.stop if following in _SURROGATES else following)


def _compare_text(sql: str, operator: Operator, operand: Operand, parameters: Parameters) -> str:
    assert isinstance(operand, str)
    if pattern := _PATTERNS.get(operator):
        return f"{sql} LIKE {parameters.add(pattern.format(_escape_like(operand)), 'text')}"
    text = parameters.add(operand, "text")
    if operator is Operator.EQUAL:
        return f"{sql} = {text}"
    # Texts are compared by code points, whatever the collation of the database.
    comparison = f"""{sql} COLLATE "C" {_SYMBOLS[operator]} {text}"""
    # A column may hold an empty text, which counts as unassigned.
    less = operator in {Operator.LESS, Operator.LESS_OR_EQUAL}
    return f"({comparison} AND {sql} > '')" if less else comparison


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _compare_boolean(sql: str, _: Operator, operand: Operand, __: Parameters) -> str:
    return sql if operand else f"NOT {sql}"


def _compare_number(sql: str, operator: Operator, operand: Operand, parameters: Parameters) -> str:
    assert isinstance(operand, Decimal)
    return f"{sql} {_SYMBOLS[operator]} {parameters.add(operand, 'numeric')}"


def _compare_uuid(sql: str, operator: Operator, operand: Operand, parameters: Parameters) -> str:
    """Ids are texts in SCIM; the order of their texts is that of the UUIDs."""
    assert isinstance(operand, str)
    if operator is not Operator.EQUAL:
        return _compare_text(f"{sql}::text", operator, operand, parameters)
    identifier = parse_id(operand)
    return f"{sql} = {parameters.add(identifier, 'uuid')}" if identifier else "FALSE"


def _compare_time(sql: str, operator: Operator, operand: Operand, parameters: Parameters) -> str:
    """Columns hold microseconds, operands nanoseconds. A moment between two microseconds equals
    none; what is at or after it is after the microsecond before it."""
    assert isinstance(operand, str)
    microsecond, between = datetime.fromisoformat(f"{operand[:26]}Z"), operand[26:29] != "000"
    if between and operator is Operator.EQUAL:
        return "FALSE"
    if between and operator is Operator.GREATER_OR_EQUAL:
        operator = Operator.GREATER
    if between and operator is Operator.LESS:
        operator = Operator.LESS_OR_EQUAL
    return f"{sql} {_SYMBOLS[operator]} {parameters.add(microsecond, 'timestamptz')}"


_WRITERS: Final[dict[Kind, Callable[[str, Operator, Operand, Parameters], str]]] = {
    Kind.TEXT: _compare_text,
    Kind.BOOLEAN: _compare_boolean,
    Kind.NUMBER: _compare_number,
    Kind.TIME: _compare_time,
    Kind.UUID: _compare_uuid,
}
