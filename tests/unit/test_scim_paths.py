from __future__ import annotations

import pytest

from gateway.scim.dialects import LENIENT, STRICT, Dialect, Reading, Tolerance
from gateway.scim.errors import ScimError
from gateway.scim.lexer import MAX_LENGTH
from gateway.scim.paths import parse_attribute_path, parse_patch_path
from rollbook.attributes import GROUP, USER, ResourceType
from tests.harness.filter_text import attribute_text, path_text

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def parsed(text: str, reading: Reading, resource_type: ResourceType = USER) -> str | None:
    path = parse_patch_path(text, resource_type, reading)
    return path_text(path) if path else None


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("userName", "userName"),
        ("USERNAME", "userName"),
        ("name.familyName", "name.familyName"),
        ("Name.FamilyName", "name.familyName"),
        ("emails", "emails"),
        ("emails.value", "emails.value"),
        ("groups.$ref", "groups.$ref"),
        ('emails[type eq "work"]', 'emails[type eq "work"]'),
        ('emails[type eq "work"].value', 'emails[type eq "work"].value'),
        ('EMAILS[TYPE Eq "work"].VALUE', 'emails[type eq "work"].value'),
        ('emails[not (type eq "a]b[")].display', 'emails[not (type eq "a]b[")].display'),
        (r'emails[value eq "a\"]b"]', r'emails[value eq "a\"]b"]'),
        ("roles[primary eq true].value", "roles[primary eq true].value"),
        (f"{CORE}:userName", "userName"),
        (f'{CORE}:emails[type eq "work"].value', 'emails[type eq "work"].value'),
        (ENTERPRISE, ENTERPRISE),
        (ENTERPRISE.upper(), ENTERPRISE),
        (f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager"),
        (f"{ENTERPRISE}:MANAGER.DisplayName", f"{ENTERPRISE}:manager.displayName"),
        ("id", "id"),
        ("meta.version", "meta.version"),
    ],
)
def test_paths_of_the_standard_are_read(text: str, canonical: str) -> None:
    assert parsed(text, Reading(STRICT)) == canonical


def test_members_are_selected_by_a_filter() -> None:
    path = 'members[value eq "7" or value eq "8"]'
    assert parsed(path, Reading(STRICT), GROUP) == path


@pytest.mark.parametrize("address", ["../Users/7", "https://id.acme.example/scim/v2/Users/7"])
def test_members_are_selected_by_their_address(address: str) -> None:
    path = parsed(f'members[$ref eq "{address}"]', Reading(STRICT), GROUP)
    assert path == 'members[value eq "7"]'


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "name..givenName",
        "name.",
        ".name",
        "name.givenName.x",
        "user name",
        "emails[type",
        'emails[type eq "work"',
        'emails[type eq "work"]]',
        'emails[type eq "work"]value',
        'emails[type eq "work"].',
        'emails[type eq "work"].value.x',
        'emails[type eq "work"].value[x eq 1]',
        'emails[emails[type eq "work"]]',
        '[type eq "work"]',
        "/userName",
        "emails[0]x",
        f"{ENTERPRISE}:manager..value",
        'userName[value eq "x"]',
        'name[familyName eq "x"]',
        'emails.value[type eq "x"]',
        f'{ENTERPRISE}[department eq "x"]',
    ],
)
@pytest.mark.parametrize("dialect", [LENIENT, STRICT])
def test_a_malformed_path_is_refused(text: str, dialect: Dialect) -> None:
    with pytest.raises(ScimError) as raised:
        parsed(text, Reading(dialect))
    assert (raised.value.status, raised.value.scim_type) == (400, "invalidPath")


