"""Whatever resource the attribute tables allow: JSON → message → JSON gives it back."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scim.dialects import LENIENT, STRICT, Reading, Tolerance
from gateway.scim.errors import ScimError
from gateway.scim.projection import EVERYTHING, projection_of
from gateway.scim.translation import resource_from_scim, resource_to_scim
from rollbook.attributes import RESOURCE_TYPES, Attribute, AttributeType, Mutability, ResourceType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from google.protobuf.message import Message

BASE_URL = "https://id.acme.example/scim/v2"

SIMPLE: dict[AttributeType, st.SearchStrategy[object]] = {
    AttributeType.STRING: st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1
    ),
    AttributeType.REFERENCE: st.text("abc:/.-_~%", min_size=1),
    AttributeType.BOOLEAN: st.booleans(),
    AttributeType.INTEGER: st.integers(-(2**63), 2**63 - 1),
    AttributeType.DECIMAL: st.floats(allow_nan=False, allow_infinity=False),
    AttributeType.DATE_TIME: st.datetimes().map(lambda moment: f"{moment:%FT%T.%f}Z"),
    AttributeType.BINARY: st.binary(min_size=1).map(lambda raw: base64.b64encode(raw).decode()),
}

# Anything that JSON can say, and at times just what is due.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def is_written(attribute: Attribute) -> bool:
    """Whether a client's value comes back: it is not derived, and not a secret."""
    return attribute.name != "$ref" and attribute.mutability not in {
        Mutability.READ_ONLY,
        Mutability.WRITE_ONLY,
    }


def value_of(attribute: Attribute) -> st.SearchStrategy[object]:
    if attribute.type is not AttributeType.COMPLEX:
        # The strict dialect takes no others.
        known = attribute.canonical_values
        single: st.SearchStrategy[Any] = st.sampled_from(known) if known else SIMPLE[attribute.type]
    else:
        # A list of references to nobody is refused.
        names = attribute.multi_valued and attribute.sub_attribute("$ref")
        needed = ("value",) if names else ()
        single = members_of(attribute.sub_attributes, needed).filter(bool)
    if not attribute.multi_valued:
        return single
    return st.lists(single, min_size=1, max_size=4, unique_by=_text_of).map(_one_primary)


def _one_primary(elements: list[Any]) -> list[Any]:
    for position, element in enumerate(elements):
        if position and "primary" in element:
            element["primary"] = False
    return list({_text_of(each): each for each in elements}.values())


def _text_of(element: object) -> bytes:
    """The same for the same members in another order: elements that are the same are one."""
    return orjson.dumps(element, option=orjson.OPT_SORT_KEYS)


def members_of(
    attributes: Iterable[Attribute], needed: Collection[str] = ()
) -> st.SearchStrategy[dict[str, Any]]:
    values = {each.name: value_of(each) for each in attributes if is_written(each)}
    always = {name: values.pop(name) for name in needed if name in values}
    return st.fixed_dictionaries(always, optional=values)


def resources_of(kind: ResourceType) -> st.SearchStrategy[dict[str, Any]]:
    extensions = {
        extension.schema.urn: members_of(extension.schema.attributes).filter(bool)
        for extension in kind.extensions
    }
    return st.builds(
        lambda core, extra: {
            "schemas": [kind.schema.urn, *filter(extra.__contains__, extensions)],
            **core,
            **extra,
        },
        members_of(kind.schema.attributes),
        st.fixed_dictionaries({}, optional=extensions),
    )


RESOURCES = st.one_of(*(st.tuples(st.just(kind), resources_of(kind)) for kind in RESOURCE_TYPES))


def without_addresses(value: object) -> object:
    """A rendered resource without what the gateway adds to it."""
    if isinstance(value, dict):
        return {k: without_addresses(v) for k, v in value.items() if k != "$ref"}
    return [without_addresses(each) for each in value] if isinstance(value, list) else value


