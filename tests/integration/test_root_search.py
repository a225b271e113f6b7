"""Queries over all resource types (RFC 7644 §3.4.2.1, §3.4.3) against the real service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import pytest

from rollbook.v1.directory_service_pb2 import SearchResourcesRequest, SearchResourcesResponse
from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceStub

if TYPE_CHECKING:
    import grpc

    from tests.harness.scim import ScimClient

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

PEOPLE: Final[list[dict[str, Any]]] = [
    {"userName": "ada", "displayName": "Ada", "emails": [{"value": "ada@x.example"}]},
    {"userName": "bob", "displayName": "bob", "title": "Analyst"},
    {"userName": "cleo"},
]
GROUPS: Final[list[dict[str, Any]]] = [
    {"displayName": "Analysts"},
    {"displayName": "board", "externalId": "x1"},
]
NAMES: Final = ["ada", "bob", "cleo", "Analysts", "board"]
"""In the order of creation."""


@pytest.fixture
async def directory(scim: ScimClient) -> dict[str, str]:
    """People, groups and who belongs to them; ids by name."""
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": each["userName"], "data": each}
        for each in PEOPLE
    ]
    operations += [
        {"method": "POST", "path": "/Groups", "bulkId": each["displayName"],
         "data": {**each, "members": [{"value": "bulkId:ada"}]}}
        for each in GROUPS
    ]  # fmt: skip
    answer = await scim.post("/Bulk", {"schemas": [BULK], "Operations": operations})
    return {
        each["bulkId"]: each["location"].rsplit("/", 1)[1] for each in answer.body["Operations"]
    }


def names(body: Any) -> list[str]:
    return [each.get("userName") or each["displayName"] for each in body["Resources"]]


async def search(scim: ScimClient, **members: Any) -> Any:
    answer = await scim.post("/.search", {"schemas": [SCHEMA], **members})
    assert answer.status == 200, answer.body
    assert answer.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
    return answer.body


ALL: Final = "id pr"


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (ALL, NAMES),
        ('meta.resourceType eq "User"', NAMES[:3]),
        ('meta.resourceType eq "Group" and displayName pr', NAMES[3:]),
        ('meta.resourceType ne "User"', NAMES[3:]),
        ("meta.resourceType eq User", NAMES[:3]),
        ('userName eq "ADA"', ["ada"]),
        ('userName ne "ada"', NAMES[1:]),
        ('not (userName eq "ada")', NAMES[1:]),
        ("userName pr", NAMES[:3]),
        ("userName eq null", NAMES[3:]),
        ('displayName sw "A"', ["ada", "Analysts"]),
        ('displayName eq "Board" or userName eq "cleo"', ["cleo", "board"]),
        ('externalId eq "x1"', ["board"]),
        ('emails[value co "@x.example"]', ["ada"]),
        ("members pr", NAMES[3:]),
        ("groups pr", ["ada"]),
        ('schemas eq "urn:ietf:params:scim:schemas:core:2.0:Group"', NAMES[3:]),
        ('urn:ietf:params:scim:schemas:core:2.0:Group:displayName sw "A"', ["Analysts"]),
        ('nope eq "x"', []),
        ('nope ne "x" and members pr', NAMES[3:]),
        ('title eq "Analyst" and members pr', []),
    ],
)
@pytest.mark.usefixtures("directory")
async def test_a_filter_is_about_all_types(
    scim: ScimClient, condition: str, found: list[str]
) -> None:
    body = await search(scim, filter=condition)
    assert (names(body), body["totalResults"]) == (found, len(found))
    answer = await scim.get(f"?{urlencode({'filter': condition})}")
    assert (answer.status, answer.body) == (200, body)


@pytest.mark.usefixtures("directory")
async def test_an_address_is_found_among_all(scim: ScimClient, directory: dict[str, str]) -> None:
    location = f"{scim.base_url}/Groups/{directory['board']}"
    body = await search(scim, filter=f'meta.location eq "{location}"')
    assert names(body) == ["board"]


@pytest.mark.parametrize("path", ["", "/", "?", "/?attributes=id", "?count=10"])
async def test_all_of_everything_is_too_much(scim: ScimClient, path: str) -> None:
    answer = await scim.get(path)
    assert (answer.status, answer.scim_type) == (400, "tooMany")


@pytest.mark.usefixtures("directory")
async def test_a_search_may_do_without_a_filter(scim: ScimClient) -> None:
    body = await search(scim, count=2, startIndex=3)
    assert (names(body), body["totalResults"]) == (NAMES[2:4], 5)


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ({"filter": "id xx"}, "invalidFilter"),
        ({"filter": "userName gt true"}, "invalidFilter"),
        ({"filter": 'password eq "x"'}, "invalidFilter"),
        ({"filter": ALL, "sortBy": "nope"}, "invalidValue"),
        ({"filter": ALL, "sortBy": "members"}, "invalidValue"),
        ({"filter": ALL, "cursor": "nonsense"}, "invalidCursor"),
        ({"filter": ALL, "cursor": "", "startIndex": 2}, "invalidValue"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(
    scim: ScimClient, query: dict[str, Any], scim_type: str
) -> None:
    answer = await scim.post("/.search", {"schemas": [SCHEMA], **query})
    assert (answer.status, answer.scim_type) == (400, scim_type)


@pytest.mark.parametrize(
    ("sort_by", "order"),
    [
        ("displayName", ["ada", "Analysts", "board", "bob", "cleo"]),
        ("userName", NAMES),
        ("emails", NAMES),
        ("title", ["bob", "ada", "cleo", "Analysts", "board"]),
        ("active", NAMES),
        ("externalId", ["board", "ada", "bob", "cleo", "Analysts"]),
        ("meta.created", NAMES),
        ("id", NAMES),
        ("meta.resourceType", ["Analysts", "board", "ada", "bob", "cleo"]),
        ("urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
         ["Analysts", "board", "ada", "bob", "cleo"]),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize("count", [1, 2, 100])
async def test_one_order_is_over_all_types(
    scim: ScimClient, sort_by: str, order: list[str], count: int
) -> None:
    query = {"filter": ALL, "sortBy": sort_by, "count": count}
    for direction in ("ascending", "descending"):
        query["sortOrder"] = direction
        by_index = await _walk_by_index(scim, query)
        by_cursor = await _walk_by_cursor(scim, query)
        assert by_index == by_cursor
        if direction == "ascending":
            assert by_index == order
        else:
            assert by_index == order[::-1]


async def _walk_by_index(scim: ScimClient, query: dict[str, Any]) -> list[str]:
    found: list[str] = []
    while True:
        body = await search(scim, **query, startIndex=len(found) + 1)
        assert (body["totalResults"], body["startIndex"]) == (5, len(found) + 1)
        if not body["Resources"]:
            return found
        assert body["itemsPerPage"] == len(body["Resources"])
        found += names(body)


async def _walk_by_cursor(scim: ScimClient, query: dict[str, Any]) -> list[str]:
    """To the end and back again; both ways have to show the same."""
    forwards: list[list[str]] = []
    cursor, body = "", {}
    while cursor is not None:
        body = await search(scim, **query, cursor=cursor)
        forwards.append(names(body))
        cursor = body.get("nextCursor")
    backwards = [forwards[-1]]
    while cursor := body.get("previousCursor"):
        body = await search(scim, **query, cursor=cursor)
        backwards.append(names(body))
    assert backwards == forwards[::-1]
    return [name for page in forwards for name in page]


@pytest.mark.usefixtures("directory")
async def test_a_cursor_is_good_for_its_query_only(scim: ScimClient) -> None:
    first = await search(scim, filter=ALL, count=2, cursor="")
    for query in (
        {"filter": "meta pr", "count": 2},
        {"filter": ALL, "count": 2, "sortBy": "userName"},
    ):
        answer = await scim.post(
            "/.search", {"schemas": [SCHEMA], "cursor": first["nextCursor"], **query}
        )
        assert (answer.status, answer.scim_type) == (400, "invalidCursor")
    answer = await scim.get(f"/Users?count=2&cursor={first['nextCursor']}")
    assert (answer.status, answer.scim_type) == (400, "invalidCursor")


@pytest.mark.usefixtures("directory")
async def test_a_choice_of_attributes_is_made_of_each_type(scim: ScimClient) -> None:
    body = await search(scim, filter='displayName sw "a"', attributes=["displayName", "members"])
    ada, analysts = body["Resources"]
    assert ada.keys() == {"schemas", "id", "displayName"}
    assert analysts.keys() == {"schemas", "id", "displayName", "members"}
    body = await search(scim, filter='displayName sw "a"', excludedAttributes=["groups", "members"])
    ada, analysts = body["Resources"]
    assert "groups" not in ada
    assert "members" not in analysts
    assert ada["meta"]["resourceType"] == "User"


async def test_nothing_found_is_an_empty_list(scim: ScimClient) -> None:
    body = await search(scim, filter='userName eq "nobody"', count=0)
    assert (body["totalResults"], body["Resources"], body["itemsPerPage"]) == (0, [], 0)


@pytest.mark.parametrize(
    ("paths", "fields"),
    [
        ([], {"user.groups", "group.members"}),
        (["*"], {"user.groups", "group.members"}),
        (["user"], {"user.groups"}),
        (["user.user_name", "group"], {"group.members"}),
        (["user.id", "group.members"], {"group.members"}),
        (["user.groups", "group.display_name"], {"user.groups"}),
    ],
)
@pytest.mark.usefixtures("directory")
async def test_what_the_mask_leaves_out_is_not_gathered(
    channel: grpc.aio.Channel, token: str, paths: list[str], fields: set[str]
) -> None:
    stub: Any = DirectoryServiceStub(channel)
    request = SearchResourcesRequest(include_total_size=True)
    request.read_mask.paths.extend(paths)
    metadata = (("authorization", f"Bearer {token}"),)
    response: SearchResourcesResponse = await stub.SearchResources(request, metadata=metadata)
    assert response.total_size == 5
    ada, board = response.resources[0].user, response.resources[4].group
    seen = {"user.groups"} if ada.groups else set()
    seen |= {"group.members"} if board.members else set()
    assert seen == fields


@pytest.mark.parametrize("skip", [4, 5, 2**63 - 1])
@pytest.mark.usefixtures("directory")
async def test_a_page_beyond_the_end_is_empty(
    channel: grpc.aio.Channel, token: str, skip: int
) -> None:
    stub: Any = DirectoryServiceStub(channel)
    request = SearchResourcesRequest(include_total_size=True, skip=skip)
    metadata = (("authorization", f"Bearer {token}"),)
    response: SearchResourcesResponse = await stub.SearchResources(request, metadata=metadata)
    assert (len(response.resources), response.total_size) == (max(0, 5 - skip), 5)
