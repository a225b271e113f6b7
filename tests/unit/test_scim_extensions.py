"""What the gateway makes of registered schemas that the contract has no example of."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.scim.dialects import LENIENT, STRICT, Reading
from gateway.scim.errors import ScimError
from gateway.scim.patch import operations_from_scim
from gateway.scim.projection import projection_of
from gateway.scim.translation import resource_from_scim, resource_to_scim
from rollbook.schema_sets import SchemaSet, schema_set_of
from rollbook.v1.schema_pb2 import SchemaAttachment
from service.domain.schema_changes import number_attributes
from service.domain.schema_definitions import completed
from tests.harness.badge_schema import BADGE, USER, definition

BASE = "https://acme.example/scim/v2"


def set_of(*attributes: dict[str, Any]) -> SchemaSet:
    defined = completed(definition(BADGE, *attributes))
    number_attributes(defined)
    attachment = SchemaAttachment(schema=BADGE, resource_type="User", field_number=1000)
    return schema_set_of(1, [defined], [attachment])


def shown(
    schemas: SchemaSet,
    values: dict[str, Any],
    *,
    attributes: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
) -> dict[str, Any]:
    """What is shown of a user who is sent with a badge."""
    kind = schemas.resource_type("User")
    body = {"schemas": [USER, BADGE], "userName": "ada", BADGE: values}
    user = resource_from_scim(kind, body, Reading(STRICT, schemas=schemas))
    return resource_to_scim(kind, user, BASE, projection_of(attributes, excluded))


@pytest.mark.parametrize(
    ("attributes", "excluded", "names"),
    [
        ((), (), {"color", "number"}),
        (("userName",), (), {"color"}),
        ((), (BADGE,), {"color"}),
        ((), (f"{BADGE}:color",), {"color", "number"}),
        ((f"{BADGE}:hidden",), (), {"color", "hidden"}),
        ((f"{BADGE}:number",), (), {"color", "number"}),
    ],
)
def test_what_is_always_returned_is(
    attributes: tuple[str, ...], excluded: tuple[str, ...], names: set[str]
) -> None:
    schemas = set_of(
        {"name": "color", "returned": "always"},
        {"name": "number"},
        {"name": "hidden", "returned": "request"},
    )
    values = {"color": "red", "number": "1", "hidden": "h"}
    body = shown(schemas, values, attributes=attributes, excluded=excluded)
    assert set(body[BADGE]) == names
    mask = projection_of(attributes, excluded).read_mask(schemas.resource_type("User"))
    assert not mask.paths or "extension_1000.color" in mask.paths or "extension_1000" in mask.paths


def test_a_location_is_one_only_in_meta() -> None:
    schemas = set_of(
        {"name": "location"},
        {"name": "desk", "type": "complex", "subAttributes": [{"name": "location"}]},
    )
    values = {"location": "Berlin", "desk": {"location": "7"}}
    assert shown(schemas, values)[BADGE] == values


def test_an_attribute_that_nobody_defined_is_named() -> None:
    schemas = set_of({"name": "number"})
    with pytest.raises(ScimError, match=f"{BADGE}:nope"):
        shown(schemas, {"nope": "1"})


def test_an_extension_that_is_not_declared_is_refused_where_that_matters() -> None:
    schemas = set_of({"name": "number"})
    kind = schemas.resource_type("User")
    body = {"schemas": [USER], "userName": "ada", BADGE: {"number": "1"}}
    with pytest.raises(ScimError, match=f"schemas must contain {BADGE}"):
        resource_from_scim(kind, body, Reading(STRICT, schemas=schemas))
    user: Any = resource_from_scim(kind, body, Reading(LENIENT, schemas=schemas))
    assert user.extension_1000.number == "1"


def test_an_attribute_of_an_extension_may_stand_among_the_others() -> None:
    schemas = set_of({"name": "number"})
    body = {"schemas": [USER], "userName": "ada", "number": "1"}
    reading = Reading(LENIENT, schemas=schemas)
    user: Any = resource_from_scim(schemas.resource_type("User"), body, reading)
    assert user.extension_1000.number == "1"


@pytest.mark.parametrize(
    ("value", "content"),
    [({"number": "7"}, b"\x0a\x017"), ({"days": ["1970-01-01T00:00:00Z"]}, b"\x12\x00")],
)
def test_the_value_of_a_patch_goes_as_unknown_fields(value: dict[str, Any], content: bytes) -> None:
    schemas = set_of({"name": "number"}, {"name": "days", "type": "dateTime", "multiValued": True})
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "add", "value": {BADGE: value}}],
    }
    kind = schemas.resource_type("User")
    (operation,) = operations_from_scim(body, kind, Reading(LENIENT, schemas=schemas))
    assert operation.path.attribute.schema == BADGE
    payload = operation.user.SerializeToString()
    assert payload == b"\xc2\x3e" + bytes([len(content)]) + content
