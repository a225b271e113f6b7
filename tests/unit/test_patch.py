"""What a patch does to a resource: the result table of RFC 7644 §3.5.2, row by row."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format

from rollbook.attributes import USER
from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.patch_pb2 import PatchOperation
from rollbook.v1.user_pb2 import Email, User
from service.domain import patch
from service.domain.errors import DomainError
from service.domain.patch_cost import MAX_VISITS

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

WORK = {"value": "a@x", "type": "work", "primary": True}
HOME = {"value": "b@x", "type": "home"}

BEFORE: dict[str, Any] = {
    "userName": "ada",
    "title": "Analyst",
    "name": {"givenName": "Ada", "familyName": "Byron"},
    "emails": [WORK, HOME],
    "enterprise": {"department": "Engines", "manager": {"value": "m1"}},
}


def comparison(name: str, operand: str | bool, operator: str = "EQUAL") -> dict[str, Any]:
    kind = "boolean" if isinstance(operand, bool) else "string"
    return {
        "comparison": {
            "path": {"attribute": name},
            "operator": f"COMPARISON_OPERATOR_{operator}",
            "value": {kind: operand},
        }
    }


def operation(
    op: str,
    attribute: str = "",
    value: dict[str, Any] | None = None,
    *,
    sub: str = "",
    schema: str = "",
    condition: dict[str, Any] | None = None,
    required: bool = False,
    **options: bool,
) -> PatchOperation:
    path: dict[str, Any] = {
        "attribute": {"attribute": attribute, "subAttribute": sub, "schema": schema}
    }
    if condition:
        path["filter"] = condition
    content: dict[str, Any] = {
        "op": f"PATCH_OP_{op}",
        "path": path,
        "targetRequired": required,
        **options,
    }
    if value is not None:
        content["user"] = value
    return json_format.ParseDict(content, PatchOperation())


def user(content: dict[str, Any]) -> User:
    return json_format.ParseDict(content, User())


def after(*operations: PatchOperation, before: dict[str, Any] = BEFORE) -> dict[str, Any]:
    resource = user(before)
    patch.apply(resource, operations, USER)
    return json_format.MessageToDict(resource)


def with_emails(*emails: dict[str, Any]) -> dict[str, Any]:
    return {**BEFORE, "emails": list(emails)}


NO_PRIMARY = {**WORK, "primary": False}


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        pytest.param(
            [operation("ADD", "title", {"title": "Lead"})],
            {**BEFORE, "title": "Lead"},
            id="add sets a single value",
        ),
        pytest.param(
            [operation("REPLACE", "nickName", {"nickName": "A"})],
            {**BEFORE, "nickName": "A"},
            id="replace of a missing value adds it",
        ),
        pytest.param(
            [operation("REPLACE", "name", {"name": {"familyName": "King"}})],
            {**BEFORE, "name": {"givenName": "Ada", "familyName": "King"}},
            id="replace merges a complex value",
        ),
        pytest.param(
            [operation("REPLACE", "name", {"name": {"familyName": "King"}}, full_replacement=True)],
            {**BEFORE, "name": {"familyName": "King"}},
            id="full replacement clears the rest of a complex value",
        ),
        pytest.param(
            [operation("ADD", "name", {"name": {"familyName": "King"}}, full_replacement=True)],
            {**BEFORE, "name": {"givenName": "Ada", "familyName": "King"}},
            id="add merges whatever is said of replacement",
        ),
        pytest.param(
            [
                operation(
                    "REPLACE",
                    "emails",
                    {"emails": [{"value": "c@x"}]},
                    sub="value",
                    condition=comparison("type", "home"),
                    single_target=True,
                )
            ],
            with_emails(WORK, {**HOME, "value": "c@x"}),
            id="a single target is changed",
        ),
        pytest.param(
            [
                operation(
                    "REPLACE",
                    "emails",
                    {"emails": [{"display": "E"}]},
                    sub="display",
                    single_target=True,
                )
            ],
            with_emails({**WORK, "display": "E"}, {**HOME, "display": "E"}),
            id="without a filter all elements are meant",
        ),
        pytest.param(
            [operation("ADD", "name", {"name": {"middleName": "A."}}, sub="middleName")],
            {**BEFORE, "name": {"givenName": "Ada", "familyName": "Byron", "middleName": "A."}},
            id="add sets a sub-attribute",
        ),
        pytest.param(
            [
                operation("REMOVE", "name", sub="givenName"),
                operation("REMOVE", "name", sub="familyName"),
            ],
            {key: value for key, value in BEFORE.items() if key != "name"},
            id="a complex value without parts is unassigned",
        ),
        pytest.param(
            [
                operation(
                    "ADD",
                    "emails",
                    {"emails": [{"value": "c@x", "type": "other", "primary": True}]},
                )
            ],
            with_emails(NO_PRIMARY, HOME, {"value": "c@x", "type": "other", "primary": True}),
            id="a new primary ends the old one",
        ),
        pytest.param(
            [operation("ADD", "emails", {"emails": [{"value": "A@X", "type": "work"}]})],
            BEFORE,
            id="an element that is there is not added",
        ),
        pytest.param(
            [operation("REPLACE", "emails", {"emails": [{"value": "c@x"}]})],
            with_emails({"value": "c@x"}),
            id="replace exchanges all elements",
        ),
        pytest.param(
            [operation("REMOVE", "emails")],
            {key: value for key, value in BEFORE.items() if key != "emails"},
            id="remove clears all elements",
        ),
        pytest.param(
            [operation("REMOVE", "emails", {"emails": [{"value": "b@x", "display": "old"}]})],
            with_emails(WORK),
            id="remove with values removes those alone",
        ),
        pytest.param(
            [operation("REMOVE", "emails", {"emails": [{"value": "nobody@x"}]})],
            BEFORE,
            id="remove of a value that is not there does nothing",
        ),
        pytest.param(
            [operation("REPLACE", "emails", {"emails": [{"display": "D"}]}, sub="display")],
            with_emails({**WORK, "display": "D"}, {**HOME, "display": "D"}),
            id="a sub-attribute without filter is set in every element",
        ),
        pytest.param(
            [operation("REMOVE", "emails", sub="type")],
            with_emails({"value": "a@x", "primary": True}, {"value": "b@x"}),
            id="a sub-attribute without filter is removed from every element",
        ),
        pytest.param(
            [
                operation(
                    "ADD",
                    "emails",
                    {"emails": [{"display": "W"}]},
                    condition=comparison("type", "WORK"),
                )
            ],
            with_emails({**WORK, "display": "W"}, HOME),
            id="add merges into the elements selected",
        ),
        pytest.param(
            [
                operation(
                    "REPLACE",
                    "emails",
                    {"emails": [{"value": "c@x"}]},
                    condition=comparison("type", "work"),
                )
            ],
            with_emails({"value": "c@x", "type": "work"}, HOME),
            id="replace exchanges an element but for what selects it",
        ),
        pytest.param(
            [
                operation(
                    "REPLACE",
                    "emails",
                    {"emails": [{"value": "c@x"}]},
                    sub="value",
                    condition=comparison("type", "work"),
                )
            ],
            with_emails({**WORK, "value": "c@x"}, HOME),
            id="replace of a sub-attribute leaves the rest of the element",
        ),
        pytest.param(
            [
                operation(
                    "ADD",
                    "emails",
                    {"emails": [{"value": "d@x"}]},
                    sub="value",
                    condition=comparison("type", "other"),
                )
            ],
            with_emails(WORK, HOME, {"value": "d@x", "type": "other"}),
            id="a filter that selects nothing makes an element",
        ),
        pytest.param(
            [
                operation(
                    "ADD",
                    "roles",
                    {"roles": [{"value": "Editor"}]},
                    sub="value",
                    condition=comparison("primary", operand=True),
                )
            ],
            {**BEFORE, "roles": [{"value": "Editor", "primary": True}]},
            id="the element made has the booleans of the filter",
        ),
        pytest.param(
            [
                operation(
                    "ADD",
                    "x509Certificates",
                    {"x509Certificates": [{"display": "D"}]},
                    sub="display",
                    condition=comparison("value", "_-8"),
                )
            ],
            {**BEFORE, "x509Certificates": [{"value": "/+8=", "display": "D"}]},
            id="the element made has the bytes of the filter",
        ),
        pytest.param(
            [operation("REMOVE", "emails", condition=comparison("value", "@x", "ENDS_WITH"))],
            {key: value for key, value in BEFORE.items() if key != "emails"},
            id="remove takes every element selected",
        ),
        pytest.param(
            [operation("REMOVE", "emails", condition=comparison("type", "fax"))],
            BEFORE,
            id="remove that selects nothing does nothing",
        ),
        pytest.param(
            [operation("REMOVE", "emails", sub="primary", condition=comparison("type", "work"))],
            with_emails({"value": "a@x", "type": "work"}, HOME),
            id="remove of a sub-attribute in the elements selected",
        ),
        pytest.param(
            [operation("ADD", "", {"enterprise": {"costCenter": "7"}}, schema=ENTERPRISE)],
            {**BEFORE, "enterprise": {**BEFORE["enterprise"], "costCenter": "7"}},
            id="an extension is merged",
        ),
        pytest.param(
            [operation("REMOVE", "", schema=ENTERPRISE)],
            {key: value for key, value in BEFORE.items() if key != "enterprise"},
            id="an extension is removed as a whole",
        ),
        pytest.param(
            [
                operation(
                    "REPLACE",
                    "department",
                    {"enterprise": {"department": "R&D"}},
                    schema=ENTERPRISE,
                )
            ],
            {**BEFORE, "enterprise": {**BEFORE["enterprise"], "department": "R&D"}},
            id="an attribute of an extension",
        ),
        pytest.param(
            [
                operation("ADD", "emails", {"emails": [{"value": "d@x", "type": "other"}]}),
                operation("REMOVE", "emails", condition=comparison("type", "other")),
            ],
            BEFORE,
            id="an operation sees what the one before did",
        ),
    ],
)
def test_result(operations: list[PatchOperation], expected: dict[str, Any]) -> None:
    assert after(*operations) == json_format.MessageToDict(user(expected))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (operation("REMOVE", "userName"), "MUTABILITY"),
        (operation("REPLACE", "id", {"id": "x"}), "MUTABILITY"),
        (operation("ADD", "groups", {"groups": [{"value": "x"}]}), "MUTABILITY"),
        (
            operation(
                "ADD",
                "manager",
                {"enterprise": {"manager": {"displayName": "x"}}},
                schema=ENTERPRISE,
                sub="displayName",
            ),
            "MUTABILITY",
        ),
        (operation("ADD", "nope", {"title": "x"}), "INVALID_PATH"),
        (operation("ADD", "name", {"title": "x"}, sub="nope"), "INVALID_PATH"),
        (operation("ADD", "", {"title": "x"}), "INVALID_PATH"),
        (operation("ADD", "name", {}, condition=comparison("givenName", "x")), "INVALID_PATH"),
        (operation("ADD", "title", {}), "INVALID_VALUE"),
        (operation("ADD", "title"), "INVALID_VALUE"),
        (operation("UNSPECIFIED", "title", {"title": "x"}), "INVALID_VALUE"),
        (
            operation("ADD", "phoneNumbers", {"phoneNumbers": [{"value": "1"}]}, sub="value"),
            "NO_TARGET",
        ),
        (
            operation(
                "ADD",
                "emails",
                {"emails": [{"value": "x"}]},
                sub="value",
                condition=comparison("type", "other"),
                required=True,
            ),
            "NO_TARGET",
        ),
        (
            operation(
                "ADD",
                "emails",
                {"emails": [{"value": "x"}]},
                sub="value",
                condition=comparison("type", "zz", "STARTS_WITH"),
            ),
            "NO_TARGET",
        ),
        (operation("REMOVE", "emails", condition=comparison("nope", "x")), "INVALID_FILTER"),
        (
            operation("REMOVE", "emails", condition=comparison("type", "fax"), required=True),
            "NO_TARGET",
        ),
        *(
            (
                operation(
                    op,
                    "emails",
                    None if op == "REMOVE" else {"emails": [{"display": "x"}]},
                    sub="display",
                    condition=comparison("value", "@x", "ENDS_WITH"),
                    single_target=True,
                ),
                "INVALID_FILTER",
            )
            for op in ("ADD", "REPLACE", "REMOVE")
        ),
    ],
)
def test_refusal(wrong: PatchOperation, reason: str) -> None:
    with pytest.raises(DomainError) as refused:
        after(wrong)
    assert refused.value.reason == ErrorReason.Value(f"ERROR_REASON_{reason}")
    assert refused.value.message


@pytest.mark.parametrize("conditions", [0, 1, 9])
def test_the_work_of_a_patch_is_limited(conditions: int) -> None:
    emails = [Email(value=f"{number}@acme.example") for number in range(1_000)]
    path: dict[str, Any] = {"attribute": {"attribute": "emails", "sub_attribute": "display"}}
    if conditions:
        term = {
            "comparison": {
                "path": {"attribute": "value"},
                "operator": "COMPARISON_OPERATOR_PRESENT",
            }
        }
        path["filter"] = {"and": {"filters": [term] * conditions}}
    message = {"op": "PATCH_OP_REMOVE", "path": path}
    operation = json_format.ParseDict(message, PatchOperation())
    enough = MAX_VISITS // (1 + conditions) // len(emails)
    patch.apply(User(emails=emails), [operation] * enough, USER)
    with pytest.raises(DomainError) as caught:
        patch.apply(User(emails=emails), [operation] * (enough + 1), USER)
    assert caught.value.reason == ErrorReason.ERROR_REASON_TOO_MANY
    assert str(MAX_VISITS) in caught.value.message
