"""Conditions decided in memory, on a resource or an element of one."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from service.domain.search.conditions import (
    And,
    Condition,
    Constant,
    Element,
    Not,
    Operator,
    Or,
    Path,
    Present,
    Test,
)
from service.domain.search.search_values import is_assigned_element, search_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COMPARE: Final[dict[Operator, Callable[[Any, Any], bool]]] = {
    Operator.EQUAL: operator.eq,
    Operator.CONTAINS: operator.contains,
    Operator.STARTS_WITH: str.startswith,
    Operator.ENDS_WITH: str.endswith,
    Operator.GREATER: operator.gt,
    Operator.GREATER_OR_EQUAL: operator.ge,
    Operator.LESS: operator.lt,
    Operator.LESS_OR_EQUAL: operator.le,
}


def matches(condition: Condition, subject: Any) -> bool:
    """Whether a complete resource, with what is derived, meets a condition that was resolved for
    its type; or one element of a multi-valued attribute a condition on its elements."""
    match condition:
        case Constant():
            return condition.value
        case And():
            return all(matches(part, subject) for part in condition.conditions)
        case Or():
            return any(matches(part, subject) for part in condition.conditions)
        case Not():
            return not matches(condition.condition, subject)
        case Element(path, inner):
            return any(matches(inner, element) for element in _elements(subject, path))
    value = _follow(subject, condition.path.fields)
    return value is not None and _holds(condition, value)


def _holds(condition: Present | Test, value: Any) -> bool:
    attribute = condition.path.attribute
    if isinstance(condition, Present):
        return is_assigned_element(value, attribute)
    comparable: Any = search_value(value, attribute)
    if isinstance(comparable, float):
        # As it is written, which is how the search document has it.
        comparable = Decimal(repr(comparable))
    return comparable is not None and _COMPARE[condition.operator](comparable, condition.operand)


def _elements(subject: Any, path: Path) -> Iterator[Any]:
    """The elements that have content: the others are unassigned (RFC 7643 §2.5)."""
    holder = _follow(subject, path.fields[:-1])
    for element in getattr(holder, path.fields[-1]) if holder is not None else ():
        if is_assigned_element(element, path.attribute):
            yield element


def _follow(subject: Any, fields: tuple[str, ...]) -> Any:
    """What the fields lead to; None when one on the way is not set."""
    for field in fields:
        if not subject.HasField(field):
            return None
        subject = getattr(subject, field)
    return subject
