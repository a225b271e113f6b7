from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.scim.dialects import ENTRA, LENIENT, OKTA, STRICT, Dialect, Reading, Tolerance
from gateway.scim.errors import ScimError
from gateway.scim.filters import MAX_DEPTH, MAX_TERMS, parse_filter
from gateway.scim.lexer import MAX_LENGTH
from rollbook.attributes import GROUP, USER, ResourceType
from tests.harness.filter_text import filter_text

if TYPE_CHECKING:
    from collections.abc import Callable

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BASE_URL = "https://id.acme.example/scim/v2"


def parsed(
    text: str, resource_type: ResourceType | None = USER, reading: Reading | None = None
) -> str:
    return filter_text(
        parse_filter(text, resource_type, reading or Reading(STRICT), base_url=BASE_URL)
    )


def refused(text: str, resource_type: ResourceType | None = USER, dialect: Dialect = STRICT) -> str:
    with pytest.raises(ScimError) as raised:
        parse_filter(text, resource_type, Reading(dialect))
    assert (raised.value.status, raised.value.scim_type) == (400, "invalidFilter")
    return raised.value.detail


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('userName eq "ada"', 'userName eq "ada"'),
        ('USERNAME Eq "ada"', 'userName eq "ada"'),
        ('userName   eq   "ada"', 'userName eq "ada"'),
        ("title PR", "title pr"),
        (f'{CORE}:userName sw "A"', 'userName sw "A"'),
        (f'{CORE.upper()}:USERNAME sw "A"', 'userName sw "A"'),
        (f'{ENTERPRISE}:department eq "R&D"', f'{ENTERPRISE}:department eq "R&D"'),
        (f'{ENTERPRISE.lower()}:MANAGER.Value eq "7"', f'{ENTERPRISE}:manager.value eq "7"'),
        ('title pr and not (userType eq "I")', 'title pr and not (userType eq "I")'),
        ('title pr and not(userType eq "I")', 'title pr and not (userType eq "I")'),
        ("not (not (title pr))", "not (not (title pr))"),
        ('(userName eq "a")', 'userName eq "a"'),
        ("((title pr))", "title pr"),
        (
            'active eq true And (title pr OR title eq "x")',
            'active eq true and (title pr or title eq "x")',
        ),
        ("active eq TRUE", "active eq true"),
        ("active eq null", "active eq null"),
        ("active ne NULL", "active ne null"),
        ('name.familyName co "O\'Malley"', 'name.familyName co "O\'Malley"'),
        (
            'emails[type eq "work" and not (value ew ".test")]',
            'emails[type eq "work" and not (value ew ".test")]',
        ),
        (
            'emails[(type eq "a" or type eq "b") and primary eq true]',
            'emails[(type eq "a" or type eq "b") and primary eq true]',
        ),
        ('not (emails[type eq "work"])', 'not (emails[type eq "work"])'),
        ('name[familyName eq "King"]', 'name[familyName eq "King"]'),
        ('emails.type eq "work"', 'emails.type eq "work"'),
        ('emails co "example.com"', 'emails.value co "example.com"'),
        ('members eq "7"', 'members.value eq "7"'),
        ("emails pr", "emails pr"),
        ("emails eq null", "not (emails pr)"),
        ("name ne null", "name pr"),
        ('id eq "7" and externalId eq "x"', 'id eq "7" and externalId eq "x"'),
        ('meta.resourceType eq "User"', 'meta.resourceType eq "User"'),
        ('schemas eq "urn:x"', 'schemas eq "urn:x"'),
        ('x509Certificates.value eq "TUlJ"', 'x509Certificates.value eq "TUlJ"'),
    ],
)
def test_filters_of_the_standard_are_read(text: str, canonical: str) -> None:
    assert parsed(text, GROUP if text.startswith("members") else USER) == canonical


def test_and_binds_more_tightly_than_or() -> None:
    parts = parse_filter(
        'userName eq "1" or userName eq "2" and title eq "3"', USER, Reading(STRICT)
    )
    assert [part.WhichOneof("kind") for part in getattr(parts, "or").filters] == [
        "comparison",
        "and",
    ]


