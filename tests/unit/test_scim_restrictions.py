"""What the strict dialect refuses although RFC 7644 does not: the interoperability profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.scim.dialects import ENTRA, LENIENT, OKTA, STRICT, Dialect, Reading, Restriction
from gateway.scim.errors import ScimError
from gateway.scim.patch import operations_from_scim
from gateway.scim.translation import resource_from_scim
from rollbook.attributes import GROUP, USER
from rollbook.v1.patch_pb2 import PatchOp
from tests.harness.filter_text import path_text

if TYPE_CHECKING:
    from rollbook.attributes import ResourceType
    from rollbook.v1.patch_pb2 import PatchOperation

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORK = 'emails[type eq "work"]'
RFC = Dialect("rfc", frozenset())


def read(dialect: Dialect, *operations: object, kind: ResourceType = USER) -> list[PatchOperation]:
    body = {"schemas": [PATCH], "Operations": list(operations)}
    return operations_from_scim(body, kind, Reading(dialect))


def refused(*operations: object, kind: ResourceType = USER) -> ScimError:
    """What the strict dialect says of operations that the standard allows."""
    read(RFC, *operations, kind=kind)
    with pytest.raises(ScimError) as raised:
        read(STRICT, *operations, kind=kind)
    assert raised.value.status == 400
    return raised.value


def op(name: str, path: str, *value: object) -> dict[str, object]:
    return {"op": name, "path": path, **({"value": value[0]} if value else {})}


@pytest.mark.parametrize("dialect", [LENIENT, OKTA, ENTRA])
def test_nothing_of_the_standard_is_refused_unless_strict(dialect: Dialect) -> None:
    assert not dialect.restrictions
    assert not dialect.is_interop_profile
    assert STRICT.restrictions == frozenset(Restriction)
    assert STRICT.is_interop_profile


@pytest.mark.parametrize("restriction", Restriction, ids=lambda each: each.name)
def test_every_restriction_is_explained_in_a_sentence(restriction: Restriction) -> None:
    assert restriction.value[0].isupper()
    assert restriction.value.endswith(".")


@pytest.mark.parametrize("name", ["add", "replace"])
def test_an_operation_without_a_path_is_invalid_syntax(name: str) -> None:
    error = refused({"op": name, "value": {"title": "x"}})
    assert error.scim_type == "invalidSyntax"
    assert error.detail == "Operations[0]: An operation needs a path."


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (op("add", "title", "x"), op("replace", "title", "y")),
        (op("add", "title", "x"), op("remove", "Title")),
        (op("add", "title", "x"), op("add", f"{CORE}:title", "x")),
        (op("remove", "emails"), op("add", "emails", [{"value": "a@x"}])),
        (op("add", f"{WORK}.value", "x"), op("add", f"{CORE}:{WORK}.Value", "y")),
        (op("remove", ENTERPRISE), op("add", ENTERPRISE.upper(), {"department": "x"})),
    ],
)
def test_two_operations_on_one_path_are_invalid_syntax(first: object, second: object) -> None:
    error = refused(first, second)
    assert error.scim_type == "invalidSyntax"
    assert error.detail.startswith("Operations[1]: Another operation has the path")


def test_operations_on_different_paths_are_read() -> None:
    operations = [
        op("replace", "title", "x"),
        op("replace", "name.givenName", "Ada"),
        op("replace", "name.familyName", "King"),
        op("replace", f"{WORK}.value", "a@x"),
        op("replace", f"{WORK}.display", "A"),
        op("replace", 'emails[type eq "home"].value', "a@y"),
    ]
    assert len(read(STRICT, *operations)) == len(operations)


@pytest.mark.parametrize("name", ["add", "replace"])
def test_a_filter_without_a_sub_attribute_is_invalid_path(name: str) -> None:
    error = refused(op(name, WORK, {"value": "a@x"}))
    assert error.scim_type == "invalidPath"
    assert "emails[…].value" in error.detail


def test_an_element_may_be_removed_by_a_filter_alone() -> None:
    [operation] = read(STRICT, op("remove", WORK))
    assert operation.single_target
    [operation] = read(STRICT, op("remove", 'members[value eq "7"]'), kind=GROUP)
    assert operation.single_target
    assert not operation.target_required


@pytest.mark.parametrize("name", ["add", "replace", "remove"])
def test_the_service_is_told_that_a_filter_selects_one_element(name: str) -> None:
    operation = op(name, f"{WORK}.value", *(["a@x"] if name != "remove" else []))
    [strict], [standard] = read(STRICT, operation), read(RFC, operation)
    assert strict.single_target
    assert strict.target_required
    assert not standard.single_target


@pytest.mark.parametrize(
    ("operation", "full"),
    [
        (op("replace", "name", {"givenName": "Ada"}), True),
        (op("replace", f"{ENTERPRISE}:manager", {"value": "7"}), True),
        (op("add", "name", {"givenName": "Ada"}), False),
        (op("remove", "name"), False),
    ],
)
def test_the_service_is_told_to_replace_a_complex_attribute_as_a_whole(
    operation: object, full: bool
) -> None:
    [strict], [standard] = read(STRICT, operation), read(RFC, operation)
    assert strict.full_replacement is full
    assert not standard.full_replacement


def test_what_is_empty_in_a_full_replacement_needs_no_removal_of_its_own() -> None:
    value = {"givenName": None, "familyName": "King"}
    assert len(read(RFC, op("replace", "name", value))) == 2
    [operation] = read(STRICT, op("replace", "name", value))
    assert operation.full_replacement
    assert operation.user.name.family_name == "King"


@pytest.mark.parametrize("value", [{}, {"givenName": None}])
def test_a_full_replacement_by_nothing_is_a_removal(value: object) -> None:
    [operation] = read(STRICT, op("replace", "name", value))
    assert operation.op == PatchOp.PATCH_OP_REMOVE
    assert path_text(operation.path) == "name"


@pytest.mark.parametrize(
    ("attribute", "kind", "allowed"),
    [
        ("emails", "work", True),
        ("emails", "WORK", True),
        ("emails", "pager", False),
        ("phoneNumbers", "pager", True),
        ("addresses", "mobile", False),
        # The schema lists no types of these.
        ("roles", "workspace_prod", True),
        ("entitlements", "licence", True),
    ],
)
def test_an_element_has_a_type_that_the_schema_lists(
    attribute: str, kind: str, allowed: bool
) -> None:
    part = "locality" if attribute == "addresses" else "value"
    elements = [{part: "x", "type": kind}]
    body = {"schemas": [CORE], "userName": "ada", attribute: elements}
    resource_from_scim(USER, body, Reading(RFC))
    if allowed:
        resource_from_scim(USER, body, Reading(STRICT))
        read(STRICT, op("add", attribute, elements))
        return
    with pytest.raises(ScimError) as raised:
        resource_from_scim(USER, body, Reading(STRICT))
    assert raised.value.scim_type == "invalidValue"
    assert f"{attribute}[0].type must be one of" in raised.value.detail
    assert refused(op("add", attribute, elements)).scim_type == "invalidValue"
