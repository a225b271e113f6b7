"""Filters as text: printing and parsing are inverse, and no text does harm."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from gateway.scim.dialects import DIALECTS, STRICT, Reading
from gateway.scim.errors import ScimError
from gateway.scim.filters import parse_filter
from gateway.scim.paths import parse_patch_path
from rollbook.attributes import GROUP, USER, Attribute, AttributeType
from rollbook.v1 import filter_pb2
from rollbook.v1.filter_pb2 import AttributePath, Comparison, Filter, FilterValue, ValuePath
from rollbook.v1.patch_pb2 import PatchPath
from tests.harness.filter_text import filter_text, path_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

_EQUALITY = [filter_pb2.COMPARISON_OPERATOR_EQUAL, filter_pb2.COMPARISON_OPERATOR_NOT_EQUAL]
_PRESENT = filter_pb2.COMPARISON_OPERATOR_PRESENT
_OTHERS = [
    operator
    for operator in filter_pb2.ComparisonOperator.values()
    if operator not in {*_EQUALITY, _PRESENT, filter_pb2.COMPARISON_OPERATOR_UNSPECIFIED}
]

# Addresses are left out: comparisons with them become comparisons with ids.
_SIMPLE: list[tuple[AttributePath, AttributeType]] = []
_MULTI_VALUED: list[tuple[str, Attribute]] = []
for _schema in (USER.schema, *(extension.schema for extension in USER.extensions)):
    _urn = "" if _schema is USER.schema else _schema.urn
    for _attribute in _schema.attributes:
        _path = AttributePath(schema=_urn, attribute=_attribute.name)
        if _attribute.type is not AttributeType.COMPLEX:
            _SIMPLE.append((_path, _attribute.type))
        elif _attribute.multi_valued:
            _MULTI_VALUED.append((_urn, _attribute))
        for _part in _attribute.sub_attributes:
            if _part.type is not AttributeType.REFERENCE:
                _sub_path = AttributePath(
                    schema=_urn, attribute=_attribute.name, sub_attribute=_part.name
                )
                _SIMPLE.append((_sub_path, _part.type))

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_MOMENTS = st.builds(
    Timestamp,
    seconds=st.integers(-62_135_596_800, 253_402_300_799),
    nanos=st.integers(0, 999_999_999),
)


def _operands(kind: AttributeType) -> SearchStrategy[FilterValue]:
    if kind is AttributeType.BOOLEAN:
        return st.builds(FilterValue, boolean=st.booleans())
    if kind is AttributeType.DATE_TIME:
        return st.builds(FilterValue, date_time=_MOMENTS)
    return st.builds(FilterValue, string=_TEXT)


def _comparisons(path: AttributePath, kind: AttributeType) -> SearchStrategy[Filter]:
    null = st.just(FilterValue(null=True))
    comparison = st.one_of(
        st.just(Comparison(path=path, operator=_PRESENT)),
        st.builds(
            Comparison,
            path=st.just(path),
            operator=st.sampled_from(_EQUALITY),
            value=_operands(kind) | null,
        ),
        st.builds(
            Comparison,
            path=st.just(path),
            operator=st.sampled_from(_OTHERS),
            value=_operands(kind),
        ),
    )
    return st.builds(Filter, comparison=comparison)


def _joined(keyword: str, filters: list[Filter]) -> Filter:
    result = Filter()
    getattr(result, keyword).filters.extend(filters)
    return result


def _negated(condition: Filter) -> Filter:
    result = Filter()
    getattr(result, "not").CopyFrom(condition)
    return result


def _combined(conditions: SearchStrategy[Filter]) -> SearchStrategy[Filter]:
    return st.recursive(
        conditions,
        lambda inner: st.one_of(
            st.builds(_negated, inner),
            st.builds(
                _joined,
                st.sampled_from(["and", "or"]),
                st.lists(inner, min_size=2, max_size=4),
            ),
        ),
        max_leaves=10,
    )


def _element_conditions(attribute: Attribute) -> SearchStrategy[Filter]:
    parts = [part for part in attribute.sub_attributes if part.type is not AttributeType.REFERENCE]
    return _combined(
        st.sampled_from(parts).flatmap(
            lambda part: _comparisons(AttributePath(attribute=part.name), part.type)
        )
    )


_VALUE_PATHS = st.sampled_from(_MULTI_VALUED).flatmap(
    lambda found: st.builds(
        ValuePath,
        path=st.just(AttributePath(schema=found[0], attribute=found[1].name)),
        filter=_element_conditions(found[1]),
    )
)
_FILTERS = _combined(
    st.one_of(
        st.sampled_from(_SIMPLE).flatmap(lambda found: _comparisons(*found)),
        st.builds(Filter, value_path=_VALUE_PATHS),
    )
)


@given(_FILTERS)
def test_parsing_inverts_printing(condition: Filter) -> None:
    assert parse_filter(filter_text(condition), USER, Reading(STRICT)) == condition


_OTHER_PART = {"addresses": "type", "attributes": "name"}
"""A part of the elements of attributes that have no display."""


@given(_VALUE_PATHS, st.booleans())
def test_parsing_inverts_printing_of_paths(target: ValuePath, part: bool) -> None:
    path = PatchPath(attribute=target.path, filter=target.filter)
    if part:
        path.attribute.sub_attribute = _OTHER_PART.get(target.path.attribute, "display")
    assert parse_patch_path(path_text(path), USER, Reading(STRICT)) == path


# Texts made of what filters are made of go deeper into the parser than those of any characters.
_FRAGMENTS = st.sampled_from(
    [
        *"()[].:\"'\\ \t\n\0",
        *("userName", "emails", "name", "value", "type", "$ref", "meta", "active", "schemas"),
        *("created", "manager", "nope", "urn:ietf:params:scim:schemas:core:2.0:User:"),
        *("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "urn:x:y", "members"),
        *(" eq ", " ne ", " co ", " gt ", " pr", " and ", " or ", "not ", "not (", " zz "),
        *('"work"', '"\\ud800"', '"\\u00e4"', "'x'", "true", "null", "1", "-1.5e3", "9" * 400),
        *('"2026-01-31T00:00:00Z"', '"99999-13-41T99:99:99+99:99"', "ä", "\u2028", "\U0001f600"),
    ]
)
_HOSTILE = st.one_of(
    st.text(max_size=60),
    st.lists(_FRAGMENTS, max_size=25).map("".join),
    st.text(st.characters(), max_size=20),
)


_DIALECTS = pytest.mark.parametrize("dialect", ["lenient", "strict"])


def _fault(read: Callable[[], object]) -> str | None:
    """The scimType with which a text is refused; None when it is not."""
    try:
        read()
    except ScimError as error:
        return f"{error.status} {error.scim_type}"
    return None


@_DIALECTS
@given(text=_HOSTILE)
def test_any_text_is_a_filter_or_an_error_of_the_client(dialect: str, text: str) -> None:
    for kind in (USER, GROUP, None):
        fault = _fault(
            partial(parse_filter, text, kind, Reading(DIALECTS[dialect]), base_url="http://x/v2")
        )
        assert fault in {None, "400 invalidFilter"}


@_DIALECTS
@given(text=_HOSTILE)
def test_any_text_is_a_path_or_an_error_of_the_client(dialect: str, text: str) -> None:
    fault = _fault(partial(parse_patch_path, text, USER, Reading(DIALECTS[dialect])))
    assert fault in {None, "400 invalidPath", "400 invalidFilter"}
