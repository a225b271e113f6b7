"""Attributes of a registered schema behave like those of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.harness.badge_schema import BADGE, USER

if TYPE_CHECKING:
    from tests.harness.scim import ScimAnswer, ScimClient

FULL: dict[str, Any] = {
    "number": "B-1",
    "code": "Xy",
    "level": 9_007_199_254_740_993,
    "height": 1.5,
    "valid": False,
    "until": "2027-01-01T00:00:00.000Z",
    "picture": "AAEC/w==",
    "page": "https://acme.example/badges/1",
    "doors": ["north", "south"],
    "shifts": ["1970-01-01T00:00:00.000Z", "2026-06-01T06:00:00.500Z"],
    "location": "Building 7",
    "issuer": "Grace",
    "printer": {"name": "P1", "class": 0},
    "keys": [
        {"value": "k1", "type": "door", "primary": True, "weight": 0.25},
        {"value": "k2", "type": "locker"},
    ],
}


def user(name: str, **badge: Any) -> dict[str, Any]:
    return {"schemas": [USER, BADGE], "userName": name, BADGE: badge}


async def created(scim: ScimClient, name: str, **badge: Any) -> str:
    answer = await scim.post("/Users", user(name, **badge))
    assert answer.status == 201, answer.body
    identifier: str = answer.body["id"]
    return identifier


async def found(scim: ScimClient, condition: str, query: str = "") -> list[str]:
    path = f"/Users?filter={quote(condition)}{query}"
    answer = await scim.get(path)
    assert answer.status == 200, answer.body
    return [each["userName"] for each in answer.body["Resources"]]


def refused(answer: ScimAnswer, status: int, scim_type: str, word: str) -> None:
    assert (answer.status, answer.scim_type) == (status, scim_type), answer.body
    assert word in answer.body["detail"]


async def test_what_is_written_is_read(badges: ScimClient) -> None:
    identifier = await created(badges, "ada", **FULL)
    read = await badges.get(f"/Users/{identifier}")
    assert read.body[BADGE] == FULL
    assert read.body["schemas"] == [USER, BADGE]
    assert read.body["meta"]["location"] == f"{badges.base_url}/Users/{identifier}"


async def test_names_have_no_case_and_the_urn_neither(badges: ScimClient) -> None:
    body = {"schemas": [USER], "userName": "ada", BADGE.upper(): {"NUMBER": "1", "Printer": None}}
    answer = await badges.post("/Users", body)
    assert answer.body[BADGE] == {"number": "1"}


@pytest.mark.parametrize(
    ("badge", "word"),
    [
        ({"level": "high"}, "level"),
        ({"level": 1.5}, "level"),
        ({"level": 2**63}, "level"),
        ({"valid": 1}, "valid"),
        ({"until": "tomorrow"}, "until"),
        ({"picture": "?"}, "picture"),
        ({"number": 7}, "number"),
        ({"number": "x" * 513}, "number"),
        ({"doors": ["a", 1]}, "doors[1]"),
        ({"shifts": ["x"]}, "shifts[0]"),
        ({"printer": {"class": 1}}, "printer.name"),
        ({"printer": "P1"}, "printer"),
        ({"keys": [{"weight": "heavy"}]}, "keys[0].weight"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused(
    badges: ScimClient, badge: dict[str, Any], word: str
) -> None:
    refused(await badges.post("/Users", user("ada", **badge)), 400, "invalidValue", word)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('number eq "b-1"', ["ada"]),
        ('code eq "xy"', []),
        ('code eq "Xy"', ["ada"]),
        ("level gt 9007199254740992", ["ada"]),
        ("height eq 1.50", ["ada"]),
        ("valid eq false", ["ada"]),
        ('until lt "2027-01-01T00:00:00.001Z"', ["ada"]),
        ('picture eq "AAEC/w=="', ["ada"]),
        ('page sw "https://acme.example/"', ["ada"]),
        ('doors eq "NORTH"', ["ada"]),
        ('doors[value sw "s"]', ["ada"]),
        ('shifts eq "1970-01-01T00:00:00Z"', ["ada"]),
        ("printer.class eq 0", ["ada"]),
        ('keys[type eq "door" and primary eq true]', ["ada"]),
        ('keys[type eq "locker" and primary eq true]', []),
        ("keys.weight ge 0.25", ["ada"]),
        ('location ew "7"', ["ada"]),
        ("number pr", ["ada", "grace"]),
        ("not (level pr)", ["grace"]),
        ('number ne "B-2"', ["ada"]),
    ],
)
async def test_attributes_are_filtered_by(
    badges: ScimClient, condition: str, expected: list[str]
) -> None:
    await created(badges, "ada", **FULL)
    await created(badges, "grace", number="B-2")
    name, rest = condition.split(" ", 1) if not condition.startswith("not") else ("", condition)
    qualified = f"{BADGE}:{name} {rest}" if name else condition.replace("level", f"{BADGE}:level")
    assert await found(badges, qualified, "&sortBy=userName") == expected


async def test_the_urn_tells_who_has_the_extension(badges: ScimClient) -> None:
    await created(badges, "ada", number="1")
    await badges.post("/Users", {"schemas": [USER], "userName": "grace"})
    assert await found(badges, f'schemas eq "{BADGE}"') == ["ada"]
    assert await found(badges, f'not (schemas eq "{BADGE}")') == ["grace"]


@pytest.mark.parametrize(
    ("attribute", "badges_of"),
    [
        ("level", {"b": {"level": 10}, "a": {"level": 9}, "c": {}}),
        ("height", {"b": {"height": 10.5}, "a": {"height": 9}, "c": {}}),
        ("until", {"b": {"until": "2027-01-01T00:00:00Z"}, "a": {"until": "2026-01-01T00:00:00Z"}}),
        ("number", {"b": {"number": "b"}, "a": {"number": "A"}, "c": {}}),
        ("keys", {"b": {"keys": [{"value": "a"}, {"value": "z", "primary": True}]},
                  "a": {"keys": [{"value": "b"}]}}),
    ],
)  # fmt: skip
async def test_lists_are_sorted_by_attributes(
    badges: ScimClient, attribute: str, badges_of: dict[str, dict[str, Any]]
) -> None:
    for name, badge in badges_of.items():
        await created(badges, name, **badge)
    ascending = await found(badges, "userName pr", f"&sortBy={BADGE}:{attribute}")
    assert ascending == sorted(badges_of)
    descending = await found(
        badges, "userName pr", f"&sortBy={BADGE}:{attribute}&sortOrder=descending"
    )
    assert descending == sorted(badges_of, reverse=True)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "level", "value": 2}, {"number": "1", "level": 2}),
        ({"op": "replace", "path": "number", "value": "2"}, {"number": "2"}),
        ({"op": "remove", "path": "number"}, None),
        ({"op": "remove", "path": ""}, None),
        ({"op": "add", "path": "doors", "value": ["a", "A", "b"]},
         {"number": "1", "doors": ["a", "b"]}),
        ({"op": "add", "path": "shifts", "value": "2026-01-01T00:00:00Z"},
         {"number": "1", "shifts": ["2026-01-01T00:00:00.000Z"]}),
        ({"op": "add", "path": "printer.name", "value": "P"},
         {"number": "1", "printer": {"name": "P"}}),
        ({"op": "add", "path": "printer", "value": {"name": "P", "class": 3}},
         {"number": "1", "printer": {"name": "P", "class": 3}}),
        ({"op": "add", "path": 'keys[type eq "door"].value', "value": "k"},
         {"number": "1", "keys": [{"value": "k", "type": "door"}]}),
        ({"op": "replace", "path": "", "value": {"level": 5, "number": None}}, {"level": 5}),
        ({"op": "replace", "value": {f"{BADGE}:level": 5}}, {"number": "1", "level": 5}),
        ({"op": "replace", "value": {BADGE: {"level": 5}}}, {"number": "1", "level": 5}),
    ],
)  # fmt: skip
async def test_attributes_are_patched(
    badges: ScimClient, operation: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    identifier = await created(badges, "ada", number="1")
    if "path" in operation:
        path = f"{BADGE}:{operation['path']}" if operation["path"] else BADGE
        operation = {**operation, "path": path}
    answer = await badges.patch(f"/Users/{identifier}", operation)
    assert answer.status == 200, answer.body
    assert answer.body.get(BADGE) == expected
    assert (BADGE in answer.body["schemas"]) == (expected is not None)


async def test_an_element_is_found_removed_and_changed_by_a_filter(badges: ScimClient) -> None:
    identifier = await created(
        badges, "ada", keys=[{"value": "a", "weight": 0.5}, {"value": "b", "weight": 2}]
    )
    answer = await badges.patch(
        f"/Users/{identifier}",
        {"op": "remove", "path": f"{BADGE}:keys[weight lt 1]"},
        {"op": "replace", "path": f'{BADGE}:keys[value eq "B"].weight', "value": 3},
    )
    assert answer.body[BADGE]["keys"] == [{"value": "b", "weight": 3.0}]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"number", "level"}),
        (f"?attributes={BADGE}:number", {"number"}),
        (f"?attributes={BADGE}", {"number", "level"}),
        (f"?attributes={BADGE}:history", {"history"}),
        (f"?attributes={BADGE}:secret", set()),
        (f"?attributes={BADGE}:pin", set()),
        (f"?excludedAttributes={BADGE}:number", {"level"}),
        (f"?excludedAttributes={BADGE}", set()),
        ("?attributes=userName", set()),
    ],
)
async def test_attributes_are_shown_as_asked(
    badges: ScimClient, query: str, shown: set[str]
) -> None:
    identifier = await created(
        badges, "ada", number="1", level=2, history="h", secret="s", pin="1234"
    )
    read = await badges.get(f"/Users/{identifier}{query}")
    assert set(read.body.get(BADGE, {})) == shown


async def test_a_reference_has_its_address(badges: ScimClient) -> None:
    guard = await created(badges, "grace")
    identifier = await created(badges, "ada", guards=[{"value": guard}])
    read = await badges.get(f"/Users/{identifier}")
    address = f"{badges.base_url}/Users/{guard}"
    assert read.body[BADGE]["guards"] == [{"value": guard, "$ref": address}]
    assert await found(badges, f'{BADGE}:guards.$ref eq "{address}"') == ["ada"]


async def test_a_unique_value_is_had_by_one(badges: ScimClient) -> None:
    ada = await created(badges, "ada", number="A1")
    refused(await badges.post("/Users", user("grace", number="a1")), 409, "uniqueness", "number")
    grace = await created(badges, "grace", number="A2")
    take = {"op": "replace", "path": f"{BADGE}:number", "value": "A1"}
    refused(await badges.patch(f"/Users/{grace}", take), 409, "uniqueness", "number")
    await badges.patch(f"/Users/{ada}", {"op": "remove", "path": f"{BADGE}:number"})
    assert (await badges.patch(f"/Users/{grace}", take)).status == 200
    assert (await badges.delete(f"/Users/{grace}")).status == 204
    assert (await badges.post("/Users", user("joan", number="a1"))).status == 201


async def test_an_immutable_value_stays(badges: ScimClient) -> None:
    identifier = await created(badges, "ada", issuer="Grace")
    path = f"/Users/{identifier}"
    change = {"op": "replace", "path": f"{BADGE}:issuer", "value": "Joan"}
    refused(await badges.patch(path, change), 400, "mutability", "issuer")
    removal = {"op": "remove", "path": BADGE}
    refused(await badges.patch(path, removal), 400, "mutability", "immutable")
    refused(await badges.put(path, user("ada", issuer="Joan")), 400, "mutability", "issuer")
    for same in (user("ada", issuer="Grace"), user("ada")):
        answer = await badges.put(path, same)
        assert answer.body[BADGE] == {"issuer": "Grace"}, answer.body


async def test_a_provisioning_client_cannot_set_what_is_read_only(badges: ScimClient) -> None:
    identifier = await created(badges, "ada", lastSeen="2026-01-01T00:00:00Z", number="1")
    read = await badges.get(f"/Users/{identifier}")
    assert read.body[BADGE] == {"number": "1"}
    change = {"op": "add", "path": f"{BADGE}:lastSeen", "value": "2026-01-01T00:00:00Z"}
    refused(await badges.patch(f"/Users/{identifier}", change), 400, "mutability", "lastSeen")


@pytest.mark.parametrize(
    "condition", [f"{BADGE}:level co 1", f'{BADGE}:secret eq "s"', f'{BADGE}:pin eq "1"']
)
async def test_a_comparison_that_cannot_be_made_is_refused(
    badges: ScimClient, condition: str
) -> None:
    refused(await badges.get(f"/Users?filter={quote(condition)}"), 400, "invalidFilter", BADGE)


async def test_bulk_requests_write_extensions(badges: ScimClient) -> None:
    guard = {"method": "POST", "path": "/Users", "bulkId": "g", "data": user("grace", number="1")}
    ada = {
        "method": "POST",
        "path": "/Users",
        "bulkId": "a",
        "data": user("ada", guards=[{"value": "bulkId:g"}], number="2"),
    }
    clash = {"method": "POST", "path": "/Users", "bulkId": "c", "data": user("joan", number="1")}
    answer = await badges.post(
        "/Bulk",
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [ada, guard, clash],
        },
    )
    assert [each["status"] for each in answer.body["Operations"]] == ["201", "201", "409"]
    assert await found(badges, f"{BADGE}:number pr", "&sortBy=userName") == ["ada", "grace"]
    address = answer.body["Operations"][0]["location"].removeprefix(badges.base_url)
    guards = (await badges.get(address)).body[BADGE]["guards"]
    assert answer.body["Operations"][1]["location"] == guards[0]["$ref"]


async def test_a_query_at_the_root_knows_extensions(badges: ScimClient) -> None:
    await created(badges, "ada", level=3)
    answer = await badges.get(f"?filter={quote(f'{BADGE}:level eq 3')}&sortBy={BADGE}:level")
    assert [each[BADGE]["level"] for each in answer.body["Resources"]] == [3]


async def test_nothing_changes_when_nothing_changes(badges: ScimClient) -> None:
    identifier = await created(badges, "ada", **FULL)
    before = await badges.get(f"/Users/{identifier}")
    same = {"op": "replace", "path": f"{BADGE}:level", "value": FULL["level"]}
    after = await badges.patch(f"/Users/{identifier}", same)
    assert after.body["meta"] == before.body["meta"]
