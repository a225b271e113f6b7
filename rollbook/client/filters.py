"""Filters and orders, built from Python expressions.

where("userName") == "ada@acme.example"
where("emails").any((where("type") == "work") & where("value").ends_with("@acme.example"))
~where("title").present() | (where("department", schema=ENTERPRISE) == "Research")
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, NoReturn

from google.protobuf.timestamp_pb2 import Timestamp

from rollbook.client.paths import attribute_path, path_text
from rollbook.v1.filter_pb2 import (
    COMPARISON_OPERATOR_CONTAINS,
    COMPARISON_OPERATOR_ENDS_WITH,
    COMPARISON_OPERATOR_EQUAL,
    COMPARISON_OPERATOR_GREATER,
    COMPARISON_OPERATOR_GREATER_OR_EQUAL,
    COMPARISON_OPERATOR_LESS,
    COMPARISON_OPERATOR_LESS_OR_EQUAL,
    COMPARISON_OPERATOR_NOT_EQUAL,
    COMPARISON_OPERATOR_PRESENT,
    COMPARISON_OPERATOR_STARTS_WITH,
    AttributePath,
    Comparison,
    ComparisonOperator,
    Filter,
    FilterValue,
    OrderBy,
    ValuePath,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

Value: TypeAlias = "str | bool | int | float | datetime | bytes | None"
"""What an attribute is compared with; None is the null of SCIM, true of an unassigned one."""

_INT64: Final = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A condition on a resource; `filter` is the message for the service. Conditions are joined
    by `&` and `|` and turned round by `~`."""

    filter: Filter

    def __and__(self, other: Condition) -> Condition:
        return _joined("and", [*_terms(self.filter, "and"), *_terms(other.filter, "and")])

    def __or__(self, other: Condition) -> Condition:
        return _joined("or", [*_terms(self.filter, "or"), *_terms(other.filter, "or")])

    def __invert__(self) -> Condition:
        negation = Filter()
        # `not` is a word of Python, so the field has no attribute that could be written.
        getattr(negation, "not").CopyFrom(self.filter)
        return Condition(negation)

    def __bool__(self) -> NoReturn:
        raise TypeError("Join conditions by & and |, and turn them round by ~.")


class Operand:
    """An attribute in an expression. Comparisons make a `Condition`; strings are compared
    without regard to case unless the attribute is case-exact. On a multi-valued attribute any
    element that compares true will do."""

    __hash__ = None  # type: ignore[assignment]  # == makes a condition, so no dict can hold it

    def __init__(self, path: AttributePath) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"where({path_text(self.path)!r})"

    def __eq__(self, value: Value) -> Condition:  # type: ignore[override]
        return self._compare(COMPARISON_OPERATOR_EQUAL, value)

    def __ne__(self, value: Value) -> Condition:  # type: ignore[override]
        return self._compare(COMPARISON_OPERATOR_NOT_EQUAL, value)

    def __gt__(self, value: Value) -> Condition:
        return self._compare(COMPARISON_OPERATOR_GREATER, value)

    def __ge__(self, value: Value) -> Condition:
        return self._compare(COMPARISON_OPERATOR_GREATER_OR_EQUAL, value)

    def __lt__(self, value: Value) -> Condition:
        return self._compare(COMPARISON_OPERATOR_LESS, value)

    def __le__(self, value: Value) -> Condition:
        return self._compare(COMPARISON_OPERATOR_LESS_OR_EQUAL, value)

    def contains(self, text: str) -> Condition:
        """Whether the value has the text somewhere."""
        return self._compare(COMPARISON_OPERATOR_CONTAINS, text)

    def starts_with(self, text: str) -> Condition:
        """Whether the value begins with the text."""
        return self._compare(COMPARISON_OPERATOR_STARTS_WITH, text)

    def ends_with(self, text: str) -> Condition:
        """Whether the value ends with the text."""
        return self._compare(COMPARISON_OPERATOR_ENDS_WITH, text)

    def present(self) -> Condition:
        """Whether the attribute has a value."""
        comparison = Comparison(path=self.path, operator=COMPARISON_OPERATOR_PRESENT)
        return Condition(Filter(comparison=comparison))

    def one_of(self, values: Iterable[Value]) -> Condition:
        """Whether the attribute equals one of the values; never, when there are none."""
        tests = [(self == value).filter for value in values]
        return _joined("or", tests) if tests else Condition(Filter(constant=False))

    def any(self, condition: Condition) -> Condition:
        """Whether one element meets the condition, whose names are those of its parts."""
        value_path = ValuePath(path=self.path, filter=condition.filter)
        return Condition(Filter(value_path=value_path))

    def _compare(self, operator: ComparisonOperator.ValueType, value: Value) -> Condition:
        comparison = Comparison(path=self.path, operator=operator, value=_value(value))
        return Condition(Filter(comparison=comparison))


def where(name: str, *, schema: str = "") -> Operand:
    """The attribute of that SCIM name, e.g. "userName", "name.familyName" or "emails.value"; of
    an extension if `schema` is its URN. Raises ValueError when the name has too many parts; the
    service finds out whether there is such an attribute."""
    return Operand(attribute_path(name, schema))


def ascending(name: str, *, schema: str = "") -> OrderBy:
    """The order by an attribute, least first; resources without a value come last."""
    return OrderBy(path=attribute_path(name, schema))


def descending(name: str, *, schema: str = "") -> OrderBy:
    """The order by an attribute, greatest first; resources without a value come first."""
    return OrderBy(path=attribute_path(name, schema), descending=True)


def filter_of(condition: Condition | Filter | None) -> Filter | None:
    """The message of a condition."""
    return condition.filter if isinstance(condition, Condition) else condition


def _joined(operator: Literal["and", "or"], terms: list[Filter]) -> Condition:
    joined = Filter()
    getattr(joined, operator).filters.extend(terms)
    return Condition(joined)


def _terms(part: Filter, operator: Literal["and", "or"]) -> list[Filter]:
    """What a filter joins by the operator: `a & b & c` is one list of three."""
    return list(getattr(part, operator).filters) if part.HasField(operator) else [part]


def _value(value: Value) -> FilterValue:
    match value:
        case None:
            message = FilterValue(null=True)
        case bool():
            message = FilterValue(boolean=value)
        case int():
            message = FilterValue(integer=_int64(value))
        case float():
            message = FilterValue(decimal=value)
        case str():
            message = FilterValue(string=value)
        case bytes():
            message = FilterValue(string=base64.b64encode(value).decode("ascii"))
        case datetime():
            message = FilterValue(date_time=timestamp(value))
        case _:
            raise TypeError(f"An attribute is not compared with a {type(value).__name__}.")
    return message


def _int64(value: int) -> int:
    if value not in _INT64:
        raise ValueError("An integer to compare with has 64 bits at the most.")
    return value


def timestamp(moment: datetime) -> Timestamp:
    """The message of a moment. Raises ValueError when it has no time zone, since it could then
    mean several."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment} has no time zone; give it one, e.g. tzinfo=UTC.")
    message = Timestamp()
    message.FromDatetime(moment)
    return message
