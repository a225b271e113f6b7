"""Generated filters over every attribute of a resource type, valid ones only."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st

from rollbook.attributes import Attribute, AttributeType, ResourceType
from rollbook.v1 import filter_pb2
from rollbook.v1.filter_pb2 import AttributePath, Comparison, Filter, FilterList, FilterValue
from service.domain.attribute_paths import GATHERED, SCHEMAS
from service.domain.search.search_values import is_known
from tests.property.directories import (
    BINARY,
    DECIMALS,
    INTEGERS,
    NANOS,
    SECONDS,
    WORDS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from uuid import UUID

EQ, NE = filter_pb2.COMPARISON_OPERATOR_EQUAL, filter_pb2.COMPARISON_OPERATOR_NOT_EQUAL
PR: Final = filter_pb2.COMPARISON_OPERATOR_PRESENT
_SUBSTRING: Final = (
    filter_pb2.COMPARISON_OPERATOR_CONTAINS,
    filter_pb2.COMPARISON_OPERATOR_STARTS_WITH,
    filter_pb2.COMPARISON_OPERATOR_ENDS_WITH,
)
_ORDER: Final = (
    filter_pb2.COMPARISON_OPERATOR_GREATER,
    filter_pb2.COMPARISON_OPERATOR_GREATER_OR_EQUAL,
    filter_pb2.COMPARISON_OPERATOR_LESS,
    filter_pb2.COMPARISON_OPERATOR_LESS_OR_EQUAL,
)
_OPERATORS: Final = {
    AttributeType.BOOLEAN: (EQ, NE),
    AttributeType.BINARY: (EQ, NE),
    AttributeType.STRING: (EQ, EQ, NE, *_SUBSTRING, *_ORDER),
    AttributeType.REFERENCE: (EQ, NE, *_SUBSTRING, *_ORDER),
}

Target = tuple[AttributePath, Attribute, bool]
"""A path, the attribute it leads to, and whether it may have several values."""


@dataclass(frozen=True)
class Grammar:
    """Which filters are generated: with operands from `operands`, and only if `ambiguous` what
    RFC 7644 leaves open: a complex attribute with one value compared or before brackets, `ne`
    and `null` where there may be several values."""

    operands: Callable[[Attribute], st.SearchStrategy[FilterValue]]
    ambiguous: bool = True

    def filters(self, resource_type: ResourceType) -> st.SearchStrategy[Filter]:
        """Filters on resources of a type."""
        leaf = st.sampled_from(list(_targets(resource_type))).flatmap(self._leaf)
        return st.recursive(leaf, _combined, max_leaves=6)

    def _leaf(self, target: Target) -> st.SearchStrategy[Filter]:
        path, attribute, many = target
        compared = attribute
        if attribute.multi_valued or self.ambiguous:
            compared = attribute.sub_attribute("value") or attribute
        choices = [self._comparisons(path, compared, many=many)]
        if attribute.multi_valued or (attribute.sub_attributes and self.ambiguous):
            parts = self._part_filters(attribute)
            choices.append(
                parts.map(lambda part: compound("value_path", {"path": path, "filter": part}))
            )
        return st.one_of(choices)

    def _part_filters(self, attribute: Attribute) -> st.SearchStrategy[Filter]:
        parts = [part for part in attribute.sub_attributes if is_known(part)]
        targets = [(AttributePath(attribute=part.name), part) for part in parts] or [
            (AttributePath(attribute="value"), attribute)
        ]
        leaf = st.sampled_from(targets).flatmap(
            lambda target: self._comparisons(*target, many=target[1].multi_valued)
        )
        return st.recursive(leaf, _combined, max_leaves=4)

    def _comparisons(
        self, path: AttributePath, attribute: Attribute, *, many: bool
    ) -> st.SearchStrategy[Filter]:
        choices = [st.just(Filter(comparison=Comparison(path=path, operator=PR)))]
        if self.ambiguous or not many:
            null = FilterValue(null=True)
            choices.append(st.sampled_from((EQ, NE)).map(lambda op: _comparison(path, op, null)))
        if attribute.type is not AttributeType.COMPLEX:
            operators = [
                operator
                for operator in _OPERATORS.get(attribute.type, (EQ, NE, *_ORDER))
                if operator != NE or self.ambiguous or not many
            ]
            compared = st.builds(
                lambda operator, value: _comparison(path, operator, value),
                st.sampled_from(operators),
                self.operands(attribute),
            )
            choices += [compared] * 3
        return st.one_of(choices)


def any_filters(resource_type: ResourceType, ids: Sequence[UUID]) -> st.SearchStrategy[Filter]:
    """All kinds of filters on resources of a type; `ids` are some that occur."""
    texts = _texts([str(id_) for id_ in ids])
    return Grammar(lambda attribute: _operands(attribute, texts)).filters(resource_type)


def every_comparison(
    resource_type: ResourceType, ids: Sequence[UUID], *, without: Collection[str] = ()
) -> Iterator[Filter]:
    """Every attribute of a type with every operator that it has and each of many operands;
    attributes `without` those of some names."""
    texts = [*WORDS, *(word.swapcase() for word in WORDS), *_SPECIAL, *map(str, ids)]
    for path, attribute, _ in _targets(resource_type):
        if attribute.type is not AttributeType.COMPLEX and path.attribute not in without:
            for operator in dict.fromkeys(_OPERATORS.get(attribute.type, (EQ, NE, *_ORDER))):
                for operand in _every_operand(attribute, texts):
                    yield _comparison(path, operator, operand)


def _every_operand(attribute: Attribute, texts: Sequence[str]) -> list[FilterValue]:
    match attribute.type:
        case AttributeType.BOOLEAN:
            return [FilterValue(boolean=value) for value in (False, True)]
        case AttributeType.INTEGER | AttributeType.DECIMAL:
            integers = [FilterValue(integer=value) for value in INTEGERS]
            return integers + [FilterValue(decimal=value) for value in DECIMALS]
        case AttributeType.DATE_TIME:
            moments = (Timestamp(seconds=s, nanos=n) for s in SECONDS for n in NANOS)
            return [FilterValue(date_time=moment) for moment in moments]
        case AttributeType.BINARY:
            return [FilterValue(string=base64.b64encode(value).decode()) for value in BINARY]
    return [FilterValue(string=text) for text in texts]


def _targets(resource_type: ResourceType) -> Iterator[Target]:
    yield AttributePath(attribute="schemas"), SCHEMAS, True
    schemas = [("", resource_type.schema)]
    schemas += [(extension.schema.urn, extension.schema) for extension in resource_type.extensions]
    for urn, schema in schemas:
        if urn == GATHERED:
            continue
        for attribute in filter(is_known, schema.attributes):
            many = attribute.multi_valued
            yield AttributePath(schema=urn, attribute=attribute.name), attribute, many
            for part in filter(is_known, attribute.sub_attributes):
                path = AttributePath(schema=urn, attribute=attribute.name, sub_attribute=part.name)
                yield path, part, many or part.multi_valued


def compound(word: str, content: Any) -> Filter:
    """A filter of the kinds whose names are words of Python's."""
    return Filter(**{word: content})