def test_not_binds_more_tightly_than_and() -> None:
    parts = parse_filter('not (userName eq "1") and title pr', USER, Reading(STRICT))
    assert [part.WhichOneof("kind") for part in getattr(parts, "and").filters] == [
        "not",
        "comparison",
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r'"a \"b\" \\ \/ c"', 'a "b" \\ / c'),
        (r'"\b\f\n\r\t"', "\b\f\n\r\t"),
        (r'"\u00e4\ud83d\ude00"', "ä\U0001f600"),
        ('"ä ) ] and or"', "ä ) ] and or"),
        ('""', ""),
    ],
)
def test_text_is_a_json_string(written: str, meant: str) -> None:
    condition = parse_filter(f"userName eq {written}", USER, Reading(STRICT))
    assert condition.comparison.value.string == meant


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"),
        ("2015-10-10T14:38:21.8617979-07:00", "2015-10-10T21:38:21.861797900Z"),
        ("0001-01-03T00:00:00.0000000Z", "0001-01-03T00:00:00Z"),
        ("9999-12-31T00:00:00.0000000Z", "9999-12-31T00:00:00Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z"),
        ("10000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_a_date_time_is_a_moment(text: str, moment: str) -> None:
    condition = parse_filter(f'meta.lastModified ge "{text}"', USER, Reading(STRICT))
    assert condition.comparison.value.date_time.ToJsonString() == moment


@pytest.mark.parametrize(
    ("text", "culprit"),
    [
        ("", "empty"),
        ("userName", "Expected an operator after userName"),
        ('userName regex "a.*"', "'regex' at character 10"),
        ("userName eq", "Expected a value after userName eq"),
        ("userName eq)", "not ) at character 12"),
        ('"x" eq userName', "text in quotes at character 1"),
        ("(userName pr", "Expected ) to close ( at character 1"),
        ("userName pr)", ") at character 12"),
        ('userName eq "a" "b"', "text in quotes at character 17"),
        ('userName eq "a" and', "not the end at character 20"),
        ('and userName eq "a"', "no attribute and"),
        ("not userName pr", "Expected ( after not"),
        ("()", "not ) at character 2"),
        ('emails[type eq "work"', "Expected ] to close [ at character 7"),
        ('emails[type eq "work")', "not ) at character 22"),
        ('emails[type[value eq "x"]]', "cannot be nested"),
        ("emails[]", "not ] at character 8"),
        ('userName[value eq "x"]', "takes no brackets"),
        ('emails.value[type eq "x"]', "takes no brackets"),
        (f'{ENTERPRISE}[department eq "x"]', "takes no brackets"),
        ('emails[emails.type eq "x"]', "'emails.type' at character 8"),
        ('userName eq "a', "begins at character 13 has no end"),
        ('userName eq "a\\"', "begins at character 13 has no end"),
        (r'userName eq "\x"', "character 13 is not a JSON string"),
        (r'userName eq "\ud800"', "character 13 is not a JSON string"),
        ('userName eq "a\nb"', "character 13 is not a JSON string"),
        ('userName eq "\ud800"', "surrogate pair stands alone at character 14"),
        ("userName\u00a0pr", r"'\xa0' at character 9 is not allowed"),
        ('user..name eq "x"', "'user..name'"),
        ('name.givenName.x eq "x"', "'name.givenName.x'"),
        ('7up eq "x"', "'7up'"),
        ("userName gt null", "gt cannot compare with null"),
        ("userName eq true", "userName eq takes text in double quotes, not true"),
        ("active eq 1", "active eq takes true or false, not 1"),
        ('active eq "maybe"', 'active eq takes true or false, not "maybe"'),
        ('meta.created gt "yesterday"', "meta.created gt takes a dateTime"),
        ('meta.created gt "2026-02-30T00:00:00Z"', "meta.created gt takes a dateTime"),
        ("meta.created gt true", "meta.created gt takes"),
        ('name eq "x"', "name is complex"),
        ('addresses eq "x"', "addresses is complex"),
        (f"{ENTERPRISE} pr", "is a schema and no attribute"),
    ],
)
def test_a_malformed_filter_is_refused_with_the_culprit(text: str, culprit: str) -> None:
    assert culprit in refused(text)


@pytest.mark.parametrize(
    ("text", "canonical", "habit"),
    [
        (' userName eq "a" ', 'userName eq "a"', Tolerance.FILTER_WHITE_SPACE),
        ('userName\teq\n"a"', 'userName eq "a"', Tolerance.FILTER_WHITE_SPACE),
        ('userName eq"a"', 'userName eq "a"', Tolerance.FILTER_WHITE_SPACE),
        (
            "(title pr)and(active eq true)",
            "title pr and active eq true",
            Tolerance.FILTER_WHITE_SPACE,
        ),
        ('emails [type eq "a"]', 'emails[type eq "a"]', Tolerance.FILTER_WHITE_SPACE),
        ("userName sw ada", 'userName sw "ada"', Tolerance.UNQUOTED_FILTER_VALUE),
        ("(userName sw O'Brien)", 'userName sw "O\'Brien"', Tolerance.UNQUOTED_FILTER_VALUE),
        ("externalId eq 1815", 'externalId eq "1815"', Tolerance.UNQUOTED_FILTER_VALUE),
        (
            "emails.Value co example.com",
            'emails.value co "example.com"',
            Tolerance.UNQUOTED_FILTER_VALUE,
        ),
        (
            "meta.Created gt 2015-10-10T14:38:21-07:00",
            'meta.created gt "2015-10-10T21:38:21Z"',
            Tolerance.UNQUOTED_FILTER_VALUE,
        ),
        ("userName eq 'ada'", 'userName eq "ada"', Tolerance.SINGLE_QUOTED_FILTER_VALUE),
        (
            r"""userName eq 'a"b\'c'""",
            r'userName eq "a\"b' + "'c\"",
            Tolerance.SINGLE_QUOTED_FILTER_VALUE,
        ),
        ('active eq "True"', "active eq true", Tolerance.STRING_BOOLEAN),
        ('roles[primary eq "False"]', "roles[primary eq false]", Tolerance.STRING_BOOLEAN),
        (
            f'{ENTERPRISE}:manager eq "7"',
            f'{ENTERPRISE}:manager.value eq "7"',
            Tolerance.COMPLEX_FILTER_BY_VALUE,
        ),
        ('department eq "x"', f'{ENTERPRISE}:department eq "x"', Tolerance.UNQUALIFIED_EXTENSION),
        (
            f'{ENTERPRISE}.department eq "x"',
            f'{ENTERPRISE}:department eq "x"',
            Tolerance.DOT_AFTER_URN,
        ),
        ('urn:scim:schemas:core:1.0:title eq "x"', 'title eq "x"', Tolerance.LEGACY_SCHEMA_URN),
        (
            'urn:scim:schemas:extension:enterprise:1.0:division eq "x"',
            f'{ENTERPRISE}:division eq "x"',
            Tolerance.LEGACY_SCHEMA_URN,
        ),
        (
            'urn:ietf:params:scim:schemas:extension:enterprise:2.0User:division eq "x"',
            f'{ENTERPRISE}:division eq "x"',
            Tolerance.LEGACY_SCHEMA_URN,
        ),
        (
            'emails[type eq "work"].value eq "a"',
            'emails[type eq "work" and value eq "a"]',
            Tolerance.VALUE_PATH_COMPARISON,
        ),
        (
            'emails[type eq "a" or type eq "b"].value pr',
            'emails[(type eq "a" or type eq "b") and value pr]',
            Tolerance.VALUE_PATH_COMPARISON,
        ),
    ],
)
def test_a_habit_is_understood_and_recorded_or_refused(
    text: str, canonical: str, habit: Tolerance
) -> None:
    reading = Reading(LENIENT)
    assert parsed(text, USER, reading) == canonical
    assert reading.met == {habit}
    refused(text)


def test_a_filter_of_the_standard_needs_no_tolerance() -> None:
    reading = Reading(LENIENT)
    parse_filter('not (emails[type eq "work"]) or userName sw "a"', USER, reading)
    assert reading.met == set()


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('id eq "7" and manager eq "8"', f'id eq "7" and {ENTERPRISE}:manager.value eq "8"'),
        (
            "name.FamilyName eq Employee and (emails.Value co example.com or userName sw O)",
            'name.familyName eq "Employee" and (emails.value co "example.com" or userName sw "O")',
        ),
    ],
)
def test_entra_gets_what_it_asks_for(text: str, canonical: str) -> None:
    assert parsed(text, USER, Reading(ENTRA)) == canonical