@given(RESOURCES)
def test_a_resource_comes_back_as_it_was_sent(case: tuple[ResourceType, dict[str, Any]]) -> None:
    kind, body = case
    for dialect in (STRICT, LENIENT):
        reading = Reading(dialect)
        message = resource_from_scim(kind, body, reading)
        rendered = resource_to_scim(kind, message, BASE_URL, EVERYTHING)
        assert without_addresses(rendered) == body
        # The value of a role may begin as JSON does.
        assert reading.met <= {Tolerance.JSON_ROLE}


@given(RESOURCES)
def test_a_rendered_resource_is_read_as_the_same_message(
    case: tuple[ResourceType, dict[str, Any]],
) -> None:
    """Okta sends back what it got, with some values changed."""
    kind, body = case
    message = resource_from_scim(kind, body, Reading(STRICT))
    message.id = "5d0a6a52"  # type: ignore[attr-defined]
    rendered = resource_to_scim(kind, message, BASE_URL, EVERYTHING)
    again = resource_from_scim(kind, orjson.loads(orjson.dumps(rendered)), Reading(STRICT))
    again.id = "5d0a6a52"  # type: ignore[attr-defined]
    assert again == message


@given(RESOURCES, st.data())
def test_names_have_no_case(case: tuple[ResourceType, dict[str, Any]], data: st.DataObject) -> None:
    kind, body = case
    change = data.draw(st.sampled_from([str.upper, str.lower, str.swapcase]))

    def renamed(value: object) -> object:
        if isinstance(value, dict):
            return {change(name): renamed(each) for name, each in value.items()}
        return [renamed(each) for each in value] if isinstance(value, list) else value

    expected = resource_from_scim(kind, body, Reading(STRICT))
    assert resource_from_scim(kind, renamed(body), Reading(STRICT)) == expected


@given(RESOURCES, st.data())
def test_what_is_named_and_what_is_excluded_make_the_whole(
    case: tuple[ResourceType, dict[str, Any]], data: st.DataObject
) -> None:
    kind, body = case
    message = resource_from_scim(kind, body, Reading(STRICT))
    whole = resource_to_scim(kind, message, BASE_URL, EVERYTHING)
    members = sorted(whole.keys() - {"schemas", "id"})
    names = (
        data.draw(st.lists(st.sampled_from(members), min_size=1, unique=True)) if members else []
    )
    kept = resource_to_scim(kind, message, BASE_URL, projection_of(names or ["nope"], []))
    left = resource_to_scim(kind, message, BASE_URL, projection_of([], names))
    assert kept.keys() - {"schemas", "id"} == set(names)
    assert kept | left == whole
    assert kept.keys() & left.keys() <= {"schemas", "id"}


def outcome(kind: ResourceType, body: object, reading: Reading) -> Message | ScimError:
    try:
        return resource_from_scim(kind, body, reading)
    except ScimError as error:
        return error


@pytest.mark.parametrize("kind", RESOURCE_TYPES)
@given(data=st.data())
def test_any_json_is_read_or_refused_with_an_error(kind: ResourceType, data: st.DataObject) -> None:
    names = [each.name for each in kind.schema.attributes]
    names += [extension.schema.urn for extension in kind.extensions]
    parts = {part.name for each in kind.schema.attributes for part in each.sub_attributes}
    value = JSON | st.dictionaries(st.sampled_from(sorted(parts)), JSON, max_size=3)
    values = value | st.lists(value, max_size=3)
    body = data.draw(JSON | st.dictionaries(st.sampled_from(["schemas", *names]), values))
    for dialect in (LENIENT, STRICT):
        result = outcome(kind, body, Reading(dialect))
        if isinstance(result, ScimError):
            assert result.status == 400
            assert result.scim_type in {"invalidSyntax", "invalidValue"}
        else:
            orjson.dumps(resource_to_scim(kind, result, BASE_URL, EVERYTHING))
