"""Filters mean what they mean to scim2-models, an implementation that shares nothing with ours.

Left out is what RFC 7644 does not say and the two read differently: `ne` and `null` on what has
several values, single complex values compared as a whole, and folding beyond ASCII.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest
import scim2_models
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.scim.dialects import LENIENT, Reading
from gateway.scim.filters import parse_filter
from gateway.scim.projection import projection_of
from gateway.scim.translation import resource_to_scim
from rollbook.attributes import GROUP, USER, Attribute, AttributeType, ResourceType
from rollbook.v1.filter_pb2 import FilterValue
from rollbook.v1.group_pb2 import Group
from rollbook.v1.user_pb2 import User
from service.domain.search.filters import matches, resolve
from tests.harness.filter_text import filter_text
from tests.property.filter_strategies import Grammar

if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN: Final = {"origin", "roles"}
"""Of groups the models know no roles, and nobody's origin: that is derived."""


def _known(kind: ResourceType) -> ResourceType:
    """The type as the models have it."""
    extensions = tuple(each for each in kind.extensions if each.field not in UNKNOWN)
    known = tuple(each for each in kind.schema.attributes if each.name not in UNKNOWN)
    attributes = kind.schema.attributes if kind is USER else known
    return replace(kind, extensions=extensions, schema=replace(kind.schema, attributes=attributes))


TYPES: Final = {kind.name: _known(kind) for kind in (USER, GROUP)}
MODELS: Final[dict[str, Any]] = {
    "User": scim2_models.User[scim2_models.EnterpriseUser],
    "Group": scim2_models.Group,
}
ORACLE: Final[Any] = scim2_models.ScimFilter
WORDS: Final = ("ada", "Ada", "ADA", "Ada Lovelace", "lovelace", "work", "Home", "%", "a_b", "10")
ADDRESSES: Final = ("ada@acme.example", "Ada@Acme.example", "bob@acme.example", "x@y.example")
URLS: Final = ("https://acme.example/a", "https://acme.example/A", "https://other.example/")
IDS: Final = ("018f0000-0000-7000-8000-00000000000a", "018f0000-0000-7000-8000-00000000000b")
TIMES: Final = (0, 1_700_000_000, 1_700_000_001)
SCHEMAS: Final = (USER.schema.urn, USER.extensions[0].schema.urn, GROUP.schema.urn)


_EMAILS: Final = USER.schema.attribute("emails")
_EMAIL_VALUE: Final = _EMAILS and _EMAILS.sub_attribute("value")


def _values(attribute: Attribute) -> tuple[Any, ...]:
    """Values that an attribute may have, of those that both sides accept."""
    if attribute.type is AttributeType.BOOLEAN:
        return (True, False)
    if attribute.type is AttributeType.BINARY:
        return (b"abc", b"abd")
    if attribute.type is AttributeType.DATE_TIME:
        return tuple(Timestamp(seconds=seconds) for seconds in TIMES)
    if attribute.type is AttributeType.REFERENCE:
        return URLS
    if attribute is _EMAIL_VALUE:
        return ADDRESSES
    return attribute.canonical_values or WORDS


def _fill(message: Any, attributes: tuple[Attribute, ...], random: Random) -> None:
    for attribute in attributes:
        if attribute.name in {"id", "meta", "password", "$ref", "location"}:
            continue
        if attribute.multi_valued:
            for _ in range(random.choice((0, 1, 2))):
                _fill(getattr(message, attribute.field).add(), attribute.sub_attributes, random)
        elif random.random() < 0.5:
            continue
        elif attribute.sub_attributes:
            _fill(getattr(message, attribute.field), attribute.sub_attributes, random)
        else:
            setattr(message, attribute.field, random.choice(_values(attribute)))


def _resources(type_name: str) -> Iterator[Any]:
    random = Random(type_name)
    for number in range(40):
        resource: Any = TYPES[type_name].message()
        resource.id = IDS[number % 2]
        _fill(resource, TYPES[type_name].schema.attributes, random)
        if isinstance(resource, User):
            resource.user_name = random.choice(WORDS)
            if random.random() < 0.5:
                _fill(resource.enterprise, USER.extensions[0].schema.attributes, random)
        if isinstance(resource, Group):
            resource.display_name = random.choice(WORDS)
        resource.meta.resource_type = type_name
        resource.meta.etag = f'W/"{number}"'
        resource.meta.create_time.seconds = random.choice(TIMES)
        resource.meta.update_time.seconds = random.choice(TIMES)
        yield resource


def _as_model(type_name: str, resource: Any) -> Any:
    everything = projection_of((), ())
    body = resource_to_scim(TYPES[type_name], resource, "https://acme.example", everything)
    return MODELS[type_name].model_validate(body)


@cache
def _pairs(type_name: str) -> list[tuple[Any, Any]]:
    """Resources as ours and as theirs."""
    return [(resource, _as_model(type_name, resource)) for resource in _resources(type_name)]


def _operands(attribute: Attribute) -> st.SearchStrategy[FilterValue]:
    values = st.sampled_from(_values(attribute))
    if attribute.type is AttributeType.BOOLEAN:
        return values.map(lambda value: FilterValue(boolean=value))
    if attribute.type is AttributeType.DATE_TIME:
        return values.map(lambda value: FilterValue(date_time=value))
    if attribute.type is AttributeType.BINARY:
        return st.sampled_from(("YWJj", "YWJk")).map(lambda value: FilterValue(string=value))
    if attribute.name == "schemas":
        values = st.sampled_from(SCHEMAS)
    return values.map(lambda value: FilterValue(string=value))


GRAMMAR: Final = Grammar(_operands, ambiguous=False)


@pytest.mark.parametrize("type_name", TYPES)
@given(data=st.data())
@settings(deadline=None)
def test_the_oracle_agrees(type_name: str, data: st.DataObject) -> None:
    filter_ = data.draw(GRAMMAR.filters(TYPES[type_name]), "filter")
    text = filter_text(filter_)
    condition = resolve(parse_filter(text, TYPES[type_name], Reading(LENIENT)), TYPES[type_name])
    oracle = ORACLE[MODELS[type_name]](text)
    for resource, model in _pairs(type_name):
        assert matches(condition, resource) == oracle.match(model), text