def test_a_dialect_tolerates_nothing_beyond_its_own() -> None:
    assert "has to stand in double quotes" in refused("userName eq 'a'", dialect=ENTRA)
    assert "takes text in double quotes" in refused("userName eq a", dialect=OKTA)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("nope pr", "FALSE"),
        ('nope eq "x"', "FALSE"),
        ('nope ne "x"', "TRUE"),
        ("nope eq null", "TRUE"),
        ("nope ne null", "FALSE"),
        ("nope gt 5", "FALSE"),
        ("emails.nope pr", "FALSE"),
        ('emails[nope eq "x"]', "emails[FALSE]"),
        ('nope[type eq "work"]', "FALSE"),
        ('nope[type eq "work"].value ne "x"', "FALSE"),
        ('urn:example:schema:attribute eq "x"', "FALSE"),
        ('not (nope eq "x") and title pr', "not (FALSE) and title pr"),
    ],
)
def test_an_unknown_attribute_has_no_value_or_is_refused(text: str, outcome: str) -> None:
    reading = Reading(LENIENT)
    assert parsed(text, USER, reading) == outcome
    assert Tolerance.UNKNOWN_FILTER_ATTRIBUTE in reading.met
    assert "has no attribute" in refused(text)


@pytest.mark.parametrize("text", ["nope gt null", "nope eq", 'nope zz "x"', 'nope[a eq "x"'])
def test_a_filter_on_an_unknown_attribute_has_to_be_well_formed(text: str) -> None:
    refused(text, dialect=LENIENT)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('displayName eq "x"', 'displayName eq "x"'),
        ('userName eq "x"', 'userName eq "x"'),
        ('members.value eq "x"', 'members.value eq "x"'),
        ('nope eq "x"', "FALSE"),
        ('emails[nope eq "x"]', "emails[FALSE]"),
        (f'{CORE}:displayName eq "x"', f'{CORE}:displayName eq "x"'),
        (f'{ENTERPRISE}:department eq "x"', f'{ENTERPRISE}:department eq "x"'),
        ('meta.resourceType eq "User"', 'meta.resourceType eq "User"'),
    ],
)
def test_at_the_root_names_are_those_of_all_types(text: str, canonical: str) -> None:
    assert parsed(text, None) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (f'groups.$ref eq "{BASE_URL}/Groups/7"', 'groups.value eq "7"'),
        ('groups.$ref eq "https://id.acme.example/scim/Groups/7"', 'groups.value eq "7"'),
        ('groups.$ref ne "../Groups/7"', 'groups.value ne "7"'),
        ('groups[$ref eq "/Groups/7"]', 'groups[value eq "7"]'),
        (f'{ENTERPRISE}:manager.$ref eq "Users/7"', f'{ENTERPRISE}:manager.value eq "7"'),
        (f'meta.location eq "{BASE_URL}/Users/7"', 'id eq "7"'),
        (f'meta.location eq "{BASE_URL}/Groups/7"', "FALSE"),
        (f'meta.location ne "{BASE_URL}/Groups/7"', "TRUE"),
        ("meta.location pr", "id pr"),
        ("groups.$ref pr", "groups.value pr"),
        ("groups[$ref eq null]", "groups[value eq null]"),
        ('groups.$ref eq "../Users/7"', "FALSE"),
        ('groups.$ref eq "https://other.example/Groups/7"', "FALSE"),
        ('groups[$ref ne "https://other.example/Groups/7"]', "groups[TRUE]"),
        (f'groups.$ref co "{BASE_URL}/Groups/7"', f'groups.$ref co "{BASE_URL}/Groups/7"'),
        ('profileUrl eq "Users/7"', 'profileUrl eq "Users/7"'),
    ],
)
def test_a_comparison_with_an_address_is_one_with_an_id(text: str, canonical: str) -> None:
    assert parsed(text) == canonical


def test_at_the_root_a_location_may_be_that_of_any_type() -> None:
    assert parsed(f'meta.location eq "{BASE_URL}/Groups/7"', None) == 'id eq "7"'


@pytest.mark.parametrize(
    ("build", "limit"),
    [
        (lambda size: "(" * size + "title pr" + ")" * size, MAX_DEPTH),
        (lambda size: "not (" * size + "title pr" + ")" * size, MAX_DEPTH),
        (lambda size: " and ".join(["title pr"] * size), MAX_TERMS),
        (lambda size: "emails[" + " or ".join(["value pr"] * size) + "]", MAX_TERMS),
        (lambda size: f'title eq "{"x" * (size - 11)}"', MAX_LENGTH),
    ],
)
def test_limits_are_kept_and_named(build: Callable[[int], str], limit: int) -> None:
    parsed(build(limit))
    assert str(limit) in refused(build(limit + 1))


def test_a_deep_filter_costs_no_stack() -> None:
    refused("(" * 4000 + "title pr" + ")" * 4000)
    refused("emails[" * 1000)
