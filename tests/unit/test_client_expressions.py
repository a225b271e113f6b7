"""Filters and patches as Python expressions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.text_format import Parse

from rollbook.attributes import GROUP, USER
from rollbook.client import (
    ENTERPRISE,
    Change,
    Condition,
    add,
    ascending,
    descending,
    remove,
    replace,
    where,
)
from rollbook.v1.enterprise_user_pb2 import EnterpriseUser
from rollbook.v1.filter_pb2 import Filter, OrderBy
from rollbook.v1.group_pb2 import GroupMember
from rollbook.v1.patch_pb2 import PatchOperation
from rollbook.v1.user_pb2 import Email, Name, X509Certificate

TITLE = 'path {attribute: "title"}'


def comparison(operator: str, value: str = "") -> str:
    written = f"value {{{value}}}" if value else ""
    return f"comparison {{{TITLE} operator: COMPARISON_OPERATOR_{operator} {written}}}"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (where("title") == "CTO", comparison("EQUAL", 'string: "CTO"')),
        (where("title") != "CTO", comparison("NOT_EQUAL", 'string: "CTO"')),
        (where("title") > 3, comparison("GREATER", "integer: 3")),
        (where("title") >= 2.5, comparison("GREATER_OR_EQUAL", "decimal: 2.5")),
        (where("title") < "x", comparison("LESS", 'string: "x"')),
        (where("title") <= "x", comparison("LESS_OR_EQUAL", 'string: "x"')),
        (where("title") == True, comparison("EQUAL", "boolean: true")),  # noqa: E712
        (where("title") == None, comparison("EQUAL", "null: true")),  # noqa: E711
        (where("title") == b"\x00\xff", comparison("EQUAL", 'string: "AP8="')),
        (
            where("title") == datetime(2026, 1, 2, tzinfo=UTC),
            comparison("EQUAL", "date_time {seconds: 1767312000}"),
        ),
        (where("title").contains("T"), comparison("CONTAINS", 'string: "T"')),
        (where("title").starts_with("C"), comparison("STARTS_WITH", 'string: "C"')),
        (where("title").ends_with("O"), comparison("ENDS_WITH", 'string: "O"')),
        (where("title").present(), comparison("PRESENT")),
        (~where("title").present(), f"not {{{comparison('PRESENT')}}}"),
        (
            where("title").one_of(["a", "b"]),
            "or {filters {"
            + comparison("EQUAL", "string: 'a'")
            + "} filters {"
            + comparison("EQUAL", "string: 'b'")
            + "}}",
        ),
        (where("title").one_of([]), "constant: false"),
    ],
)
def test_comparisons_are_filters(condition: Condition, expected: str) -> None:
    assert condition.filter == Parse(expected, Filter())


def test_terms_joined_by_the_same_operator_are_one_list() -> None:
    one, two, three = (where(name).present() for name in ("title", "locale", "active"))
    both = (one & two & three).filter
    assert len(getattr(both, "and").filters) == 3
    either = (one | (two | three)).filter
    assert len(getattr(either, "or").filters) == 3
    mixed = (one & two | three).filter
    assert [term.WhichOneof("kind") for term in getattr(mixed, "or").filters] == [
        "and",
        "comparison",
    ]


def test_a_condition_on_one_element() -> None:
    condition = where("emails").any((where("type") == "work") & where("value").ends_with("example"))
    value_path = condition.filter.value_path
    assert value_path.path.attribute == "emails"
    assert len(getattr(value_path.filter, "and").filters) == 2


def test_parts_and_extensions_are_named() -> None:
    path = where("manager.displayName", schema=ENTERPRISE).present().filter.comparison.path
    assert (path.schema, path.attribute, path.sub_attribute) == (
        ENTERPRISE,
        "manager",
        "displayName",
    )


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (ascending("name.familyName"), 'path {attribute: "name" sub_attribute: "familyName"}'),
        (descending("userName"), 'path {attribute: "userName"} descending: true'),
    ],
)
def test_orders(order: OrderBy, expected: str) -> None:
    assert order == Parse(expected, OrderBy())


def test_conditions_are_not_joined_by_words() -> None:
    with pytest.raises(TypeError, match=r"& and \|"):
        _ = (where("title") == "CTO") and (where("active") == "x")


@pytest.mark.parametrize("name", ["", "a.b.c", ".familyName", "name."])
def test_a_name_that_names_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="names no attribute"):
        where(name)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (2**63, ValueError),
        (datetime(2026, 1, 1), ValueError),  # noqa: DTZ001
        (["list"], TypeError),
    ],
)
def test_a_value_that_cannot_be_compared_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        _ = where("title") == value


# Patches

WORK = """filter {comparison {path {attribute: "type"}
operator: COMPARISON_OPERATOR_EQUAL value {string: "work"}}}"""


@pytest.mark.parametrize(
    ("change", "op", "path", "value"),
    [
        (
            replace("displayName", "Ada"),
            "REPLACE",
            'attribute {attribute: "displayName"}',
            'user {display_name: "Ada"}',
        ),
        (
            replace("active", value=False),
            "REPLACE",
            'attribute {attribute: "active"}',
            "user {active: false}",
        ),
        (
            replace("name.familyName", "Lovelace"),
            "REPLACE",
            'attribute {attribute: "name" sub_attribute: "familyName"}',
            'user {name {family_name: "Lovelace"}}',
        ),
        (
            replace("name", Name(given_name="Ada")),
            "REPLACE",
            'attribute {attribute: "name"}',
            'user {name {given_name: "Ada"}}',
        ),
        (
            replace("emails.value", "a@x", where=where("type") == "work", target_required=True),
            "REPLACE",
            f'attribute {{attribute: "emails" sub_attribute: "value"}} {WORK}',
            'user {emails {value: "a@x"}} target_required: true',
        ),
        (
            add("emails", [Email(value="a@x"), Email(value="b@x")]),
            "ADD",
            'attribute {attribute: "emails"}',
            'user {emails {value: "a@x"} emails {value: "b@x"}}',
        ),
        (
            add("x509Certificates", X509Certificate(value=b"DER")),
            "ADD",
            'attribute {attribute: "x509Certificates"}',
            'user {x509_certificates {value: "DER"}}',
        ),
        (
            replace("DEPARTMENT", "Research", schema=ENTERPRISE),
            "REPLACE",
            f'attribute {{schema: "{ENTERPRISE}" attribute: "DEPARTMENT"}}',
            'user {enterprise {department: "Research"}}',
        ),
        (
            replace("", EnterpriseUser(division="B"), schema=ENTERPRISE),
            "REPLACE",
            f'attribute {{schema: "{ENTERPRISE}"}}',
            'user {enterprise {division: "B"}}',
        ),
        (remove("nickName"), "REMOVE", 'attribute {attribute: "nickName"}', ""),
        (
            remove("emails", where=where("type") == "work"),
            "REMOVE",
            f'attribute {{attribute: "emails"}} {WORK}',
            "",
        ),
        (
            remove("emails", Email(value="a@x")),
            "REMOVE",
            'attribute {attribute: "emails"}',
            'user {emails {value: "a@x"}}',
        ),
    ],
)
def test_changes_of_a_user_are_operations(change: Change, op: str, path: str, value: str) -> None:
    expected = Parse(f"op: PATCH_OP_{op} path {{{path}}} {value}", PatchOperation())
    assert change.operation(USER) == expected


def test_a_change_of_a_group_carries_a_group() -> None:
    operation = add("members", GroupMember(value="42")).operation(GROUP)
    assert operation.group.members[0].value == "42"
    assert operation.WhichOneof("value") == "group"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (replace("nope", "x"), ValueError, "A User has no attribute 'nope'"),
        (replace("name.nope", "x"), ValueError, "name has no part 'nope'"),
        (replace("title.nope", "x"), ValueError, "title has no part 'nope'"),
        (replace("department", "x"), ValueError, "no attribute 'department'"),
        (replace("department", "x", schema="urn:nope"), ValueError, "urn:nope:department"),
        (replace("title", 3), TypeError, "title takes a str, not an int"),
        (replace("active", "true"), TypeError, "active takes a bool, not a str"),
        (replace("name", "Ada"), TypeError, "name takes a Name, not a str"),
        (add("emails", "a@x"), TypeError, "emails takes an Email, not a str"),
        (replace("", "x", schema=ENTERPRISE), TypeError, "EnterpriseUser"),
    ],
)
def test_a_change_that_suits_no_user_is_refused(
    change: Change, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        change.operation(USER)
