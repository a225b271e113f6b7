"""Attributes that no schema has, where they are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from gateway.scim.dialects import LENIENT, STRICT, Reading
from gateway.scim.errors import ScimError
from gateway.scim.patch import operations_from_scim
from gateway.scim.translation import resource_from_scim
from rollbook.attributes import RESOURCE_TYPES, USER, ResourceType
from rollbook.v1.user_pb2 import User
from service.domain import patch

KEEPING: Final = replace(LENIENT, keeps_unmapped=True)
ENTERPRISE: Final = USER.extensions[0].schema.urn
FOREIGN: Final = "urn:example:schemas:2.0:User"

SENT: Final[list[tuple[str, Any, dict[str, str]]]] = [
    ("badge", "blue", {"badge": '"blue"'}),
    ("badge", 12.5, {"badge": "12.5"}),
    ("badge", [{"a": None}], {"badge": '[{"a":null}]'}),
    ("badge", None, {}),
    ("name", {"nick": "Ada"}, {"name.nick": '"Ada"'}),
    (ENTERPRISE, {"desk": "4a"}, {f"{ENTERPRISE}:desk": '"4a"'}),
    (FOREIGN, {"desk": "4a"}, {FOREIGN: '{"desk":"4a"}'}),
    # Which element it was part of is nothing that the next request could refer to.
    ("emails", [{"value": "a@b.example", "verified": True}], {}),
    *[(name, "hush", {}) for name in ("userPassword", "api_secret", "authToken", "privateKey")],
]


def kept(user: Any) -> dict[str, str]:
    return {each.name: each.json for each in user.unmapped.attributes}


@pytest.mark.parametrize(("name", "value", "expected"), SENT)
def test_a_body_s_are_kept_as_they_came(name: str, value: Any, expected: dict[str, str]) -> None:
    body = {"schemas": [USER.schema.urn], "userName": "ada", name: value}
    assert kept(resource_from_scim(USER, body, Reading(KEEPING))) == expected
    assert kept(resource_from_scim(USER, body, Reading(LENIENT))) == {}
    with pytest.raises(ScimError):
        resource_from_scim(USER, {**body, "nope": 1}, Reading(STRICT))


def patched(user: User, *operations: dict[str, Any]) -> dict[str, str]:
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": list(operations),
    }
    patch.apply(user, operations_from_scim(body, USER, Reading(KEEPING)), USER)
    return kept(user)


@pytest.mark.parametrize(("name", "value", "expected"), SENT)
@pytest.mark.parametrize("op", ["add", "replace"])
def test_a_patch_s_are_kept_whether_it_has_a_path(
    op: str, name: str, value: Any, expected: dict[str, str]
) -> None:
    assert patched(User(), {"op": op, "path": name, "value": value}) == expected
    assert patched(User(), {"op": op, "value": {name: value}}) == expected


def test_operations_work_on_each_other_s_values() -> None:
    user = User()
    replace_badge = {"op": "replace", "path": "badge", "value": 1}
    assert patched(user, {"op": "add", "value": {"badge": 2, "desk": 3}}, replace_badge) == {
        "badge": "1",
        "desk": "3",
    }
    assert patched(user, {"op": "remove", "path": "BADGE"}) == {"desk": "3"}
    assert patched(user, {"op": "replace", "path": "desk", "value": None}) == {}
    assert not user.HasField("unmapped") or not user.unmapped.attributes


def test_equal_values_are_several() -> None:
    assert len(patched(User(), {"op": "add", "value": {"a": True, "b": True}})) == 2


@pytest.mark.parametrize("path", ['badge[type eq "x"].value', 'emails[nope eq "x"].value'])
def test_elements_are_passed_over(path: str) -> None:
    assert patched(User(), {"op": "replace", "path": path, "value": 1}) == {}


@pytest.mark.parametrize("resource_type", RESOURCE_TYPES, ids=lambda each: each.name)
def test_every_resource_type_keeps_them(resource_type: ResourceType) -> None:
    name = "userName" if resource_type is USER else "displayName"
    body = {"schemas": [resource_type.schema.urn], name: "x", "badge": 1}
    assert kept(resource_from_scim(resource_type, body, Reading(KEEPING))) == {"badge": "1"}
