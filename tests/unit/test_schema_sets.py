"""A definition becomes a descriptor, and that the attribute tables that everything works from."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from rollbook.attributes import RESOURCE_TYPES, USER, AttributeType, Mutability
from rollbook.schema_descriptors import field_name
from rollbook.schema_json import definition_from_json
from rollbook.schema_sets import DEFAULT, SchemaSet, SchemaSetCache, schema_set_of, transfer
from rollbook.v1.schema_pb2 import SchemaAttachment, SchemaDefinition
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest
from service.domain.schema_changes import number_attributes
from service.domain.schema_definitions import completed
from tests.harness.badge_schema import BADGE, BADGE_SCHEMA


def numbered(document: dict[str, Any]) -> SchemaDefinition:
    definition = completed(definition_from_json(document))
    number_attributes(definition)
    return definition


def attached(number: int = 1000, to: str = "User", *, required: bool = False) -> SchemaAttachment:
    return SchemaAttachment(schema=BADGE, resource_type=to, field_number=number, required=required)


def badge_set(*attachments: SchemaAttachment, revision: int = 1) -> SchemaSet:
    return schema_set_of(revision, [numbered(BADGE_SCHEMA)], attachments or [attached()])


def test_the_tables_say_what_the_definition_says() -> None:
    extension = badge_set().resource_type("User").extension(BADGE.lower())
    assert extension is not None
    assert (extension.field, extension.schema.name) == ("extension_1000", "Badge")
    assert [each.name for each in extension.schema.attributes] == [
        each["name"] for each in BADGE_SCHEMA["attributes"]
    ]
    for defined, each in zip(BADGE_SCHEMA["attributes"], extension.schema.attributes, strict=True):
        assert each.type == defined["type"]
        assert each.schema == BADGE
        assert each.multi_valued == defined.get("multiValued", False)
        assert each.mutability == defined.get("mutability", "readWrite")
        assert each.uniqueness == defined.get("uniqueness", "none")
        assert each.description == defined.get("description", "")
        assert [part.name for part in each.sub_attributes] == [
            part["name"] for part in defined.get("subAttributes", [])
        ]
        assert not each.derived


def test_what_the_contract_has_stays() -> None:
    extended = badge_set().resource_type("User")
    assert [each.name for each in extended.schema.attributes] == [
        each.name for each in USER.schema.attributes
    ]
    assert extended.extensions[0].schema.urn == USER.extensions[0].schema.urn


@pytest.mark.parametrize("name", [kind.name for kind in RESOURCE_TYPES])
def test_a_schema_extends_what_it_is_attached_to(name: str) -> None:
    schemas = badge_set(attached(1007, name, required=True))
    for kind in schemas.resource_types:
        extension = kind.extension(BADGE)
        assert (extension is not None) == (kind.name == name)
        if extension is not None:
            assert (extension.number, extension.required) == (1007, True)


def test_dormant_extensions_are_not_seen() -> None:
    schemas = schema_set_of(2, [numbered(BADGE_SCHEMA)], [], [attached()])
    user = schemas.resource_type("User")
    assert user.extension(BADGE) is None
    assert [each.schema.urn for each in user.dormant] == [BADGE]
    assert user.message(user_name="ada").extension_1000.number == ""  # type: ignore[attr-defined]


def test_a_tenant_without_schemas_has_the_contract() -> None:
    assert schema_set_of(0, [], []) is DEFAULT
    left = schema_set_of(3, [], [])
    assert [kind.revision for kind in left.resource_types] == [3, 3, 3]
    assert left.resource_type("User").message is User
    assert left.message_class("rollbook.v1.CreateUserRequest") is CreateUserRequest


def test_a_client_of_the_contract_keeps_what_it_does_not_know() -> None:
    schemas = badge_set()
    request: Any = schemas.message_class("rollbook.v1.CreateUserRequest")()
    request.user.user_name = "ada"
    badge = request.user.extension_1000
    badge.number = "7"
    badge.printer.class_ = 3
    badge.shifts.add(seconds=5)
    plain = CreateUserRequest.FromString(request.SerializeToString())
    assert plain.user == User.FromString(request.user.SerializeToString())
    assert type(request).FromString(plain.SerializeToString()) == request
    again: Any = schemas.resource_type("User").message()
    transfer(plain.user, again)
    assert again == request.user
    assert type(request.user) is schemas.resource_type("User").message


def test_services_set_what_is_read_only() -> None:
    schemas = badge_set()
    for each, expected in (
        (schemas, Mutability.READ_ONLY),
        (schemas.for_services, Mutability.READ_WRITE),
    ):
        extension = each.resource_type("User").extension(BADGE)
        assert extension is not None
        last_seen = extension.schema.attribute("lastSeen")
        assert last_seen is not None
        assert (last_seen.type, last_seen.mutability) == (AttributeType.DATE_TIME, expected)
        groups = each.resource_type("User").attribute("groups")
        assert groups is not None
        assert groups.mutability is Mutability.READ_ONLY
    assert DEFAULT.for_services is DEFAULT


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("badgeNumber", "badge_number"),
        ("badge-number", "badge_number"),
        ("URL", "url"),
        ("x509Cert", "x509_cert"),
        ("$ref", "ref"),
        ("class", "class_"),
        ("Import", "import_"),
        ("value", "value"),
    ],
)
def test_fields_have_names_that_python_takes(name: str, field: str) -> None:
    assert field_name(name) == field


def test_a_set_goes_with_its_last_user() -> None:
    schemas = badge_set()
    user = schemas.resource_type("User")
    message_class, kind = weakref.ref(user.message), weakref.ref(user)
    assert str(user.message(user_name="ada")) == 'user_name: "ada"\n'
    del schemas, user
    gc.collect()
    assert (message_class(), kind()) == (None, None)


def test_the_cache_forgets_what_was_not_used_for_the_longest_time() -> None:
    cache = SchemaSetCache[int]()
    one = badge_set()
    for key in range(1_000):
        cache.put(key, one)
        cache.get(0)
    assert cache.get(0) is one
    assert cache.get(1) is None
    assert cache.get(999) is one
    kept = sum(cache.get(key) is not None for key in range(1_000))
    assert 100 < kept < 300
    cache.put(999, DEFAULT)
    assert cache.get(999) is DEFAULT
