"""JSON bodies become the right messages, with every habit that is tolerated, or an exact error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.scim.assignment import MAX_ELEMENTS
from gateway.scim.dialects import LENIENT, STRICT, Reading, Tolerance
from gateway.scim.errors import ScimError
from gateway.scim.projection import EVERYTHING
from gateway.scim.translation import resource_from_scim, resource_to_scim, set_from_scim
from rollbook.attributes import GROUP, USER
from rollbook.v1.enterprise_user_pb2 import EnterpriseUser, Manager
from rollbook.v1.filter_pb2 import AttributePath
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.meta_pb2 import Meta
from rollbook.v1.user_pb2 import Email, GroupMembership, Name, Role, User, X509Certificate

if TYPE_CHECKING:
    from google.protobuf.message import Message


CORE = USER.schema.urn
CORE_GROUP = GROUP.schema.urn
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BASE_URL = "https://id.acme.example/scim/v2"


def read_user(members: dict[str, Any], reading: Reading | None = None) -> Message:
    """The user with these members, both schemas declared unless `schemas` is among them."""
    body = {"schemas": [CORE, ENTERPRISE], **members}
    return resource_from_scim(USER, body, reading or Reading(STRICT))


def refusal(members: dict[str, Any], reading: Reading | None = None) -> tuple[str | None, str]:
    with pytest.raises(ScimError) as caught:
        read_user(members, reading)
    assert caught.value.status == 400
    return caught.value.scim_type, caught.value.detail


@pytest.mark.parametrize(
    ("members", "user"),
    [
        ({"userName": "ada"}, User(user_name="ada")),
        (
            {"USERNAME": "ada", "Name": {"GivenName": "Ada"}},
            User(user_name="ada", name=Name(given_name="Ada")),
        ),
        ({"active": False}, User(active=False)),
        ({"displayName": None, "emails": [], "nickName": "", "name": {}}, User()),
        ({"name": {"givenName": "", "familyName": None}}, User()),
        ({"emails": [{"value": "a@x", "primary": None}]}, User(emails=[Email(value="a@x")])),
        ({"emails": [{}, {"value": "a@x"}]}, User(emails=[Email(value="a@x")])),
        ({"emails": [{"type": "work"}]}, User(emails=[Email(type="work")])),
        ({"displayName": "Ada Ünïcödé 🐍"}, User(display_name="Ada Ünïcödé 🐍")),
        ({"externalId": "  e 1 "}, User(external_id="  e 1 ")),
        (
            {"x509Certificates": [{"value": "AP8="}]},
            User(x509_certificates=[X509Certificate(value=b"\0\xff")]),
        ),
        (
            {"x509Certificates": [{"value": "AP8"}]},
            User(x509_certificates=[X509Certificate(value=b"\0\xff")]),
        ),
        (
            {ENTERPRISE.upper(): {"Department": "Engines", "manager": {"value": "77"}}},
            User(enterprise=EnterpriseUser(department="Engines", manager=Manager(value="77"))),
        ),
        ({ENTERPRISE: {}}, User()),
        ({ENTERPRISE: None}, User()),
    ],
)
def test_a_standard_body_is_read_whatever_the_dialect(members: dict[str, Any], user: User) -> None:
    for dialect in (LENIENT, STRICT):
        reading = Reading(dialect)
        assert read_user(members, reading) == user
        assert reading.met == set()


@pytest.mark.parametrize(
    "members",
    [
        {"id": 7},
        {"id": "x"},
        {"meta": "nonsense"},
        {"meta": {"created": "yesterday", "unknown": 1}},
        {"groups": [{"value": 5}]},
        {"groups": "x"},
        {ENTERPRISE: {"manager": {"displayName": 5}}},
        {ENTERPRISE: {"manager": {"$ref": None}}},
    ],
)
def test_what_is_derived_is_ignored_without_a_look(members: dict[str, Any]) -> None:
    assert read_user(members) == User()


def test_display_and_address_of_members_are_ignored() -> None:
    body = {
        "schemas": [CORE_GROUP],
        "displayName": "Analysts",
        "members": [{"value": "u1", "display": 5, "$ref": "https://elsewhere.example/x"}],
    }
    expected = Group(display_name="Analysts", members=[GroupMember(value="u1")])
    assert resource_from_scim(GROUP, body, Reading(STRICT)) == expected


@pytest.mark.parametrize(
    ("reference", "member"),
    [
        ("https://id.acme.example/scim/v2/Users/u1", GroupMember(value="u1", type="User")),
        ("../Groups/g1", GroupMember(value="g1", type="Group")),
        ("Users/u1", GroupMember(value="u1", type="User")),
    ],
)
def test_a_member_without_value_is_found_by_its_address(
    reference: str, member: GroupMember
) -> None:
    body = {"schemas": [CORE_GROUP], "members": [{"$REF": reference}]}
    assert resource_from_scim(GROUP, body, Reading(STRICT)) == Group(members=[member])


@pytest.mark.parametrize("reference", ["https://x.example/", "Printers/p1", 7])
def test_an_address_that_leads_to_no_member_is_refused(reference: object) -> None:
    body = {"schemas": [CORE_GROUP], "members": [{"$ref": reference}]}
    with pytest.raises(ScimError, match=r"members\[0\]\.\$ref must be the address of a User"):
        resource_from_scim(GROUP, body, Reading(LENIENT))


TOLERATED: list[tuple[dict[str, Any], User, Tolerance, tuple[str, str]]] = [
    (
        {"active": "False"},
        User(active=False),
        Tolerance.STRING_BOOLEAN,
        ("invalidValue", "active must be a boolean, not a string."),
    ),
    (
        {"emails": [{"value": "a"}, {"value": "b", "primary": "TRUE"}]},
        User(emails=[Email(value="a"), Email(value="b", primary=True)]),
        Tolerance.STRING_BOOLEAN,
        ("invalidValue", "emails[1].primary must be a boolean, not a string."),
    ),
    (
        {"emails": {"value": "a@x"}},
        User(emails=[Email(value="a@x")]),
        Tolerance.SINGLE_FOR_ARRAY,
        ("invalidValue", "emails must be an array, not an object."),
    ),
    (
        {"title": ["Analyst"]},
        User(title="Analyst"),
        Tolerance.ARRAY_FOR_SINGLE,
        ("invalidValue", "title must be a string, not an array."),
    ),
    (
        {"active": [True]},
        User(active=True),
        Tolerance.ARRAY_FOR_SINGLE,
        ("invalidValue", "active must be a boolean, not an array."),
    ),
    (
        {"emails": ["a@x"]},
        User(emails=[Email(value="a@x")]),
        Tolerance.SCALAR_FOR_COMPLEX,
        ("invalidValue", "emails[0] must be an object, not a string."),
    ),
    (
        {ENTERPRISE: {"manager": "77"}},
        User(enterprise=EnterpriseUser(manager=Manager(value="77"))),
        Tolerance.SCALAR_FOR_COMPLEX,
        ("invalidValue", f"{ENTERPRISE}:manager must be an object, not a string."),
    ),
    (
        {ENTERPRISE: {"manager": [{"value": "77"}]}},
        User(enterprise=EnterpriseUser(manager=Manager(value="77"))),
        Tolerance.ARRAY_FOR_SINGLE,
        ("invalidValue", f"{ENTERPRISE}:manager must be an object, not an array."),
    ),
    (
        {ENTERPRISE: {"manager": {"managerId": "77"}}},
        User(enterprise=EnterpriseUser(manager=Manager(value="77"))),
        Tolerance.MANAGER_ID,
        ("invalidSyntax", f"There is no attribute {ENTERPRISE}:manager.managerId."),
    ),
    (
        {"emails": [None, {"value": "a@x"}]},
        User(emails=[Email(value="a@x")]),
        Tolerance.NULL_ELEMENT,
        ("invalidValue", "emails[0] must not be null."),
    ),
    (
        {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        User(emails=[Email(value="a", primary=True), Email(value="b", primary=False)]),
        Tolerance.SEVERAL_PRIMARIES,
        ("invalidValue", "2 elements of emails are primary; one may be."),
    ),
    (
        {"x509Certificates": [{"value": "-_8"}]},
        User(x509_certificates=[X509Certificate(value=b"\xfb\xff")]),
        Tolerance.URL_SAFE_BINARY,
        ("invalidValue", "x509Certificates[0].value must be base64 (RFC 4648 §4)."),
    ),
    (
        {"adreses": [], "title": "Analyst"},
        User(title="Analyst"),
        Tolerance.UNKNOWN_ATTRIBUTE,
        ("invalidSyntax", "There is no attribute adreses."),
    ),
    (
        {"emails": [{"value": "a", "label": "x"}]},
        User(emails=[Email(value="a")]),
        Tolerance.UNKNOWN_ATTRIBUTE,
        ("invalidSyntax", "There is no attribute emails[0].label."),
    ),
    (
        {"urn:example:unknown": {"a": 1}},
        User(),
        Tolerance.UNKNOWN_ATTRIBUTE,
        ("invalidSyntax", "There is no attribute urn:example:unknown."),
    ),
    (
        {ENTERPRISE: {"nope": 1}},
        User(),
        Tolerance.UNKNOWN_ATTRIBUTE,
        ("invalidSyntax", f"There is no attribute {ENTERPRISE}:nope."),
    ),
    (
        {"department": "Engines"},
        User(enterprise=EnterpriseUser(department="Engines")),
        Tolerance.UNQUALIFIED_EXTENSION,
        ("invalidSyntax", "There is no attribute department."),
    ),
    (
        {"schemas": None, "title": "Analyst"},
        User(title="Analyst"),
        Tolerance.MISSING_SCHEMAS,
        ("invalidSyntax", f"schemas must contain {CORE}."),
    ),
    (
        {"schemas": CORE, "title": "Analyst"},
        User(title="Analyst"),
        Tolerance.SINGLE_FOR_ARRAY,
        ("invalidSyntax", "schemas must be an array, not a string."),
    ),
    (
        {"schemas": [CORE, "urn:example:x"], "title": "Analyst"},
        User(title="Analyst"),
        Tolerance.FOREIGN_SCHEMA,
        ("invalidSyntax", "'urn:example:x' is not a schema of User."),
    ),
    (
        {"schemas": ["urn:scim:schemas:core:1.0"], "title": "Analyst"},
        User(title="Analyst"),
        Tolerance.LEGACY_SCHEMA_URN,
        ("invalidSyntax", "'urn:scim:schemas:core:1.0' is not a schema of User."),
    ),
    (
        {"urn:scim:schemas:extension:enterprise:1.0": {"division": "North"}},
        User(enterprise=EnterpriseUser(division="North")),
        Tolerance.LEGACY_SCHEMA_URN,
        ("invalidSyntax", "There is no attribute urn:scim:schemas:extension:enterprise:1.0."),
    ),
    (
        {"schemas": [CORE], ENTERPRISE: {"division": "North"}},
        User(enterprise=EnterpriseUser(division="North")),
        Tolerance.UNDECLARED_EXTENSION,
        (
            "invalidSyntax",
            f"schemas must contain {ENTERPRISE}, since the resource makes use of it.",
        ),
    ),
]


@pytest.mark.parametrize(("members", "user", "tolerance", "strict_error"), TOLERATED)
def test_a_habit_is_tolerated_and_remembered_or_refused(
    members: dict[str, Any], user: User, tolerance: Tolerance, strict_error: tuple[str, str]
) -> None:
    reading = Reading(LENIENT)
    assert read_user(members, reading) == user
    assert reading.met == {tolerance}
    assert refusal(members) == strict_error


def test_equal_elements_are_collapsed_where_that_is_tolerated() -> None:
    emails = [{"value": "a"}, {"value": "b"}, {"type": None, "VALUE": "a"}]
    lenient = Reading(LENIENT)
    assert read_user({"emails": emails}, lenient) == User(
        emails=[Email(value="a"), Email(value="b")]
    )
    assert lenient.met == {Tolerance.DUPLICATE_ELEMENT}
    assert len(read_user({"emails": emails}).emails) == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("members", "scim_type", "detail"),
    [
        ({"userName": 7}, "invalidValue", "userName must be a string, not a number."),
        ({"userName": {}}, "invalidValue", "userName must be a string, not an object."),
        ({"userName": ["a", "b"]}, "invalidValue", "userName must be a string, not an array."),
        ({"title": True}, "invalidValue", "title must be a string, not a boolean."),
        ({"active": "maybe"}, "invalidValue", "active must be a boolean, not a string."),
        ({"active": 1}, "invalidValue", "active must be a boolean, not a number."),
        ({"name": "Ada"}, "invalidValue", "name must be an object, not a string."),
        (
            {"name": {"givenName": []}, "emails": 5},
            "invalidValue",
            "emails must be an array, not a number.",
        ),
        (
            {"name": {"givenName": {"a": 1}}},
            "invalidValue",
            "name.givenName must be a string, not an object.",
        ),
        ({"emails": [7]}, "invalidValue", "emails[0] must be an object, not a number."),
        ({"emails": [["a"]]}, "invalidValue", "emails[0] must be an object, not an array."),
        (
            {"addresses": ["Main St"]},
            "invalidValue",
            "addresses[0] must be an object, not a string.",
        ),
        (
            {"x509Certificates": [{"value": "A"}]},
            "invalidValue",
            "x509Certificates[0].value must be base64 (RFC 4648 §4).",
        ),
        (
            {"x509Certificates": [{"value": "Ä==="}]},
            "invalidValue",
            "x509Certificates[0].value must be base64 (RFC 4648 §4).",
        ),
        ({"title": "a\0b"}, "invalidValue", "title must not contain the character U+0000."),
        ({"title": "\ud800"}, "invalidValue", "title must not contain half of a surrogate pair."),
        (
            {"roles": [{"value": str(n)} for n in range(MAX_ELEMENTS + 1)]},
            "invalidValue",
            "roles has 10001 elements, more than 10000.",
        ),
        ({ENTERPRISE: ["x"]}, "invalidValue", f"{ENTERPRISE} must be an object, not an array."),
        ({"schemas": {}}, "invalidSyntax", "schemas must be an array, not an object."),
        ({"schemas": [1]}, "invalidSyntax", "schemas[0] must be a string, not a number."),
        (
            {"title": "a", "Title": "a"},
            "invalidSyntax",
            "'Title' occurs twice: names have no case.",
        ),
        (
            {"emails": [{"value": "a", "VALUE": "b"}]},
            "invalidSyntax",
            "'VALUE' occurs twice in emails[0]: names have no case.",
        ),
    ],
)
def test_what_no_dialect_tolerates_is_named_exactly(
    members: dict[str, Any], scim_type: str, detail: str
) -> None:
    for dialect in (LENIENT, STRICT):
        assert refusal(members, Reading(dialect)) == (scim_type, detail)


@pytest.mark.parametrize(("body", "kind"), [([], "an array"), ("x", "a string"), (None, "null")])
def test_a_body_that_is_no_object_is_invalid_syntax(body: object, kind: str) -> None:
    with pytest.raises(ScimError, match=f"must be a JSON object, not {kind}") as caught:
        resource_from_scim(USER, body, Reading(LENIENT))
    assert caught.value.scim_type == "invalidSyntax"


def test_members_may_be_more_than_other_elements() -> None:
    members = [{"value": str(n)} for n in range(MAX_ELEMENTS + 1)]
    group = resource_from_scim(
        GROUP, {"schemas": [CORE_GROUP], "members": members}, Reading(STRICT)
    )
    assert len(group.members) == MAX_ELEMENTS + 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "value", "into_element", "user"),
    [
        (AttributePath(attribute="userName"), "ada", False, User(user_name="ada")),
        (AttributePath(attribute="USERNAME", schema=CORE), "ada", False, User(user_name="ada")),
        (AttributePath(attribute="active"), False, False, User(active=False)),
        (
            AttributePath(attribute="name"),
            {"givenName": "Ada"},
            False,
            User(name=Name(given_name="Ada")),
        ),
        (
            AttributePath(attribute="name", sub_attribute="familyName"),
            "King",
            False,
            User(name=Name(family_name="King")),
        ),
        (
            AttributePath(attribute="emails"),
            [{"value": "a"}, {"value": "b"}],
            False,
            User(emails=[Email(value="a"), Email(value="b")]),
        ),
        (AttributePath(attribute="emails"), {"value": "a"}, False, User(emails=[Email(value="a")])),
        (
            AttributePath(attribute="emails"),
            {"type": "home"},
            True,
            User(emails=[Email(type="home")]),
        ),
        (
            AttributePath(attribute="emails", sub_attribute="value"),
            "a@x",
            False,
            User(emails=[Email(value="a@x")]),
        ),
        (
            AttributePath(attribute="emails", sub_attribute="primary"),
            False,
            True,
            User(emails=[Email(primary=False)]),
        ),
        (
            AttributePath(schema=ENTERPRISE),
            {"division": "North"},
            False,
            User(enterprise=EnterpriseUser(division="North")),
        ),
        (
            AttributePath(schema=ENTERPRISE, attribute="costCenter"),
            "4711",
            False,
            User(enterprise=EnterpriseUser(cost_center="4711")),
        ),
        (
            AttributePath(schema=ENTERPRISE, attribute="manager", sub_attribute="value"),
            "7",
            False,
            User(enterprise=EnterpriseUser(manager=Manager(value="7"))),
        ),
        (AttributePath(attribute="id"), 7, False, User()),
        (AttributePath(attribute="meta", sub_attribute="created"), 7, False, User()),
        (AttributePath(attribute="groups"), 7, False, User()),
        (AttributePath(attribute="groups"), {"value": 7}, True, User()),
        (AttributePath(attribute="groups", sub_attribute="value"), 7, False, User()),
        (
            AttributePath(schema=ENTERPRISE, attribute="manager", sub_attribute="displayName"),
            7,
            False,
            User(),
        ),
    ],
)
def test_a_value_is_set_under_a_path(
    path: AttributePath,
    value: object,
    into_element: bool,
    user: User,
) -> None:
    resource = User()
    set_from_scim(USER, resource, path, value, Reading(STRICT), into_element=into_element)
    assert resource == user


@pytest.mark.parametrize(
    ("path", "value", "user"),
    [
        (AttributePath(attribute="emails"), "a@x", User(emails=[Email(value="a@x")])),
        (AttributePath(attribute="emails"), ["a@x"], User(emails=[Email(value="a@x")])),
        (AttributePath(attribute="active"), "False", User(active=False)),
        (
            AttributePath(schema=ENTERPRISE, attribute="manager"),
            "7",
            User(enterprise=EnterpriseUser(manager=Manager(value="7"))),
        ),
        (
            AttributePath(schema=ENTERPRISE, attribute="manager"),
            [{"value": "7"}],
            User(enterprise=EnterpriseUser(manager=Manager(value="7"))),
        ),
        (
            AttributePath(attribute="roles"),
            [{"value": '{"id":"r1"}'}],
            User(roles=[Role(value='{"id":"r1"}')]),
        ),
    ],
)
def test_a_value_of_a_patch_is_read_as_leniently_as_a_body(
    path: AttributePath, value: object, user: User
) -> None:
    resource = User()
    set_from_scim(USER, resource, path, value, Reading(LENIENT))
    assert resource == user


@pytest.mark.parametrize(
    ("path", "value", "scim_type", "detail"),
    [
        (
            AttributePath(attribute="active"),
            "maybe",
            "invalidValue",
            "active must be a boolean, not a string.",
        ),
        (
            AttributePath(attribute="emails"),
            7,
            "invalidValue",
            "emails must be an object, not a number.",
        ),
        (
            AttributePath(attribute="emails", sub_attribute="primary"),
            7,
            "invalidValue",
            "emails.primary must be a boolean, not a number.",
        ),
        (
            AttributePath(schema=ENTERPRISE),
            "x",
            "invalidValue",
            f"{ENTERPRISE} must be an object, not a string.",
        ),
        (
            AttributePath(schema=ENTERPRISE, attribute="division"),
            7,
            "invalidValue",
            f"{ENTERPRISE}:division must be a string, not a number.",
        ),
        (AttributePath(attribute="nope"), 7, "invalidPath", "There is no attribute nope."),
        (
            AttributePath(attribute="name", sub_attribute="nope"),
            7,
            "invalidPath",
            "There is no attribute name.nope.",
        ),
    ],
)
def test_a_value_that_does_not_fit_its_path_is_named_exactly(
    path: AttributePath, value: object, scim_type: str, detail: str
) -> None:
    with pytest.raises(ScimError) as caught:
        set_from_scim(USER, User(), path, value, Reading(LENIENT))
    assert (caught.value.scim_type, caught.value.detail) == (scim_type, detail)


def a_full_user() -> User:
    return User(
        id="5d0a6a52",
        external_id="emp-1815",
        user_name="ada@acme.example",
        name=Name(family_name="King"),
        active=False,
        password="secret",
        emails=[Email(value="ada@acme.example", type="work", primary=True), Email()],
        groups=[GroupMembership(value="c1f3", display="Analysts", type="direct")],
        x509_certificates=[X509Certificate(value=b"\0\xff")],
        enterprise=EnterpriseUser(
            department="Engines", manager=Manager(value="77 aa", display_name="Babbage")
        ),
        meta=Meta(
            resource_type="User",
            create_time=Timestamp(seconds=1772355600),
            update_time=Timestamp(seconds=1772355600, nanos=120_000_000),
            etag='W/"14"',
        ),
    )


def test_a_user_is_rendered_in_full_and_in_order() -> None:
    rendered = resource_to_scim(USER, a_full_user(), BASE_URL, EVERYTHING)
    expected = {
        "schemas": [CORE, ENTERPRISE],
        "id": "5d0a6a52",
        "externalId": "emp-1815",
        "userName": "ada@acme.example",
        "name": {"familyName": "King"},
        "active": False,
        "emails": [{"value": "ada@acme.example", "type": "work", "primary": True}],
        "groups": [
            {
                "value": "c1f3",
                "$ref": f"{BASE_URL}/Groups/c1f3",
                "display": "Analysts",
                "type": "direct",
            }
        ],
        "x509Certificates": [{"value": "AP8="}],
        ENTERPRISE: {
            "department": "Engines",
            "manager": {
                "value": "77 aa",
                "$ref": f"{BASE_URL}/Users/77%20aa",
                "displayName": "Babbage",
            },
        },
        "meta": {
            "resourceType": "User",
            "created": "2026-03-01T09:00:00.000Z",
            "lastModified": "2026-03-01T09:00:00.120Z",
            "location": f"{BASE_URL}/Users/5d0a6a52",
            "version": 'W/"14"',
        },
    }
    assert rendered == expected
    assert list(rendered) == list(expected)


@pytest.mark.parametrize(
    ("member", "reference"),
    [
        (GroupMember(value="u1"), "/Users/u1"),
        (GroupMember(value="u1", type="User"), "/Users/u1"),
        (GroupMember(value="g1", type="Group"), "/Groups/g1"),
    ],
)
def test_the_address_of_a_member_follows_from_its_type(member: GroupMember, reference: str) -> None:
    group = Group(id="g", members=[member])
    rendered: Any = resource_to_scim(GROUP, group, BASE_URL, EVERYTHING)
    assert rendered["members"][0]["$ref"] == BASE_URL + reference


@pytest.mark.parametrize(
    "empty",
    [
        User(id="1"),
        User(id="1", name=Name(), enterprise=EnterpriseUser(manager=Manager()), emails=[Email()]),
    ],
)
def test_what_is_unassigned_is_not_rendered(empty: User) -> None:
    assert resource_to_scim(USER, empty, BASE_URL, EVERYTHING) == {"schemas": [CORE], "id": "1"}


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (Timestamp(), "1970-01-01T00:00:00.000Z"),
        (Timestamp(nanos=120_000_000), "1970-01-01T00:00:00.120Z"),
        (Timestamp(nanos=1_000), "1970-01-01T00:00:00.000001Z"),
        (Timestamp(nanos=1), "1970-01-01T00:00:00.000000001Z"),
        (Timestamp(seconds=-62_135_596_800), "0001-01-01T00:00:00.000Z"),
        (Timestamp(seconds=253_402_300_799, nanos=999_999_000), "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_moments_have_as_many_decimals_as_they_need(moment: Timestamp, text: str) -> None:
    user = User(id="1", meta=Meta(create_time=moment))
    rendered: Any = resource_to_scim(USER, user, BASE_URL, EVERYTHING)
    assert rendered["meta"]["created"] == text
