"""What filters mean (RFC 7644 §3.4.2.2), and which are refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.scim.dialects import LENIENT, Reading
from gateway.scim.filters import parse_filter
from rollbook.attributes import GROUP, USER, Attribute, ResourceType
from rollbook.v1 import filter_pb2
from rollbook.v1.enterprise_user_pb2 import EnterpriseUser, Manager
from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.filter_pb2 import AttributePath, Comparison, Filter, FilterList, FilterValue
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.meta_pb2 import Meta
from rollbook.v1.user_pb2 import Email, GroupMembership, Name, Photo, User, X509Certificate
from service.domain.errors import DomainError
from service.domain.search.filters import MAX_DEPTH, MAX_TERMS, matches, resolve, resolve_element
from service.domain.search.operands import MAX_OPERAND_LENGTH

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
EQ = filter_pb2.COMPARISON_OPERATOR_EQUAL
CO = filter_pb2.COMPARISON_OPERATOR_CONTAINS
GT = filter_pb2.COMPARISON_OPERATOR_GREATER
PR = filter_pb2.COMPARISON_OPERATOR_PRESENT

ADA = User(
    id="018f0000-0000-7000-8000-00000000000a",
    external_id="Ext-1",
    user_name="Ada@Acme.example",
    name=Name(family_name="Løwe", given_name="Ada"),
    display_name="ADA STRASSE",
    title="R&D 100%",
    profile_url="https://acme.example/Ada",
    active=True,
    emails=[
        Email(value="ada@acme.example", type="work", primary=True),
        Email(value="ada@home.example", type="home"),
    ],
    photos=[Photo(value="https://acme.example/A.png")],
    x509_certificates=[X509Certificate(value=b"\xfb\xff\x00")],
    groups=[GroupMembership(value="G1", display="Staff", type="direct")],
    enterprise=EnterpriseUser(employee_number="7", manager=Manager(value="M1", display_name="Bob")),
    meta=Meta(
        resource_type="User",
        etag='W/"3"',
        create_time=Timestamp(seconds=1_769_817_600, nanos=123_456_000),
        update_time=Timestamp(seconds=1_769_817_601),
    ),
)
NOBODY = User(id="018f0000-0000-7000-8000-00000000000b", user_name="nobody", active=False)
STAFF = Group(
    id="018f0000-0000-7000-8000-00000000000c",
    display_name="Staff",
    members=[GroupMember(value="U1", type="User", display="Ada"), GroupMember(value="G2")],
)


def holds(text: str, resource: Any, resource_type: ResourceType = USER) -> bool:
    filter_ = parse_filter(text, resource_type, Reading(LENIENT))
    return matches(resolve(filter_, resource_type), resource)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "ADA@acme.EXAMPLE"',
        'username EQ "ada@acme.example"',
        'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "a"',
        'name.familyName eq "LØWE"',
        'displayName eq "ada straße"',
        'displayName co "STRASS"',
        'displayName ew "ße"',
        'title co "100%"',
        'not (title co "100_")',
        'title gt "r&d 100"',
        'title le "R&D 100%"',
        'externalId eq "Ext-1" and not (externalId eq "ext-1")',
        'externalId gt "Ext" and externalId lt "ext"',
        'id sw "018f"',
        'profileUrl eq "https://acme.example/Ada"',
        'not (profileUrl eq "https://acme.example/ada")',
        "active eq true",
        "active ne false",
        "active pr",
        'emails co "home.example"',
        'emails.value eq "ADA@home.example"',
        'emails.type eq "home" and emails.primary eq true',
        'not (emails[type eq "home" and primary eq true])',
        'emails[type eq "home" and not (primary eq true)]',
        'emails[type eq "work" and not (value ew ".test")]',
        'emails[type eq "work"].value eq "ada@acme.example"',
        'emails ne "ada@acme.example"',
        'emails.type ne "work"',
        'photos eq "https://acme.example/A.png" and not (photos co "a.PNG")',
        'x509Certificates.value eq "+/8A"',
        'x509Certificates.value eq "-_8A"',
        'groups eq "G1" and not (groups.value eq "g1")',
        'groups[display eq "STAFF" and type eq "direct"]',
        'name[familyName pr and givenName eq "ada"]',
        f'{ENTERPRISE}:employeeNumber eq "7"',
        f'{ENTERPRISE}:manager eq "M1"',
        f'{ENTERPRISE}:manager.displayName eq "BOB"',
        f'schemas eq "{ENTERPRISE}"',
        'schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"',
        f'schemas[value eq "{ENTERPRISE.upper()}"]',
        "schemas pr and meta pr",
        'meta.resourceType eq "User" and not (meta.resourceType eq "user")',
        'meta.version eq "W/\\"3\\""',
        'meta.created eq "2026-01-31T00:00:00.123456Z"',
        'meta.created lt "2026-01-31T00:00:00.1234561Z"',
        'meta.created ge "2026-01-31T01:00:00.123456+01:00"',
        'meta.lastModified gt "2026-01-31T00:00:00Z"',
        'title co "" and title sw "" and title ew "" and title gt "" and title ge ""',
        'not (title eq "" or title lt "" or title le "")',
        'title eq "x" or active eq true and userName pr',
        "nickName eq null and not (title eq null) and title ne null",
    ],
)
def test_filters_that_ada_meets(text: str) -> None:
    assert holds(text, ADA)


# What RFC 7644 §3.4.2.2 leaves open is decided so that `ne` is `not eq` of a single value.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title pr", False),
        ("not (title pr)", True),
        ('title eq "x"', False),
        ("title eq null", True),
        ('title ne "x"', True),
        ("title ne null", False),
        ('title co "x"', False),
        ('title gt "a"', False),
        ('title le "a"', False),
        ('title co ""', False),
        ('not (title eq "x")', True),
        ("name pr", False),
        ("name.familyName pr", False),
        ('name[not (familyName eq "x")]', False),
        ("emails pr", False),
        ("emails eq null", True),
        ("emails.value eq null", True),
        ('emails ne "x"', True),
        ('not (emails eq "x")', True),
        ('emails[not (value eq "x")]', False),
        ('not (emails[value eq "x"])', True),
        ("active eq false", True),
        ("active pr", True),
        (f"{ENTERPRISE}:manager pr", False),
        (f'schemas eq "{ENTERPRISE}"', False),
        (f'schemas ne "{ENTERPRISE}"', True),
        ("schemas eq null", False),
    ],
)
@pytest.mark.parametrize(
    "resource",
    [
        NOBODY,
        User(
            title="",
            name=Name(family_name=""),
            active=False,
            emails=[Email(), Email(value="")],
            enterprise=EnterpriseUser(manager=Manager(value="")),
        ),
    ],
    ids=["missing", "empty"],
)
def test_missing_and_empty_values(text: str, expected: bool, resource: User) -> None:
    assert holds(text, resource) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('members eq "U1"', True),
        ('members.value eq "u1"', False),
        ('members[value eq "U1" and type eq "group"]', False),
        ('members.type eq "USER"', True),
        ('members.display eq "ADA"', True),
        ('members ne "U1"', True),
    ],
)
def test_members(text: str, expected: bool) -> None:
    assert holds(text, STAFF, GROUP) is expected


def test_names_of_protobuf_fields_are_understood() -> None:
    path = AttributePath(attribute="phone_numbers", sub_attribute="VALUE")
    filter_ = Filter(comparison=Comparison(path=path, operator=PR))
    assert resolve(filter_, USER) == resolve(
        parse_filter("phoneNumbers.value pr", USER, Reading(LENIENT)), USER
    )


def test_a_filter_of_constants() -> None:
    filter_ = _compound("not", _compound("and", FilterList(filters=[Filter(constant=False)])))
    assert matches(resolve(filter_, USER), NOBODY)


def test_a_query_over_several_types_reads_what_a_type_lacks_as_missing() -> None:
    def meets(text: str) -> bool:
        filter_ = parse_filter(text, None, Reading(LENIENT))
        return matches(resolve(filter_, GROUP, among=(USER, GROUP)), STAFF)

    assert not meets('userName eq "staff"')
    assert meets('userName ne "staff"')
    assert meets("emails eq null and not (userName pr)")
    assert meets('displayName eq "staff" or userName eq "staff"')
    assert not meets("emails[not (value pr)]")


def _compound(word: str, content: Any) -> Filter:
    return Filter(**{word: content})


def _comparison(
    attribute: str, sub_attribute: str = "", operator: Any = EQ, schema: str = "", **value: Any
) -> Filter:
    path = AttributePath(schema=schema, attribute=attribute, sub_attribute=sub_attribute)
    operand = FilterValue(**value) if value else None
    return Filter(comparison=Comparison(path=path, operator=operator, value=operand))


def _bracketed(attribute: str, condition: Filter) -> Filter:
    return _compound("value_path", {"path": {"attribute": attribute}, "filter": condition})


def _nested(levels: int) -> Filter:
    filter_ = _comparison("title", operator=PR)
    for _ in range(levels - 1):
        filter_ = _compound("not", filter_)
    return filter_


def _joined(terms: int) -> Filter:
    return _compound("or", FilterList(filters=[_comparison("title", operator=PR)] * terms))


REFUSED = {
    "unknown attribute": (_comparison("nope", string="x"), "nope"),
    "unknown part": (_comparison("name", "nope", string="x"), "name.nope"),
    "part of a simple one": (_comparison("title", "value", string="x"), "title.value"),
    "unknown schema": (_comparison("title", schema="urn:x", string="x"), "urn:x:title"),
    "no attribute": (_comparison("", string="x"), "names no attribute"),
    "password": (_comparison("password", string="x"), "password"),
    "presence of a password": (_comparison("password", operator=PR), "password"),
    "address": (_comparison("groups", "$ref", string="x"), "groups.$ref"),
    "location": (_comparison("meta", "location", string="x"), "meta.location"),
    "complex": (_comparison("name", string="x"), "name.formatted"),
    "extension": (_comparison("", schema=ENTERPRISE, string="x"), ENTERPRISE),
    "boolean gt": (_comparison("active", operator=GT, boolean=True), "active is a boolean"),
    "boolean co": (_comparison("active", operator=CO, string="t"), "active is a boolean"),
    "binary gt": (
        _comparison("x509Certificates", operator=GT, string="YQ=="),
        "x509Certificates is a binary, which gt",
    ),
    "dateTime co": (_comparison("meta", "created", operator=CO, string="2"), "meta.created"),
    "null gt": (_comparison("title", operator=GT, null=True), "title gt"),
    "null co": (_comparison("title", operator=CO, null=True), "title co"),
    "no operand": (_comparison("title"), "title eq needs a string"),
    "empty operand": (
        _compound("comparison", {"path": {"attribute": "title"}, "operator": EQ, "value": {}}),
        "title eq needs a string",
    ),
    "pr with operand": (_comparison("title", operator=PR, string="x"), "title pr"),
    "no operator": (_comparison("title", operator=0, string="x"), "title"),
    "unknown operator": (_comparison("title", operator=99, string="x"), "title"),
    "number for a string": (_comparison("title", integer=1), "title eq needs a string"),
    "string for a boolean": (_comparison("active", string="true"), "active eq needs a boolean"),
    "string for a dateTime": (_comparison("meta", "created", string="2026"), "meta.created"),
    "not base64": (_comparison("x509Certificates", string="*"), "base64"),
    "year 10000": (
        _comparison("meta", "created", date_time=Timestamp(seconds=253402300800)),
        "1 to 9999",
    ),
    "a second of nanoseconds": (
        _comparison("meta", "created", date_time=Timestamp(nanos=1_000_000_000)),
        "1 to 9999",
    ),
    "far away": (
        _comparison("meta", "created", date_time=Timestamp(seconds=2**63 - 1)),
        "1 to 9999",
    ),
    "U+0000": (_comparison("title", string="a\0"), "U+0000"),
    "long operand": (
        _comparison("title", string="x" * (MAX_OPERAND_LENGTH + 1)),
        f"{MAX_OPERAND_LENGTH}",
    ),
    "brackets after a simple one": (_bracketed("title", _comparison("value")), "title"),
    "brackets in brackets": (
        _bracketed("emails", _bracketed("emails", _comparison("type", operator=PR))),
        "brackets",
    ),
    "unknown part in brackets": (
        _bracketed("emails", _comparison("userName", operator=PR)),
        "emails.userName",
    ),
    "empty": (Filter(), "empty"),
    "empty list": (_compound("and", FilterList()), "at least one"),
    "empty negation": (_compound("not", Filter()), "empty"),
    "too deep": (_nested(MAX_DEPTH + 1), str(MAX_DEPTH)),
    "too many": (_joined(MAX_TERMS + 1), str(MAX_TERMS)),
}


@pytest.mark.parametrize(("filter_", "culprit"), REFUSED.values(), ids=REFUSED)
def test_refused_filters_name_the_culprit(filter_: Filter, culprit: str) -> None:
    with pytest.raises(DomainError, match=re.escape(culprit)) as refused:
        resolve(filter_, USER)
    assert refused.value.reason == ErrorReason.ERROR_REASON_INVALID_FILTER


@pytest.mark.parametrize(
    "filter_",
    [_nested(MAX_DEPTH), _joined(MAX_TERMS), _comparison("title", string="x" * MAX_OPERAND_LENGTH)],
    ids=["deep", "many", "long"],
)
def test_filters_at_the_limits_are_accepted(filter_: Filter) -> None:
    assert isinstance(matches(resolve(filter_, USER), ADA), bool)


def _attribute(name: str) -> Attribute:
    attribute = USER.schema.attribute(name)
    assert attribute is not None
    return attribute


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (_comparison("type", string="WORK"), [True, False]),
        (_comparison("primary", boolean=True), [True, False]),
        (_comparison("display", operator=PR), [False, False]),
        (_compound("not", _comparison("type", string="work")), [False, True]),
    ],
)
def test_conditions_on_elements(filter_: Filter, expected: list[bool]) -> None:
    condition = resolve_element(filter_, _attribute("emails"))
    assert [matches(condition, email) for email in ADA.emails] == expected
