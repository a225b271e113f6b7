"""Which conditions few resources are likely to meet, and an index finds them.

A list of such is best read by finding all of them first, any other by walking along its order.
PostgreSQL cannot tell: it knows little of what JSON contains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.domain.search.conditions import And, Condition, Constant, Element, Operator, Or, Test
from service.storage.search.document import ROWS
from service.storage.search.search_sql import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMON: Final = {("meta", "resourceType"), ("meta", "version"), ORIGIN}
"""Columns that many resources have the same value of."""

_NAMES: Final = {
    ("userName",),
    ("displayName",),
    ("externalId",),
    ("name", "familyName"),
    ("name", "givenName"),
}
"""What an index serves prefixes of."""


_UNIQUE: Final = {("id",), ("userName",)}
"""What no two resources of a type in a tenant have the same value of."""


def is_unique(condition: Condition) -> bool:
    """Whether one resource at the most can meet the condition."""
    match condition:
        case And(parts):
            return any(is_unique(part) for part in parts)
        case Test(path, Operator.EQUAL):
            return path.names in _UNIQUE and not path.attribute.multi_valued
    return False


def is_selective(condition: Condition) -> bool:
    """Whether all that meet the condition meet a term of it that few are likely to: a value of
    an attribute, a member or group, a prefix of a name."""
    match condition:
        case And(parts):
            return any(is_selective(part) for part in parts)
        case Or(parts):
            return all(is_selective(part) for part in parts)
        case Element(path, inner) if path.names[0] in ROWS:
            return _demands(inner, lambda test: test.path.names != ("type",))
        case Element(_, inner):
            return _demands(inner, has_many_values)
        case Test(path, Operator.STARTS_WITH):
            return path.names in _NAMES
    return condition == Constant(value=False) or _demands(condition, has_many_values)


def _demands(condition: Condition, rare: Callable[[Test], bool]) -> bool:
    """Whether a condition on one value or element has to find an equality that is rare."""
    match condition:
        case And(parts):
            return any(_demands(part, rare) for part in parts)
        case Or(parts):
            return all(_demands(part, rare) for part in parts)
        case Test(path, Operator.EQUAL):
            return path.names not in _COMMON and rare(condition)
    return False


def has_many_values(test: Test) -> bool:
    """Whether the attribute of a test has more than a few values: a boolean has two, one with
    canonical values hardly others."""
    return not isinstance(test.operand, bool) and not test.path.attribute.canonical_values