@pytest.mark.parametrize(
    "text",
    [
        'emails[type zz "work"].value',
        "emails[]",
        "emails[type eq]",
        "emails[0]",
        "emails[primary eq 1]",
        'emails[type eq "work" and]',
    ],
)
@pytest.mark.parametrize("dialect", [LENIENT, STRICT])
def test_a_malformed_filter_in_a_path_is_refused_as_such(text: str, dialect: Dialect) -> None:
    with pytest.raises(ScimError) as raised:
        parsed(text, Reading(dialect))
    assert (raised.value.status, raised.value.scim_type) == (400, "invalidFilter")


@pytest.mark.parametrize(
    "text",
    [
        "nope",
        "name.nope",
        "emails.nope",
        'emails[nope eq "x"].value',
        'emails[not (nope eq "x")]',
        'emails[type eq "work"].nope',
        'nope[type eq "work"].value',
        f"{ENTERPRISE}:nope",
        f"{ENTERPRISE}:manager.nope",
        CORE,
        "urn:example:schemas:badge",
        "urn:example:schemas:badge:number",
    ],
)
def test_an_unknown_attribute_is_passed_over_or_refused(text: str) -> None:
    reading = Reading(LENIENT)
    assert parsed(text, reading) is None
    assert reading.met == {Tolerance.UNKNOWN_ATTRIBUTE}
    with pytest.raises(ScimError) as raised:
        parsed(text, Reading(STRICT))
    assert raised.value.scim_type == "invalidPath"


@pytest.mark.parametrize(
    ("text", "canonical", "habit"),
    [
        ("department", f"{ENTERPRISE}:department", Tolerance.UNQUALIFIED_EXTENSION),
        ("manager.value", f"{ENTERPRISE}:manager.value", Tolerance.UNQUALIFIED_EXTENSION),
        (f"{ENTERPRISE}.manager", f"{ENTERPRISE}:manager", Tolerance.DOT_AFTER_URN),
        (f"{ENTERPRISE}.manager.value", f"{ENTERPRISE}:manager.value", Tolerance.DOT_AFTER_URN),
        (
            "urn:scim:schemas:extension:enterprise:1.0:division",
            f"{ENTERPRISE}:division",
            Tolerance.LEGACY_SCHEMA_URN,
        ),
        ("urn:scim:schemas:extension:enterprise:1.0", ENTERPRISE, Tolerance.LEGACY_SCHEMA_URN),
        (
            'roles[primary eq "True"].value',
            "roles[primary eq true].value",
            Tolerance.STRING_BOOLEAN,
        ),
    ],
)
def test_a_habit_is_understood_and_recorded_or_refused(
    text: str, canonical: str, habit: Tolerance
) -> None:
    reading = Reading(LENIENT)
    assert parsed(text, reading) == canonical
    assert reading.met == {habit}
    with pytest.raises(ScimError):
        parsed(text, Reading(STRICT))


def test_an_extension_of_users_is_unknown_to_groups() -> None:
    assert parsed(f"{ENTERPRISE}:department", Reading(LENIENT), GROUP) is None


def test_a_long_path_is_refused() -> None:
    with pytest.raises(ScimError, match=str(MAX_LENGTH)):
        parsed("x" * (MAX_LENGTH + 1), Reading(LENIENT))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("USERNAME", "userName"),
        ("name.familyname", "name.familyName"),
        (f"{ENTERPRISE}:department", f"{ENTERPRISE}:department"),
        ("department", f"{ENTERPRISE}:department"),
        ("meta.lastModified", "meta.lastModified"),
    ],
)
def test_an_attribute_is_found_by_name(text: str, canonical: str) -> None:
    path = parse_attribute_path(text, USER)
    assert path is not None
    assert attribute_text(path) == canonical


@pytest.mark.parametrize("text", ["", "nope", "name.nope", "a..b", 'emails[type eq "work"]'])
def test_what_is_no_attribute_is_not_found(text: str) -> None:
    assert parse_attribute_path(text, USER) is None


def test_without_a_type_attributes_of_all_are_found() -> None:
    assert parse_attribute_path("members.value", None) is not None
