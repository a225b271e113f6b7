"""Filters made into conditions: names looked up, operators checked, operands typed and folded.

The rules are those of RFC 7644 §3.4.2.2. Every error is INVALID_FILTER and names the attribute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from rollbook.v1 import filter_pb2
from service.domain.attribute_paths import SCHEMAS, find, find_part, is_gathered, text_of
from service.domain.errors import invalid_filter
from service.domain.search.conditions import (
    TRUE,
    Condition,
    Constant,
    Path,
    Present,
    all_of,
    any_of,
    element,
    negation,
    with_leaves,
)
from service.domain.search.matching import matches
from service.domain.search.operands import test_of
from service.domain.search.search_values import is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rollbook.attributes import Attribute, ResourceType
    from rollbook.v1.filter_pb2 import AttributePath, Comparison, Filter, FilterList, ValuePath
    from service.domain.attribute_paths import Chain
    from service.domain.search.conditions import Leaf

__all__ = ["MAX_DEPTH", "MAX_TERMS", "Condition", "matches", "resolve", "resolve_element"]

MAX_DEPTH: Final = 32
"""How deep conditions may be nested."""

MAX_TERMS: Final = 200
"""How many comparisons, value paths and constants a filter may have."""


def resolve(
    filter_: Filter, resource_type: ResourceType, *, among: Iterable[ResourceType] = ()
) -> Condition:
    """The condition that a filter is for resources of a type.

    `among` are the types of a query over several: an attribute that only others of them have
    counts as having no value (RFC 7644 §3.4.2.1). Raises INVALID_FILTER for unknown attributes,
    operators that an attribute's type does not have, operands of another type, attributes that
    cannot be compared, and filters beyond the limits.
    """
    condition = _Resolution().condition(filter_, _ResourceScope(resource_type, tuple(among)), 1)
    return with_leaves(condition, lambda leaf: _of_type(leaf, resource_type))


def resolve_element(filter_: Filter, attribute: Attribute) -> Condition:
    """The condition that a filter is for the elements of a multi-valued attribute: its paths
    name sub-attributes, `value` the element itself where that is simple. Raises as `resolve`."""
    return _Resolution().condition(filter_, _ElementScope(attribute), 1)


def _of_type(leaf: Leaf, resource_type: ResourceType) -> Condition:
    """What is left of a condition on `meta.resourceType`, since the type is known."""
    if isinstance(leaf, Constant) or leaf.path.fields != ("meta", "resource_type"):
        return leaf
    resource: Any = resource_type.message()
    resource.meta.resource_type = resource_type.name
    return Constant(matches(leaf, resource))


@dataclass(frozen=True, slots=True)
class _Target:
    """The values that a path names: at the end of a chain of attributes, or, when the chain is
    empty, the element itself. `absent`: the resource has no such attribute."""

    text: str
    attribute: Attribute
    chain: Chain
    resource_type: ResourceType | None = None
    absent: bool = False

    @property
    def is_multi_valued(self) -> bool:
        return any(attribute.multi_valued for attribute in self.chain)

    def any(self, leaf: Callable[[Path], Condition]) -> Condition:
        """True when `leaf` is of the value, or of any value where there may be several."""
        return Constant(value=False) if self.absent else self._any(self.chain, leaf)

    def _any(self, chain: Chain, leaf: Callable[[Path], Condition]) -> Condition:
        for index, attribute in enumerate(chain, start=1):
            if attribute.multi_valued:
                inner = self._any(chain[index:], leaf)
                if attribute is SCHEMAS:
                    return self._any_schema(inner)
                return element(Path.through(chain[:index]), inner)
        return leaf(Path.through(chain) if chain else Path.itself(self.attribute))

    def _any_schema(self, condition: Condition) -> Condition:
        """The core schema is always one of `schemas`, an extension is when it is populated."""
        assert self.resource_type is not None
        populated = (
            Present(Path.through([extension.as_attribute]))
            for extension in self.resource_type.extensions
            if matches(condition, extension.schema.urn)
        )
        core = Constant(matches(condition, self.resource_type.schema.urn))
        return any_of([core, *populated])

    def compared(self) -> _Target:
        """What a comparison is with: of a complex attribute its `value` (RFC 7644 §3.4.2.2)."""
        if not self.attribute.sub_attributes:
            return self
        part = self.attribute.sub_attribute("value")
        if part is None:
            example = self.attribute.sub_attributes[0].name
            raise invalid_filter(
                f"{self.text} has several parts: compare one of them, e.g. {self.text}.{example}."
            )
        return replace(self, attribute=part, chain=(*self.chain, part))


@dataclass(frozen=True, slots=True)
class _ResourceScope:
    """Paths count from the resource."""

    resource_type: ResourceType
    among: tuple[ResourceType, ...]

    def find(self, path: AttributePath) -> _Target:
        text = text_of(path)[:200]
        if not text:
            raise invalid_filter("A condition of the filter names no attribute.")
        for candidate in (self.resource_type, *self.among):
            if chain := find(path, candidate):
                _require_stored(chain, text)
                absent = candidate is not self.resource_type
                return _Target(text, chain[-1], chain, candidate, absent)
        raise invalid_filter(f"{self.resource_type.name} has no attribute {text}.")


@dataclass(frozen=True, slots=True)
class _ElementScope:
    """Paths count from an element of a multi-valued attribute, or, when there is a prefix, from
    the one value of a complex attribute."""

    attribute: Attribute
    prefix: Chain = ()

    def find(self, path: AttributePath) -> _Target:
        text = f"{self.attribute.name}.{text_of(path)[:200]}"
        if self.attribute.sub_attributes:
            chain = None if path.schema else find_part(path, self.attribute.sub_attributes)
            if chain:
                return _Target(text, chain[-1], (*self.prefix, *chain))
        elif text_of(path).lower() == "value":
            return _Target(text, self.attribute, ())
        raise invalid_filter(f"There is no attribute {text}.")


def _require_stored(chain: Chain, text: str) -> None:
    if is_gathered(chain):
        raise invalid_filter(
            f"{text} is gathered when a resource is shown and cannot be filtered by; "
            "ListPrincipalsWithRole of AccessService tells who has a role."
        )


_Scope = _ResourceScope | _ElementScope


class _Resolution:
    """One filter being resolved; counts its terms."""

    def __init__(self) -> None:
        self._terms = 0

    def condition(self, filter_: Filter, scope: _Scope, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise invalid_filter(f"The filter is nested deeper than {MAX_DEPTH} levels.")
        match filter_.WhichOneof("kind"):
            case "and":
                return all_of(self._parts(getattr(filter_, "and"), scope, depth))
            case "or":
                return any_of(self._parts(getattr(filter_, "or"), scope, depth))
            case "not":
                return negation(self.condition(getattr(filter_, "not"), scope, depth + 1))
        self._count_term()
        match filter_.WhichOneof("kind"):
            case "comparison":
                return _comparison(filter_.comparison, scope)
            case "value_path":
                return self._value_path(filter_.value_path, scope, depth)
            case "constant":
                return Constant(filter_.constant)
        raise invalid_filter("A condition of the filter is empty.")

    def _count_term(self) -> None:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise invalid_filter(f"The filter has more than {MAX_TERMS} conditions.")

    def _parts(self, filters: FilterList, scope: _Scope, depth: int) -> list[Condition]:
        if not filters.filters:
            raise invalid_filter("The filter joins no conditions: give at least one.")
        return [self.condition(part, scope, depth + 1) for part in filters.filters]

    def _value_path(self, value_path: ValuePath, scope: _Scope, depth: int) -> Condition:
        if isinstance(scope, _ElementScope):
            raise invalid_filter("A filter in brackets cannot hold another one in brackets.")
        target = scope.find(value_path.path)
        _require_known(target)
        attribute = target.attribute
        if not attribute.multi_valued and not attribute.sub_attributes:
            raise invalid_filter(f"{target.text} has a single value: it takes no brackets.")
        prefix = () if attribute.multi_valued else target.chain
        inner = self.condition(value_path.filter, _ElementScope(attribute, prefix), depth + 1)
        return target.any(lambda path: all_of([_present(path), inner]))


def _comparison(comparison: Comparison, scope: _Scope) -> Condition:
    target = scope.find(comparison.path)
    _require_known(target)
    if comparison.operator == filter_pb2.COMPARISON_OPERATOR_PRESENT:
        if comparison.HasField("value"):
            raise invalid_filter(f"{target.text} pr takes no value.")
        return target.any(_present)
    differs = comparison.operator == filter_pb2.COMPARISON_OPERATOR_NOT_EQUAL
    equal = comparison.operator == filter_pb2.COMPARISON_OPERATOR_EQUAL
    if (differs or equal) and comparison.value.WhichOneof("kind") == "null":
        present = target.any(_present)
        return present if differs else negation(present)
    compared = target.compared()
    test = test_of(comparison, compared.attribute, target.text)
    return _difference(compared, test) if differs else compared.any(test)


def _difference(target: _Target, equals: Callable[[Path], Condition]) -> Condition:
    """`ne`: of several values one differs, or there are none."""
    if not target.is_multi_valued:
        return negation(target.any(equals))
    differs = target.any(lambda path: all_of([_present(path), negation(equals(path))]))
    return any_of([negation(target.any(_present)), differs])


def _present(path: Path) -> Condition:
    """An element is there only if it has content."""
    return Present(path) if path.names else TRUE


def _require_known(target: _Target) -> None:
    """Passwords are kept as hashes, and a filter must not help to guess them; addresses are
    made by the gateway, which turns a filter on them into one on ids."""
    for attribute in target.chain:
        if not is_known(attribute):
            raise invalid_filter(f"{target.text} cannot be filtered by.")
