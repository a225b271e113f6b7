"""The comparison of recorded exchanges can fail where it should."""

from __future__ import annotations

import pytest

from tests.harness.matching import MISSING, differences, resolve

DOCUMENT = {
    "id": "7",
    "active": True,
    "count": 1,
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D"},
    "emails": [{"type": "work", "value": "a@x"}, {"type": "home", "value": "b@x"}],
    "a/b": {"~c": None},
}


@pytest.mark.parametrize(
    "expected",
    [
        {},
        {"id": "7"},
        {"count": 1.0},
        {"emails": [{"value": "b@x"}, {"type": "work"}]},
        {"emails": []},
        {"id": {"$type": "string"}, "active": {"$type": "boolean"}, "count": {"$type": "integer"}},
        {"emails": {"$type": "array"}},
        {"emails": [{"value": {"$regex": "^a@"}}]},
        {"title": {"$not": "Engineer"}},
        {"id": {"$not": "8"}},
        {"emails": {"$not": [{"type": "pager"}]}},
    ],
)
def test_contained_expectations_match(expected: object) -> None:
    assert list(differences(expected, DOCUMENT)) == []


@pytest.mark.parametrize(
    ("expected", "place"),
    [
        ({"id": 7}, "/id"),
        ({"active": 1}, "/active"),
        ({"count": True}, "/count"),
        ({"title": "Engineer"}, "/title"),
        ({"title": None}, "/title"),
        ({"emails": [{"type": "work", "value": "b@x"}]}, "/emails/0"),
        ({"emails": {"type": "work"}}, "/emails"),
        ({"id": ["7"]}, "/id"),
        ({"id": {"$regex": "^x"}}, "/id"),
        ({"id": {"$type": "integer"}}, "/id"),
        ({"active": {"$type": "integer"}}, "/active"),
        ({"title": {"$type": "string"}}, "/title"),
        ({"id": {"$not": "7"}}, "/id"),
        ({"emails": [{"value": "a@x"}, {"value": "c@x"}]}, "/emails/1"),
    ],
)
def test_missing_expectations_are_named(expected: object, place: str) -> None:
    found = list(differences(expected, DOCUMENT))
    assert len(found) == 1
    assert found[0].startswith(f"{place}:")


def test_an_empty_string_is_no_string_value() -> None:
    assert list(differences({"id": {"$type": "string"}}, {"id": ""}))


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT),
        ("/emails/1/value", "b@x"),
        ("/emails/2", MISSING),
        ("/emails/x", MISSING),
        ("/id/0", MISSING),
        ("/a~1b/~0c", None),
        ("/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department", "R&D"),
    ],
)
def test_pointers_resolve(pointer: str, value: object) -> None:
    assert resolve(DOCUMENT, pointer) == value
