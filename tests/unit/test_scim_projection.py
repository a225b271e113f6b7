"""`attributes` and `excludedAttributes` keep what RFC 7644 §3.9 says, and tell the service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.scim import projection as module
from gateway.scim.errors import ScimError
from gateway.scim.projection import (
    EVERYTHING,
    MAX_NAMES,
    Projection,
    projection_from_query,
    projection_of,
)
from gateway.scim.translation import resource_to_scim
from rollbook.attributes import GROUP, USER, Attribute, ResourceType, Returned
from rollbook.v1.enterprise_user_pb2 import EnterpriseUser, Manager
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.meta_pb2 import Meta
from rollbook.v1.user_pb2 import Email, GroupMembership, Name, User

CORE = USER.schema.urn
ENTERPRISE = USER.extensions[0].schema.urn
BASE_URL = "https://id.acme.example/scim/v2"

ADA = User(
    id="1",
    user_name="ada",
    name=Name(given_name="Ada", family_name="King"),
    emails=[Email(value="a@x", type="work"), Email(type="home")],
    groups=[GroupMembership(value="c1f3", type="direct")],
    enterprise=EnterpriseUser(department="Engines", manager=Manager(value="77")),
    meta=Meta(resource_type="User", etag='W/"1"'),
)
ALWAYS: dict[str, Any] = {"schemas": [CORE, ENTERPRISE], "id": "1"}
WHOLE: dict[str, Any] = resource_to_scim(USER, ADA, BASE_URL, EVERYTHING)


def rendered(attributes: list[str], excluded: list[str]) -> dict[str, Any]:
    return resource_to_scim(USER, ADA, BASE_URL, projection_of(attributes, excluded))


@pytest.mark.parametrize(
    ("attributes", "members"),
    [
        (["userName"], {"userName": "ada"}),
        (["USERNAME"], {"userName": "ada"}),
        ([f"{CORE}:userName"], {"userName": "ada"}),
        ([f"{CORE.upper()}:username"], {"userName": "ada"}),
        (["name.givenName"], {"name": {"givenName": "Ada"}}),
        (["name.givenName, userName"], {"userName": "ada", "name": {"givenName": "Ada"}}),
        (["name.givenName", "userName"], {"userName": "ada", "name": {"givenName": "Ada"}}),
        (["name,name.givenName"], {"name": WHOLE["name"]}),
        (["name.givenName,name"], {"name": WHOLE["name"]}),
        (["name.middleName"], {}),
        (["emails.value"], {"emails": [{"value": "a@x"}]}),
        (["emails.display"], {}),
        (['emails[type eq "work"]'], {"emails": WHOLE["emails"]}),
        (
            ['emails[type eq "a,]b"].value,userName'],
            {"userName": "ada", "emails": [{"value": "a@x"}]},
        ),
        (["groups.$ref"], {"groups": [{"$ref": f"{BASE_URL}/Groups/c1f3"}]}),
        (["meta.version"], {"meta": {"version": 'W/"1"'}}),
        ([ENTERPRISE], {ENTERPRISE: WHOLE[ENTERPRISE]}),
        ([f"{ENTERPRISE}:department"], {ENTERPRISE: {"department": "Engines"}}),
        ([f"{ENTERPRISE}:manager.value"], {ENTERPRISE: {"manager": {"value": "77"}}}),
        ([f"{ENTERPRISE}.manager.value"], {ENTERPRISE: {"manager": {"value": "77"}}}),
        (["department"], {ENTERPRISE: {"department": "Engines"}}),
        (["schemas"], {}),
        (["id"], {}),
        (["nope", "urn:nope:x", "a b", "emails[", "..", "password"], {}),
    ],
)
def test_attributes_keeps_what_is_named_and_what_always_is(
    attributes: list[str], members: dict[str, Any]
) -> None:
    assert rendered(attributes, []) == {**ALWAYS, **members}


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        (["userName"], ["userName"]),
        (["USERNAME,name"], ["userName", "name"]),
        (["emails", "groups"], ["emails", "groups"]),
        (["meta"], ["meta"]),
        ([ENTERPRISE], [ENTERPRISE]),
        (["id", "schemas", "nope"], []),
    ],
)
def test_excluded_attributes_drops_what_is_named(excluded: list[str], gone: list[str]) -> None:
    assert rendered([], excluded) == {k: v for k, v in WHOLE.items() if k not in gone}


@pytest.mark.parametrize(
    ("excluded", "member", "left"),
    [
        (["name.familyName"], "name", {"givenName": "Ada"}),
        (["emails.type"], "emails", [{"value": "a@x"}]),
        ([f"{ENTERPRISE}:manager"], ENTERPRISE, {"department": "Engines"}),
        (
            [f"{ENTERPRISE}:manager.$ref"],
            ENTERPRISE,
            {"department": "Engines", "manager": {"value": "77"}},
        ),
        (["name.familyName,name"], "name", None),
        (["name.givenName,name.familyName"], "name", None),
    ],
)
def test_excluded_sub_attributes_leave_the_others(
    excluded: list[str], member: str, left: object
) -> None:
    assert rendered([], excluded).get(member) == left


@pytest.mark.parametrize("values", [[], [""], [","], ["", " "]])
def test_parameters_that_name_nothing_are_not_there(values: list[str]) -> None:
    assert projection_of(values, values) is EVERYTHING


def test_everything_is_not_even_copied() -> None:
    body: dict[str, object] = {"userName": "ada"}
    assert EVERYTHING.apply(USER, body) is body


@pytest.mark.parametrize(
    ("attributes", "excluded", "message"),
    [
        (["userName"], ["name"], "must not be given together"),
        ([",".join(f"a{n}" for n in range(MAX_NAMES + 1))], [], "More than 1000 attributes"),
    ],
)
def test_too_much_is_an_invalid_value(
    attributes: list[str], excluded: list[str], message: str
) -> None:
    with pytest.raises(ScimError, match=message) as caught:
        projection_of(attributes, excluded)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidValue")


def test_query_parameters_are_found_in_any_case() -> None:
    query = [("ATTRIBUTES", "userName"), ("foo", "x"), ("attributes", "title")]
    assert projection_from_query(query) is projection_of(["userName,title"], [])
    assert projection_from_query(query).names_attributes
    assert not projection_from_query([("excludedattributes", "title")]).names_attributes


@pytest.mark.parametrize(
    ("kind", "attributes", "excluded", "paths"),
    [
        (USER, [], [], []),
        (USER, [], ["nope"], []),
        (USER, [], ["members"], []),
        (USER, ["userName"], [], ["id", "meta", "user_name"]),
        (USER, ["name.givenName"], [], ["id", "meta", "name.given_name"]),
        (USER, ["groups"], [], ["id", "meta", "groups"]),
        (USER, ["groups.display"], [], ["id", "meta", "groups.display"]),
        (USER, ["groups.$ref"], [], ["id", "meta", "groups.value", "groups.type"]),
        (USER, [f"{ENTERPRISE}:manager.$ref"], [], ["id", "meta", "enterprise.manager.value"]),
        (USER, [f"{ENTERPRISE}:manager"], [], ["id", "meta", "enterprise.manager"]),
        (USER, ["nope"], [], ["id", "meta"]),
        (
            GROUP,
            [],
            ["members"],
            ["id", "meta", "external_id", "display_name", "roles", "unmapped"],
        ),
        (GROUP, ["userName"], [], ["id", "meta"]),
    ],
)
def test_the_service_is_told_what_to_gather(
    kind: ResourceType, attributes: list[str], excluded: list[str], paths: list[str]
) -> None:
    assert list(projection_of(attributes, excluded).read_mask(kind).paths) == paths


def test_what_is_excluded_is_not_gathered_while_all_else_is() -> None:
    paths = set(
        projection_of([], ["groups", f"{ENTERPRISE}:manager.displayName"]).read_mask(USER).paths
    )
    assert "groups" not in paths
    assert {"emails", "enterprise.department", "enterprise.manager.value"} <= paths
    assert not paths & {"enterprise", "enterprise.manager", "enterprise.manager.display_name"}
    assert all(path.split(".")[0] in USER.message.DESCRIPTOR.fields_by_name for path in paths)


def test_compiled_projections_are_remembered_unless_they_are_long() -> None:
    assert projection_of(["userName,title"], []) is projection_of([" userName", "title"], [])
    long = [f"a{n}" for n in range(900)]
    assert projection_of(long, []) is not projection_of(long, [])


def _returned(attribute: Attribute, rules: dict[str, Returned]) -> Attribute:
    return replace(
        attribute,
        returned=rules.get(attribute.name, attribute.returned),
        sub_attributes=tuple(_returned(each, rules) for each in attribute.sub_attributes),
    )


def _group_type(rules: dict[str, Returned]) -> ResourceType:
    """The resource type Group, with other rules on when attributes are returned."""
    attributes = tuple(_returned(each, rules) for each in GROUP.schema.attributes)
    return replace(GROUP, schema=replace(GROUP.schema, attributes=attributes))


BODY: dict[str, Any] = {
    "schemas": [GROUP.schema.urn],
    "id": "1",
    "displayName": "Analysts",
    "members": [{"value": "u1", "type": "User", "display": "Ada"}],
}
WITHOUT_TYPE = [{"value": "u1", "display": "Ada"}]


@pytest.mark.parametrize(
    ("rules", "attributes", "excluded", "left"),
    [
        ({"displayName": Returned.ALWAYS}, "members", "", ["displayName", "members"]),
        ({"displayName": Returned.ALWAYS}, "", "displayName", ["displayName", "members"]),
        ({"displayName": Returned.REQUEST}, "", "", ["members"]),
        ({"displayName": Returned.REQUEST}, "", "members", []),
        ({"displayName": Returned.REQUEST}, "displayName", "", ["displayName"]),
        ({"members": Returned.REQUEST}, "", "", ["displayName"]),
        ({"members": Returned.REQUEST}, "members.value", "", ["members"]),
    ],
)
def test_when_an_attribute_is_returned_follows_its_rule(
    rules: dict[str, Returned], attributes: str, excluded: str, left: list[str]
) -> None:
    projected = projection_of([attributes], [excluded]).apply(_group_type(rules), BODY)
    assert list(projected) == ["schemas", "id", *left]


@pytest.mark.parametrize(
    ("rule", "attributes", "excluded", "members"),
    [
        (Returned.REQUEST, "", "", WITHOUT_TYPE),
        (Returned.REQUEST, "members", "", WITHOUT_TYPE),
        (Returned.REQUEST, "members.type", "", [{"type": "User"}]),
        (Returned.ALWAYS, "members.value", "", [{"value": "u1", "type": "User"}]),
        (Returned.ALWAYS, "", "members.type", BODY["members"]),
        (Returned.ALWAYS, "", "members", None),
    ],
)
def test_when_a_sub_attribute_is_returned_follows_its_rule(
    rule: Returned, attributes: str, excluded: str, members: object
) -> None:
    kind = _group_type({"type": rule})
    projected = projection_of([attributes], [excluded]).apply(kind, BODY)
    assert projected.get("members") == members


def test_passwords_are_never_returned() -> None:
    user = User(id="1", password="secret")
    for projection in (EVERYTHING, projection_of(["password"], [])):
        assert resource_to_scim(USER, user, BASE_URL, projection) == {"schemas": [CORE], "id": "1"}


def test_members_are_rendered_with_the_parts_that_are_asked_for() -> None:
    group = Group(id="1", members=[GroupMember(value="u1", display="Ada")])
    projection = projection_of(["members.display"], [])
    body = resource_to_scim(GROUP, group, BASE_URL, projection)
    assert body["members"] == [{"display": "Ada"}]


def test_a_projection_is_compiled_once_for_each_resource_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    projection = Projection(attributes=("userName",))
    mask = projection.read_mask(USER)
    monkeypatch.setattr(module, "_chosen", None)
    assert projection.read_mask(USER) is mask
