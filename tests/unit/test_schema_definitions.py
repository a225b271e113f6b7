"""Which definitions of schemas are accepted, and how they may change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rollbook.schema_json import definition_from_json, definition_to_json
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.domain.schema_changes import check_change, number_attributes
from service.domain.schema_definitions import MAX_ATTRIBUTES, completed
from service.domain.schema_urns import check_apart, check_urn

if TYPE_CHECKING:
    from rollbook.v1.schema_pb2 import SchemaDefinition

URN = "urn:acme:params:scim:schemas:extension:badge:1.0:User"


def schema(*attributes: dict[str, Any], **members: Any) -> SchemaDefinition:
    return definition_from_json({"id": URN, "attributes": list(attributes), **members})


def attribute(**characteristics: Any) -> SchemaDefinition:
    return schema({"name": "number", **characteristics})


def complex_of(*parts: dict[str, Any], **characteristics: Any) -> SchemaDefinition:
    return attribute(type="complex", subAttributes=list(parts), **characteristics)


def refusal(definition: SchemaDefinition) -> DomainError:
    with pytest.raises(DomainError) as refused:
        completed(definition)
    return refused.value


def test_what_is_left_out_is_as_the_rfc_says() -> None:
    (shown,) = completed(attribute()).attributes
    assert (shown.type, shown.mutability, shown.returned, shown.uniqueness) == (
        "string",
        "readWrite",
        "default",
        "none",
    )
    assert completed(attribute()).name == URN
    (reference,) = completed(attribute(type="reference")).attributes
    assert reference.reference_types == ["uri"]
    (secret,) = completed(attribute(mutability="writeOnly")).attributes
    assert secret.returned == "never"


def test_a_completed_definition_is_complete() -> None:
    once = completed(complex_of({"name": "value"}, {"name": "weight", "type": "decimal"}))
    assert completed(once) == once


@pytest.mark.parametrize(
    "urn",
    [
        URN,
        "URN:ACME:A",
        "urn:a1:b",
        "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User",
        "urn:example:" + "x" * 244,
    ],
)
def test_a_urn_is_accepted(urn: str) -> None:
    check_urn(urn)


@pytest.mark.parametrize(
    "urn",
    [
        "",
        "badge",
        "https://acme.example/badge",
        "urn:a:b",
        "urn:acme:",
        "urn:acme:b:",
        "urn:acme:b c",
        'urn:acme:"b"',
        "urn:acme:b[c]",
        "urn:acme:b,c",
        "urn:acme:b(c)",
        "urn:acme:b#1",
        "urn:acme:ä",
        "urn:example:" + "x" * 245,
        "urn:ietf:params:scim:api:messages:2.0:PatchOp",
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "URN:ietf:params:scim:schemas:core:2.0:Device",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
    ],
)
def test_a_urn_is_refused(urn: str) -> None:
    with pytest.raises(DomainError) as refused:
        check_urn(urn)
    assert refused.value.field == "id"


@pytest.mark.parametrize("other", ["urn:acme:a", "urn:acme:A", "urn:acme:a:b", "urn:acme:a.b"])
def test_a_urn_must_not_go_on_where_another_ends(other: str) -> None:
    for one, two in (("urn:acme:a", other), (other, "urn:acme:a")):
        with pytest.raises(DomainError):
            check_apart(one, [two])
    check_apart("urn:acme:a", ["urn:acme:ab", "urn:acme:b:a"])


@pytest.mark.parametrize(
    "definition",
    [
        attribute(name="a-b_c9"),
        attribute(name="x" * 64),
        attribute(name="class"),
        attribute(type="dateTime", multiValued=True),
        attribute(type="reference", referenceTypes=["User", "external"]),
        attribute(uniqueness="server", type="integer"),
        attribute(mutability="immutable", required=True),
        attribute(canonicalValues=["a", "b"]),
        complex_of({"name": "value"}, {"name": "primary", "type": "boolean"}, multiValued=True),
        complex_of({"name": "value", "type": "integer", "required": True}),
        complex_of({"name": "a", "mutability": "readOnly"}, mutability="readOnly"),
        complex_of(
            {"name": "value"}, {"name": "$ref", "type": "reference", "referenceTypes": ["Group"]}
        ),
    ],
)
def test_a_definition_is_accepted(definition: SchemaDefinition) -> None:
    completed(definition)


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        (schema(), "attributes"),
        (schema({"name": ""}), "attributes[0].name"),
        (schema({"name": "x" * 65}), "attributes[0].name"),
        (schema({"name": "9a"}), "attributes[0].name"),
        (schema({"name": "a b"}), "attributes[0].name"),
        (schema({"name": "a.b"}), "attributes[0].name"),
        (schema({"name": "ä"}), "attributes[0].name"),
        (schema({"name": "$ref"}), "attributes[0].name"),
        (schema({"name": "ID"}), "attributes[0].name"),
        (schema({"name": "meta"}), "attributes[0].name"),
        (schema({"name": "schemas"}), "attributes[0].name"),
        (schema({"name": "a"}, {"name": "A"}), "attributes[1].name"),
        (schema({"name": "aB"}, {"name": "a_b"}), "attributes[1].name"),
        (attribute(type="text"), "attributes[0].type"),
        (attribute(type="String"), "attributes[0].type"),
        (attribute(type="complex"), "attributes[0].subAttributes"),
        (attribute(subAttributes=[{"name": "a"}]), "attributes[0].subAttributes"),
        (complex_of({"name": "a", "type": "complex"}), "attributes[0].subAttributes[0].type"),
        (
            complex_of({"name": "a", "multiValued": True}),
            "attributes[0].subAttributes[0].multiValued",
        ),
        (complex_of({"name": "Primary"}), "attributes[0].subAttributes[0].name"),
        (complex_of({"name": "primary"}), "attributes[0].subAttributes[0].type"),
        (complex_of({"name": "type", "type": "integer"}), "attributes[0].subAttributes[0].type"),
        (complex_of({"name": "$ref"}), "attributes[0].subAttributes[0].type"),
        (
            complex_of({"name": "$ref", "type": "reference", "referenceTypes": ["User"]}),
            "attributes[0].subAttributes[0].name",
        ),
        (
            complex_of({"name": "value"}, {"name": "$ref", "type": "reference"}),
            "attributes[0].subAttributes[1].referenceTypes",
        ),
        (
            complex_of(
                {"name": "value"},
                {"name": "$ref", "type": "reference", "referenceTypes": ["User", "Group"]},
            ),
            "attributes[0].subAttributes[1].referenceTypes",
        ),
        (
            complex_of({"name": "a", "mutability": "readOnly"}),
            "attributes[0].subAttributes[0].mutability",
        ),
        (
            complex_of({"name": "a", "uniqueness": "server"}),
            "attributes[0].subAttributes[0].uniqueness",
        ),
        (attribute(mutability="readonly"), "attributes[0].mutability"),
        (attribute(mutability="readOnly", required=True), "attributes[0].required"),
        (attribute(mutability="writeOnly", returned="default"), "attributes[0].returned"),
        (attribute(returned="sometimes"), "attributes[0].returned"),
        (attribute(uniqueness="global"), "attributes[0].uniqueness"),
        (attribute(uniqueness="server", multiValued=True), "attributes[0].uniqueness"),
        (attribute(uniqueness="server", type="boolean"), "attributes[0].uniqueness"),
        (attribute(uniqueness="server", type="decimal"), "attributes[0].uniqueness"),
        (attribute(referenceTypes=["User"]), "attributes[0].referenceTypes"),
        (attribute(type="reference", referenceTypes=["Device"]), "attributes[0].referenceTypes"),
        (attribute(canonicalValues=["a\0"]), "attributes[0].canonicalValues"),
        (attribute(canonicalValues=["x"] * 201), "attributes[0].canonicalValues"),
        (attribute(description="x" * 2_049), "attributes[0].description"),
        (schema({"name": "a"}, name="x" * 257), "name"),
        (schema({"name": "a"}, description="\0"), "description"),
    ],
)
def test_a_definition_is_refused_by_name(definition: SchemaDefinition, field: str) -> None:
    error = refusal(definition)
    assert error.field == field
    assert error.reason in {
        ErrorReason.ERROR_REASON_INVALID_VALUE,
        ErrorReason.ERROR_REASON_TOO_MANY,
    }


def test_a_schema_has_so_many_attributes() -> None:
    names = [{"name": f"a{number}"} for number in range(MAX_ATTRIBUTES + 1)]
    assert len(completed(schema(*names[:-1])).attributes) == MAX_ATTRIBUTES
    assert refusal(schema(*names)).reason == ErrorReason.ERROR_REASON_TOO_MANY
    assert refusal(complex_of(*names)).field == "attributes[0].subAttributes"


def test_a_definition_has_a_size() -> None:
    texts = [{"name": f"a{number}", "description": "x" * 2_000} for number in range(40)]
    assert "65536" in refusal(schema(*texts)).message


def test_attributes_are_numbered_once() -> None:
    first = completed(complex_of({"name": "a"}, {"name": "b"}))
    number_attributes(first)
    second = completed(
        schema(
            {"name": "new"},
            {
                "name": "number",
                "type": "complex",
                "subAttributes": [{"name": "c"}, {"name": "b"}, {"name": "a"}],
            },
        )
    )
    check_change(first, second)
    new, number = second.attributes
    assert (new.field_number, number.field_number) == (2, 1)
    assert [(part.name, part.field_number) for part in number.sub_attributes] == [
        ("c", 3),
        ("b", 2),
        ("a", 1),
    ]


@pytest.mark.parametrize(
    ("after", "path"),
    [
        (complex_of({"name": "a"}), "number.b"),
        (complex_of({"name": "a"}, {"name": "b", "type": "integer"}), "number.b"),
        (complex_of({"name": "a"}, {"name": "B"}), "number.b"),
        (complex_of({"name": "a"}, {"name": "b"}, {"name": "c", "required": True}), "number.c"),
        (complex_of({"name": "a"}, {"name": "b"}, multiValued=True), "number"),
    ],
)
def test_what_is_there_stays(after: SchemaDefinition, path: str) -> None:
    before = completed(complex_of({"name": "a"}, {"name": "b"}))
    number_attributes(before)
    with pytest.raises(DomainError) as refused:
        check_change(before, completed(after))
    assert refused.value.field == path


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ([], "object"),
        ("x", "object"),
        ({"id": URN, "attribute": []}, "attribute"),
        ({"id": URN, "attributes": [{"name": "a", "multivalued": True}]}, "multivalued"),
        ({"id": URN, "attributes": [{"name": "a", "required": "yes"}]}, "required"),
        ({"id": 7}, "id"),
    ],
)
def test_a_document_that_is_no_schema_is_refused(document: object, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        definition_from_json(document)


def test_a_document_becomes_a_definition_and_back() -> None:
    document = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": URN,
        "name": "Badge",
        "attributes": [{"name": "number", "multiValued": True, "canonicalValues": ["a"]}],
    }
    definition = definition_from_json({**document, "meta": {"resourceType": "Schema"}})
    number_attributes(definition)
    assert definition_to_json(definition) == document
