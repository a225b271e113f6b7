"""Rules that hold for every resource: identifiers, etags, validation, replacement, errors."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format

from rollbook.attributes import GROUP, USER
from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.group_pb2 import Group
from rollbook.v1.user_pb2 import User
from service.domain import etag, replacement, validation
from service.domain.errors import DomainError
from service.domain.identifiers import new_id
from service.rpc import status
from service.storage import migrations


def user(**content: Any) -> User:
    return json_format.ParseDict({"userName": "ada", **content}, User())


def test_ids_are_version_7_and_grow() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {i.version for i in ids} == {7}
    assert {i.variant for i in ids} == {"specified in RFC 4122"}


@pytest.mark.parametrize("condition", ["*", 'W/"3"', '"3"', "3", 'W/"1", W/"3"', ' W/"3" '])
def test_etag_matches(condition: str) -> None:
    assert etag.matches(condition, 3)


@pytest.mark.parametrize("condition", ['W/"4"', "", 'W/"33"', "three", "**"])
def test_etag_differs(condition: str) -> None:
    assert not etag.matches(condition, 3)


def test_a_stale_etag_is_refused_with_the_current_one() -> None:
    with pytest.raises(DomainError) as refused:
        etag.require('W/"1"', 2)
    assert refused.value.metadata == {"currentEtag": 'W/"2"'}
    etag.require("", 2)


@pytest.mark.parametrize(
    ("content", "culprit"),
    [
        ({"userName": ""}, "userName"),
        ({"userName": " \t"}, "userName"),
        ({"userName": "x" * 513}, "userName"),
        ({"userName": "\ufdfa" * 200}, "userName"),
        ({"title": "a\0b"}, "title"),
        ({"name": {"familyName": "x" * 513}}, "name.familyName"),
        ({"emails": [{"value": "a"}, {"value": "b" * 513}]}, "emails[1].value"),
        ({"emails": [{"primary": True}, {"primary": True}]}, "emails"),
        (
            {"enterprise": {"department": "x" * 513}},
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        ),
    ],
)
def test_an_invalid_resource_is_refused_by_name(content: dict[str, Any], culprit: str) -> None:
    with pytest.raises(DomainError) as refused:
        validation.validate(user(**content), USER)
    assert refused.value.reason == ErrorReason.ERROR_REASON_INVALID_VALUE
    assert refused.value.field == culprit


def test_a_resource_has_a_size() -> None:
    roles = [{"value": "r" * 2_000, "type": str(n)} for n in range(600)]
    with pytest.raises(DomainError, match="1048576"):
        validation.validate(user(roles=roles), USER)


def test_required_is_required_of_groups_too() -> None:
    with pytest.raises(DomainError, match="displayName"):
        validation.validate(Group(), GROUP)


def test_what_only_the_service_sets_is_dropped() -> None:
    resource = user(
        id="x",
        meta={"etag": "x"},
        groups=[{"value": "g"}],
        enterprise={"manager": {"value": "m", "displayName": "forged"}},
    )
    validation.clear_read_only(resource, USER)
    assert resource == user(enterprise={"manager": {"value": "m"}})


def test_values_without_content_are_unassigned() -> None:
    resource = user(name={}, emails=[{}, {"value": "a"}, {}], enterprise={})
    validation.prune(resource, USER)
    assert resource == user(emails=[{"value": "a"}])


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (["*"], {"id": "1", "active": False, "nickName": "A", "name": {"givenName": "B"}}),
        (
            ["nick_name"],
            {
                "id": "1",
                "active": False,
                "title": "T",
                "nickName": "A",
                "name": {"givenName": "A", "familyName": "F"},
            },
        ),
        (["title"], {"id": "1", "active": False, "name": {"givenName": "A", "familyName": "F"}}),
        (["name"], {"id": "1", "active": False, "title": "T", "name": {"givenName": "B"}}),
        (
            ["name.given_name"],
            {
                "id": "1",
                "active": False,
                "title": "T",
                "name": {"givenName": "B", "familyName": "F"},
            },
        ),
        (
            ["id", "meta", "groups"],
            {
                "id": "1",
                "active": False,
                "title": "T",
                "name": {"givenName": "A", "familyName": "F"},
            },
        ),
        (
            [],
            {"id": "1", "active": False, "title": "T", "nickName": "A", "name": {"givenName": "B"}},
        ),
    ],
)
def test_a_mask_says_what_is_replaced(mask: list[str], expected: dict[str, Any]) -> None:
    stored = user(id="1", active=False, title="T", name={"givenName": "A", "familyName": "F"})
    request = user(id="ignored", nickName="A", name={"givenName": "B"})
    assert replacement.replaced(stored, request, mask, USER) == user(**expected)


@pytest.mark.parametrize("mask", [["nope"], ["name.nope"], ["emails.value"], ["*", "title"]])
def test_a_mask_names_what_exists(mask: list[str]) -> None:
    with pytest.raises(DomainError) as refused:
        replacement.replaced(user(), user(), mask, USER)
    assert refused.value.reason == ErrorReason.ERROR_REASON_INVALID_PATH


def test_every_reason_has_a_status_with_error_info() -> None:
    for name, number in ErrorReason.items():
        if number == ErrorReason.ERROR_REASON_UNSPECIFIED:
            continue
        error = DomainError(number, "What happened.", field="a.b", metadata={"key": "value"})
        answer = status.status_of(error)
        assert answer.code != 0, name
        assert answer.details[0].type_url.endswith("google.rpc.ErrorInfo"), name


def test_migrations_are_numbered_without_a_gap() -> None:
    known = migrations.load()
    assert [m.version for m in known] == [f"{n:04d}" for n in range(1, len(known) + 1)]
