"""GET /Groups/{id}/members as docs/scim-members.md says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

if TYPE_CHECKING:
    from tests.harness.scim import ScimAnswer, ScimClient

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


class Team:
    """A group of five users and a group."""

    def __init__(self, scim: ScimClient, path: str, ids: list[str]) -> None:
        self._scim = scim
        self.path = path
        self.ids = ids

    async def get(self, **query: Any) -> ScimAnswer:
        return await self._scim.get(f"{self.path}/members?{urlencode(query, quote_via=quote)}")


@pytest.fixture
async def team(scim: ScimClient) -> Team:
    users = [
        {"schemas": [USER], "userName": f"user-{n}", "displayName": f"User {n}"} for n in range(5)
    ]
    ids = [(await scim.post("/Users", user)).body["id"] for user in users]
    inner = {"schemas": [GROUP], "displayName": "Inner"}
    ids.append((await scim.post("/Groups", inner)).body["id"])
    body = {"schemas": [GROUP], "displayName": "Team", "members": [{"value": i} for i in ids]}
    return Team(scim, f"/Groups/{(await scim.post('/Groups', body)).body['id']}", ids)


def values(answer: ScimAnswer) -> list[str]:
    assert answer.status == 200, answer.body
    return [member["value"] for member in answer.body["Resources"]]


async def test_they_are_what_the_group_shows(scim: ScimClient, team: Team) -> None:
    answer = await team.get()
    assert answer.body["Resources"] == (await scim.get(team.path)).body["members"]
    del answer.body["Resources"]
    assert answer.body == {
        "schemas": [LIST],
        "totalResults": 6,
        "startIndex": 1,
        "itemsPerPage": 6,
    }


async def test_pages_by_index(team: Team) -> None:
    answer = await team.get(startIndex=5, count=4)
    assert values(answer) == team.ids[4:]
    assert answer.body["startIndex"] == 5
    assert answer.body["itemsPerPage"] == 2
    assert answer.body["totalResults"] == 6
    assert values(await team.get(startIndex=7)) == []
    only_total = await team.get(count=0)
    assert (values(only_total), only_total.body["totalResults"]) == ([], 6)


async def test_pages_by_cursor(team: Team) -> None:
    first = await team.get(cursor="", count=4)
    assert values(first) == team.ids[:4]
    assert "startIndex" not in first.body
    assert "previousCursor" not in first.body
    second = await team.get(cursor=first.body["nextCursor"], count=4)
    assert values(second) == team.ids[4:]
    assert "nextCursor" not in second.body
    back = await team.get(cursor=second.body["previousCursor"], count=4)
    assert values(back) == team.ids[:4]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('type eq "Group"', [5]),
        ('type eq "user" and display sw "user 1"', [1]),
        ('not (type eq "User")', [5]),
        ("value pr", range(6)),
        ('value eq "nobody"', []),
        ('display eq "USER 3" or display eq "inner"', [3, 5]),
    ],
)
async def test_filter(team: Team, condition: str, expected: list[int]) -> None:
    answer = await team.get(filter=condition)
    assert values(answer) == [team.ids[n] for n in expected]
    assert answer.body["totalResults"] == len(expected)


async def test_is_she_a_member(scim: ScimClient, team: Team) -> None:
    asked = team.ids[2]
    assert values(await team.get(filter=f'value eq "{asked}"')) == [asked]
    address = f"{scim.base_url}/Users/{asked}"
    assert values(await team.get(filter=f'$ref eq "{address}"')) == [asked]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"attributes": "value"}, {"value"}),
        ({"attributes": "display,DISPLAY"}, {"value", "display"}),
        ({"attributes": "members.type"}, {"value", "type"}),
        ({"attributes": "nope"}, {"value"}),
        ({"attributes": "members"}, {"value", "type", "display", "$ref"}),
        ({"excludedAttributes": "$ref,display"}, {"value", "type"}),
        ({"excludedAttributes": "value,members"}, {"value", "type", "display", "$ref"}),
    ],
)
async def test_sub_attributes_are_chosen(
    team: Team, query: dict[str, str], names: set[str]
) -> None:
    answer = await team.get(**query)
    assert values(answer) == team.ids
    assert all(member.keys() == names for member in answer.body["Resources"])


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ({"filter": 'userName eq "ada"'}, "invalidFilter"),
        ({"filter": 'members.value eq "x"'}, "invalidFilter"),
        ({"filter": "value eq"}, "invalidFilter"),
        ({"filter": ""}, "invalidFilter"),
        ({"cursor": "forged"}, "invalidCursor"),
        ({"startIndex": "x"}, "invalidValue"),
        ({"cursor": "", "startIndex": 1}, "invalidValue"),
    ],
)
async def test_bad_queries_are_refused(team: Team, query: dict[str, Any], scim_type: str) -> None:
    answer = await team.get(**query)
    assert (answer.status, answer.scim_type) == (400, scim_type)


async def test_a_cursor_is_good_for_its_own_list(scim: ScimClient, team: Team) -> None:
    cursor = (await team.get(cursor="", count=2)).body["nextCursor"]
    other_size = await team.get(cursor=cursor, count=3)
    assert (other_size.status, other_size.scim_type) == (400, "invalidCount")
    users = await scim.get(f"/Users?cursor={cursor}&count=2")
    assert (users.status, users.scim_type) == (400, "invalidCursor")


async def test_what_is_no_group_has_no_members(scim: ScimClient, team: Team) -> None:
    for identifier in (team.ids[0], "nonsense"):
        assert (await scim.get(f"/Groups/{identifier}/members")).status == 404
    assert (await scim.get(f"/Users/{team.ids[0]}/members")).status == 404
    assert (await scim.get(f"{team.path}/members/{team.ids[0]}")).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_they_are_changed_through_the_group(
    scim: ScimClient, team: Team, method: str
) -> None:
    answer = await scim.request(method, f"{team.path}/members")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


async def test_the_group_itself_is_as_ever(scim: ScimClient, team: Team) -> None:
    answer = await scim.get(f"{team.path}?attributes=members")
    assert [member["value"] for member in answer.body["members"]] == team.ids
    assert answer.body.keys() == {"schemas", "id", "members"}
