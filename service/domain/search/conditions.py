"""Conditions: filters whose names are looked up, whose operands are typed and folded.

A condition is a small immutable tree. Its tests are on single values; what a filter says of a
multi-valued attribute is an `Element`, true when one element meets a condition. Logic is
two-valued: a test of a missing value is false (RFC 7644 §3.4.2.2). `service.domain.search.matching`
decides a condition in memory, `service.storage.search.filter_sql` in the database, alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rollbook.attributes import Attribute

Operand = str | bool | Decimal
"""What a value is compared with, in the form of `service.domain.search.search_values`."""


class Operator(StrEnum):
    """The comparisons that a condition is left with: `ne` and `pr` have become other nodes."""

    EQUAL = "eq"
    CONTAINS = "co"
    STARTS_WITH = "sw"
    ENDS_WITH = "ew"
    GREATER = "gt"
    GREATER_OR_EQUAL = "ge"
    LESS = "lt"
    LESS_OR_EQUAL = "le"


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value is, counted from the resource or, within an `Element`, from the element.

    `names` are the SCIM names on the way (an extension's is its URN), `fields` those of the
    protobuf fields; both are empty for an element that is itself a simple value. `attribute`
    is the last one on the way.
    """

    names: tuple[str, ...]
    fields: tuple[str, ...]
    attribute: Attribute = field(repr=False)

    @classmethod
    def through(cls, chain: Sequence[Attribute]) -> Path:
        """The path through these attributes; at least one."""
        names = tuple(attribute.name for attribute in chain)
        return cls(names, tuple(attribute.field for attribute in chain), chain[-1])

    @classmethod
    def itself(cls, attribute: Attribute) -> Path:
        """The path to a simple element of a multi-valued attribute, counted from the element."""
        return cls((), (), attribute)


@dataclass(frozen=True, slots=True)
class Constant:
    """Always or never true."""

    value: bool


@dataclass(frozen=True, slots=True)
class Present:
    """True when there is a value: not an empty string, nor a complex value without content."""

    path: Path


@dataclass(frozen=True, slots=True)
class Test:
    """True when there is a value and it compares so with the operand."""

    path: Path
    operator: Operator
    operand: Operand


@dataclass(frozen=True, slots=True)
class Element:
    """True when an element of the multi-valued attribute at `path` meets the condition."""

    path: Path
    condition: Condition


@dataclass(frozen=True, slots=True)
class Not:
    """True when the other is not."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class And:
    """True when all are; at least two."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when any is; at least two."""

    conditions: tuple[Condition, ...]


Leaf = Constant | Present | Test
Condition = Leaf | Element | Not | And | Or

TRUE: Final = Constant(value=True)
FALSE: Final = Constant(value=False)


def all_of(conditions: Iterable[Condition]) -> Condition:
    """The conjunction, without constants and conjunctions within it."""
    parts: list[Condition] = []
    for condition in conditions:
        if condition == FALSE:
            return FALSE
        if isinstance(condition, And):
            parts.extend(condition.conditions)
        elif condition != TRUE:
            parts.append(condition)
    return And(tuple(parts)) if len(parts) > 1 else parts[0] if parts else TRUE


def any_of(conditions: Iterable[Condition]) -> Condition:
    """The disjunction, without constants and disjunctions within it."""
    parts: list[Condition] = []
    for condition in conditions:
        if condition == TRUE:
            return TRUE
        if isinstance(condition, Or):
            parts.extend(condition.conditions)
        elif condition != FALSE:
            parts.append(condition)
    return Or(tuple(parts)) if len(parts) > 1 else parts[0] if parts else FALSE


def negation(condition: Condition) -> Condition:
    """The opposite; of a negation what it negates."""
    if isinstance(condition, Constant):
        return Constant(not condition.value)
    return condition.condition if isinstance(condition, Not) else Not(condition)


def element(path: Path, condition: Condition) -> Condition:
    """An `Element`, or false when no element can meet the condition."""
    return condition if condition == FALSE else Element(path, condition)


def with_leaves(condition: Condition, leaf: Callable[[Leaf], Condition]) -> Condition:
    """The condition with `leaf` of each condition in it that has no parts, save those on the
    elements of a multi-valued attribute."""
    match condition:
        case And(parts):
            return all_of(with_leaves(part, leaf) for part in parts)
        case Or(parts):
            return any_of(with_leaves(part, leaf) for part in parts)
        case Not(inner):
            return negation(with_leaves(inner, leaf))
        case Element():
            return condition
    return leaf(condition)


def leaves(condition: Condition) -> Iterator[Leaf]:
    """The conditions within a condition that have no parts."""
    match condition:
        case And(parts) | Or(parts):
            for part in parts:
                yield from leaves(part)
        case Not(inner) | Element(_, inner):
            yield from leaves(inner)
        case _:
            yield condition