def _combined(children: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    lists = st.lists(children, min_size=1, max_size=3).map(lambda f: FilterList(filters=f))
    return st.one_of(
        lists.map(lambda parts: compound("and", parts)),
        lists.map(lambda parts: compound("or", parts)),
        children.map(lambda part: compound("not", part)),
    )


def _comparison(path: AttributePath, operator: Any, value: FilterValue) -> Filter:
    return Filter(comparison=Comparison(path=path, operator=operator, value=value))


def _operands(
    attribute: Attribute, texts: st.SearchStrategy[str]
) -> st.SearchStrategy[FilterValue]:
    match attribute.type:
        case AttributeType.BOOLEAN:
            return st.booleans().map(lambda value: FilterValue(boolean=value))
        case AttributeType.INTEGER | AttributeType.DECIMAL:
            return st.one_of(
                st.sampled_from(INTEGERS).map(lambda value: FilterValue(integer=value)),
                st.sampled_from(DECIMALS).map(lambda value: FilterValue(decimal=value)),
                st.floats(allow_nan=False, allow_infinity=False).map(
                    lambda value: FilterValue(decimal=value)
                ),
            )
        case AttributeType.DATE_TIME:
            moments = st.builds(Timestamp, seconds=st.sampled_from(SECONDS), nanos=_NANOS)
            return moments.map(lambda value: FilterValue(date_time=value))
        case AttributeType.BINARY:
            encoded = st.sampled_from(BINARY).map(lambda value: base64.b64encode(value).decode())
            return encoded.map(lambda value: FilterValue(string=value))
    if attribute.canonical_values:
        texts = st.sampled_from(attribute.canonical_values) | texts
    if attribute is SCHEMAS or attribute.name in {"resourceType", "version"}:
        texts = st.sampled_from(_SPECIAL) | texts
    return texts.map(lambda value: FilterValue(string=value))


_NANOS: Final = st.sampled_from(NANOS) | st.integers(0, 999_999_999)
_SPECIAL: Final = (
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "URN:IETF:params:scim:schemas:extension:ENTERPRISE:2.0:User",
    "urn:ietf",
    ":User",
    "User",
    "user",
    'W/"1"',
    "W/",
)


def _texts(ids: Sequence[str]) -> st.SearchStrategy[str]:
    """Words that occur in directories, in other case, parts of them, and others."""
    words = st.sampled_from(WORDS)
    choices = [
        words,
        words.map(str.upper),
        words.map(str.swapcase),
        words.map(lambda word: word[:1]),
        words.map(lambda word: word[-1:]),
        st.builds(str.__add__, words, words),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3),
    ]
    if ids:
        known = st.sampled_from(ids)
        choices += [known, known.map(str.upper), known.map(lambda id_: id_[:9])]
    return st.one_of(choices)
