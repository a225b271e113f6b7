"""Whatever schema an administrator registers: what clients write of it is what they read."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.scim.dialects import STRICT, Reading
from gateway.scim.discovery import View
from gateway.scim.filters import parse_filter
from gateway.scim.projection import EVERYTHING
from gateway.scim.translation import resource_from_scim, resource_to_scim
from rollbook.schema_json import definition_from_json, definition_to_json
from rollbook.schema_sets import SchemaSet, schema_set_of, transfer
from rollbook.v1.schema_pb2 import SchemaAttachment
from rollbook.v1.user_pb2 import User
from service.domain import validation
from service.domain.schema_changes import check_change, number_attributes
from service.domain.schema_definitions import completed
from service.domain.search import filters
from service.domain.search.matching import matches
from service.storage.search.document import search_document

URN = "urn:acme:generated"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"

TYPES = ["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference"]

TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
)


def moment(value: datetime) -> str:
    """As the gateway writes it: three decimals, or six."""
    text = value.isoformat(timespec="microseconds")
    return text.removesuffix("000") + "Z"


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "reference": TEXT,
    "boolean": st.booleans(),
    "decimal": st.floats(allow_nan=False, allow_infinity=False),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "dateTime": st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(moment),  # noqa: DTZ001
    "binary": st.binary(min_size=1, max_size=20).map(lambda b: base64.b64encode(b).decode()),
}

# Names of Python, protobuf and SCIM that something could trip over.
AWKWARD = ["class", "from", "None", "def", "m", "d", "v", "has", "base", "location", "ref", "type",
           "resource", "schema", "extension", "DESCRIPTOR", "Clear", "HasField", "x509", "userName",
           "members", "groups", "emails", "lambda", "e", "core", "binary", "quote"]  # fmt: skip

NAMES = st.one_of(
    st.sampled_from(AWKWARD),
    st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,12}", fullmatch=True),
).filter(lambda name: name.lower() not in {"id", "externalid", "meta", "schemas", "primary"})


def distinct(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


@st.composite
def parts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Sub-attributes; those that mean the same everywhere as they have to be."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=distinct))
    return [
        {"name": name.lower(), "type": "string"}
        if name.lower() in {"type", "display", "value"}
        else {"name": name, "type": draw(st.sampled_from(TYPES))}
        for name in names
    ]


@st.composite
def attributes(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=6, unique_by=distinct)):
        kind = draw(st.sampled_from([*TYPES, "complex"]))
        attribute = {"name": name, "type": kind, "multiValued": draw(st.booleans())}
        if kind == "complex":
            attribute["subAttributes"] = draw(parts())
        if kind == "string":
            attribute["caseExact"] = draw(st.booleans())
        found.append(attribute)
    return found


def value_of(attribute: dict[str, Any]) -> st.SearchStrategy[Any]:
    if attribute["type"] == "complex":
        single = st.fixed_dictionaries(
            {}, optional={part["name"]: VALUES[part["type"]] for part in attribute["subAttributes"]}
        ).filter(bool)
    else:
        single = VALUES[attribute["type"]]
    if not attribute.get("multiValued"):
        return single
    return st.lists(single, min_size=1, max_size=3, unique_by=json.dumps)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[SchemaSet, list[dict[str, Any]], dict[str, Any]]:
    """A schema that is attached to users, its attributes, and a user who has it."""
    defined = draw(attributes())
    definition = completed(definition_from_json({"id": URN, "attributes": defined}))
    number_attributes(definition)
    attachment = SchemaAttachment(schema=URN, resource_type="User", field_number=1000)
    values = draw(
        st.fixed_dictionaries({}, optional={each["name"]: value_of(each) for each in defined})
    )
    return schema_set_of(1, [definition], [attachment]), defined, values


def body_with(values: dict[str, Any]) -> dict[str, Any]:
    schemas = [CORE, URN] if values else [CORE]
    return {"schemas": schemas, "userName": "ada", **({URN: values} if values else {})}


def read(schemas: SchemaSet, values: dict[str, Any]) -> Any:
    kind = schemas.resource_type("User")
    return resource_from_scim(kind, body_with(values), Reading(STRICT, schemas=schemas))


@given(worlds())
def test_json_becomes_a_message_and_the_same_json(
    world: tuple[SchemaSet, list[dict[str, Any]], dict[str, Any]],
) -> None:
    schemas, _, values = world
    kind = schemas.resource_type("User")
    message = read(schemas, values)
    validation.validate(message, kind)
    # Over the wire, through a client that knows the contract alone.
    plain = User.FromString(message.SerializeToString())
    shown = resource_to_scim(kind, plain, "https://acme.example", EVERYTHING)
    assert orjson.loads(orjson.dumps(shown)) == body_with(values)


@given(worlds())
def test_a_message_becomes_json_and_the_same_message(
    world: tuple[SchemaSet, list[dict[str, Any]], dict[str, Any]],
) -> None:
    schemas, _, values = world
    kind = schemas.resource_type("User")
    message = read(schemas, values)
    shown = resource_to_scim(kind, message, "https://acme.example", EVERYTHING)
    again = resource_from_scim(kind, shown, Reading(STRICT, schemas=schemas))
    assert again == message
    copy = kind.message()
    transfer(message, copy)
    assert copy == message


@given(worlds())
def test_whoever_has_a_value_is_found_by_it(
    world: tuple[SchemaSet, list[dict[str, Any]], dict[str, Any]],
) -> None:
    schemas, defined, values = world
    kind = schemas.resource_type("User")
    message = read(schemas, values)
    reading = Reading(STRICT, schemas=schemas)
    for attribute in defined:
        if attribute["type"] == "complex":
            continue
        value = values.get(attribute["name"])
        present = parse_filter(f"{URN}:{attribute['name']} pr", kind, reading)
        assert matches(filters.resolve(present, kind), message) == (value is not None)
        if value is None:
            continue
        first = value[0] if attribute["multiValued"] else value
        text = f"{URN}:{attribute['name']} eq {json.dumps(first)}"
        assert matches(filters.resolve(parse_filter(text, kind, reading), kind), message)


@given(worlds())
def test_the_search_document_is_json(
    world: tuple[SchemaSet, list[dict[str, Any]], dict[str, Any]],
) -> None:
    schemas, _, values = world
    document = search_document(schemas.resource_type("User"), read(schemas, values))
    assert orjson.loads(orjson.dumps(document)) == document
    found = document.get(f"{URN}#1000", {})
    assert isinstance(found, dict)
    assert set(found) == set(values)


@given(attributes())
def test_discovery_shows_what_was_registered(defined: list[dict[str, Any]]) -> None:
    definition = completed(definition_from_json({"id": URN, "attributes": defined}))
    number_attributes(definition)
    attachment = SchemaAttachment(schema=URN, resource_type="User", field_number=1000)
    schemas = schema_set_of(1, [definition], [attachment])
    shown = View("https://acme.example", schemas).schema(URN)
    assert shown is not None
    again = completed(
        definition_from_json({key: shown[key] for key in ("id", "name", "attributes")})
    )
    number_attributes(again)
    # Discovery leaves out what means nothing for a type, and tells what a type implies.
    for one, other in zip(definition.attributes, again.attributes, strict=True):
        other.case_exact = one.case_exact
        for part, other_part in zip(one.sub_attributes, other.sub_attributes, strict=True):
            other_part.case_exact = part.case_exact
    assert definition_to_json(again) == definition_to_json(definition)


@given(attributes(), attributes())
def test_a_schema_that_has_grown_reads_what_was_stored(
    before: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    known = {distinct(each["name"]) for each in before}
    added = [each for each in more if distinct(each["name"]) not in known]
    old = completed(definition_from_json({"id": URN, "attributes": before}))
    number_attributes(old)
    new = completed(definition_from_json({"id": URN, "attributes": [*added, *before]}))
    check_change(old, new)
    numbers = {each.name: each.field_number for each in new.attributes}
    assert len(set(numbers.values())) == len(numbers)
    assert all(numbers[each.name] == each.field_number for each in old.attributes)
