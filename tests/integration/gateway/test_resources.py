"""Resources over HTTP: one request is one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from rollbook.v1 import user_service_pb2 as users
from rollbook.v1.patch_pb2 import PATCH_OP_REPLACE
from rollbook.v1.user_pb2 import User
from tests.harness.gateway import SCIM_JSON
from tests.harness.samples import (
    ADA,
    CREATE,
    DEACTIVATE,
    ETAG,
    ID,
    RENAME,
    SEARCH_SCHEMA,
    USER_SCHEMA,
)

if TYPE_CHECKING:
    from tests.harness.fake_service import FakeService
    from tests.harness.gateway import Client


async def test_create_sends_the_resource_and_answers_where_it_is(
    client: Client, fake: FakeService
) -> None:
    answer = await client.send("POST", "/Users", CREATE, Authorization="Bearer t")
    assert answer.status == 201
    assert answer.headers["Location"] == f"{client.url}/scim/v2/Users/{ID}"
    assert answer.headers["ETag"] == ETAG
    assert answer.headers["Content-Type"] == SCIM_JSON
    assert answer.json["id"] == ID
    assert answer.json["meta"]["location"] == answer.headers["Location"]
    call = fake.only_call
    assert call.method == "CreateUser"
    assert call.request == users.CreateUserRequest(
        user=User(user_name="ada"), read_mask=FieldMask()
    )
    assert call.metadata["authorization"] == "Bearer t"
    assert call.metadata["rollbook-channel"] == "scim"
    assert call.metadata["rollbook-request-id"] == answer.headers["X-Request-Id"]
    assert "rollbook-tolerances" not in call.metadata


async def test_a_write_tells_which_tolerances_it_relied_on(
    client: Client, fake: FakeService
) -> None:
    answer = await client.send("POST", "/Users", {**CREATE, "active": "True"})
    assert answer.status == 201
    assert fake.only_call.metadata["rollbook-tolerances"] == "STRING_BOOLEAN"


async def test_replace_sends_the_whole_resource_under_the_id_of_the_path(
    client: Client, fake: FakeService
) -> None:
    answer = await client.send("PUT", f"/Users/{ID}", {**CREATE, "id": "other"}, If_Match=ETAG)
    assert answer.status == 200
    assert fake.only_call.request == users.UpdateUserRequest(
        user=User(id=ID, user_name="ada"),
        update_mask=FieldMask(paths=["*"]),
        etag=ETAG,
        read_mask=FieldMask(),
    )


async def test_patch_of_a_user_answers_with_the_user(client: Client, fake: FakeService) -> None:
    answer = await client.send("PATCH", f"/Users/{ID}", DEACTIVATE, If_Match='W/"1", W/"3"')
    assert answer.status == 200
    assert answer.json["userName"] == "ada"
    assert answer.headers["ETag"] == ETAG
    request = fake.only_call.request
    assert (request.id, request.etag) == (ID, 'W/"1", W/"3"')
    (operation,) = request.operations
    assert operation.op == PATCH_OP_REPLACE
    assert operation.user == User(active=False)


async def test_patch_of_a_group_answers_without_a_body_and_loads_no_members(
    client: Client, fake: FakeService
) -> None:
    answer = await client.send("PATCH", f"/Groups/{ID}", RENAME)
    assert (answer.status, answer.text) == (204, b"")
    assert answer.headers["ETag"] == ETAG
    assert fake.only_call.request.read_mask.paths == ["id", "meta"]


@pytest.mark.parametrize("query", ["attributes=displayName", "excludedAttributes=members"])
async def test_patch_answers_with_a_body_to_who_chooses_attributes(
    client: Client, fake: FakeService, query: str
) -> None:
    answer = await client.send("PATCH", f"/Groups/{ID}?{query}", RENAME, Prefer="return=minimal")
    assert answer.status == 200
    assert answer.json["displayName"] == "Team"
    assert "members" not in fake.only_call.request.read_mask.paths
    assert "meta" in fake.only_call.request.read_mask.paths


@pytest.mark.parametrize(
    ("method", "path", "body", "preference", "status"),
    [
        ("POST", "/Users", CREATE, "minimal", 201),
        ("PUT", f"/Users/{ID}", CREATE, "minimal", 204),
        ("PATCH", f"/Users/{ID}", DEACTIVATE, "minimal", 204),
        ("PATCH", f"/Groups/{ID}", RENAME, "representation", 200),
    ],
)
async def test_the_client_may_prefer_an_answer_with_or_without_a_body(
    client: Client, method: str, path: str, body: object, preference: str, status: int
) -> None:
    answer = await client.send(method, path, body, Prefer=f'wait=5, Return="{preference}"; x')
    assert answer.status == status
    assert answer.headers["Preference-Applied"] == f"return={preference}"
    assert answer.headers["Location"]
    assert bool(answer.text) == (preference == "representation")
    assert answer.headers.get("Content-Location") == (
        answer.headers["Location"] if answer.text else None
    )


async def test_preferences_may_come_in_several_fields(client: Client) -> None:
    answer = await client.session.patch(
        f"{client.url}/scim/v2/Groups/{ID}",
        json=RENAME,
        headers=[("Prefer", "wait=5"), ("Prefer", "return=representation")],
    )
    assert answer.status == 200
    assert answer.headers["Preference-Applied"] == "return=representation"


@pytest.mark.parametrize(
    "path", [f"/Users/{ID}", f"/Users/{ID}.scim", f"/Users/{ID}?attributes=userName"]
)
async def test_a_body_says_where_its_resource_is(client: Client, path: str) -> None:
    answer = await client.send("GET", path)
    assert answer.headers["Content-Location"] == f"{client.url}/scim/v2/Users/{ID}"
    head = await client.send("HEAD", path)
    assert head.text == b""
    for name in ("Content-Location", "Content-Length", "Content-Type", "ETag"):
        assert head.headers[name] == answer.headers[name]


@pytest.mark.parametrize(
    "names", ["userName,userName", "USERNAME,userName,,", "userName&attributes=username"]
)
async def test_names_may_be_repeated(client: Client, names: str) -> None:
    answer = await client.send("GET", f"/Users/{ID}?attributes={names}")
    assert answer.json == {"schemas": [USER_SCHEMA], "id": ID, "userName": "ada"}


async def test_delete_answers_nothing(client: Client, fake: FakeService) -> None:
    answer = await client.send("DELETE", f"/Users/{ID}", If_Match="*")
    assert (answer.status, answer.text) == (204, b"")
    assert fake.only_call.request == users.DeleteUserRequest(id=ID, etag="*")


async def test_read_asks_for_what_is_to_be_shown_only(client: Client, fake: FakeService) -> None:
    answer = await client.send("GET", f"/Users/{ID}?attributes=userName")
    assert answer.json == {"schemas": [USER_SCHEMA], "id": ID, "userName": "ada"}
    assert answer.headers["ETag"] == ETAG
    assert set(fake.only_call.request.read_mask.paths) == {"id", "meta", "user_name"}


async def test_parameter_names_are_taken_in_any_case(client: Client) -> None:
    answer = await client.send("GET", f"/Users/{ID}?ATTRIBUTES=userName&unknown=1")
    assert set(answer.json) == {"schemas", "id", "userName"}


@pytest.mark.parametrize("condition", [ETAG, '"3"', "*", 'W/"1", W/"3"', "3", 'W/"2","3"'])
async def test_read_of_a_known_state_answers_304(client: Client, condition: str) -> None:
    answer = await client.send("GET", f"/Users/{ID}", If_None_Match=condition)
    assert (answer.status, answer.text) == (304, b"")
    assert answer.headers["ETag"] == ETAG


@pytest.mark.parametrize("condition", ['W/"4"', '"33"', 'W/"1", W/"2"', ""])
async def test_read_of_another_state_answers_it(client: Client, condition: str) -> None:
    answer = await client.send("GET", f"/Users/{ID}", If_None_Match=condition)
    assert answer.status == 200


async def test_head_is_get_without_the_body(client: Client) -> None:
    get = await client.send("GET", f"/Users/{ID}")
    head = await client.send("HEAD", f"/Users/{ID}")
    assert (head.status, head.text) == (200, b"")
    assert head.headers["ETag"] == ETAG
    assert head.headers["Content-Length"] == str(len(get.text))


async def test_list_passes_filter_order_and_page_on(client: Client, fake: FakeService) -> None:
    answer = await client.send(
        "GET",
        "/Users?filter=userName+eq+%22ada%22&sortBy=userName&sortOrder=descending"
        "&startIndex=3&count=2&excludedAttributes=groups",
    )
    assert answer.status == 200
    assert answer.json["totalResults"] == 7
    assert answer.json["startIndex"] == 3
    assert answer.json["itemsPerPage"] == 1
    assert answer.json["Resources"][0]["meta"]["location"] == f"{client.url}/scim/v2/Users/{ID}"
    request = fake.only_call.request
    assert request.filter.comparison.value.string == "ada"
    assert request.order_by.descending
    assert (request.skip, request.page_size, request.include_total_size) == (2, 2, True)
    assert "groups" not in request.read_mask.paths


async def test_search_is_a_list_asked_for_by_a_body(client: Client, fake: FakeService) -> None:
    body = {"schemas": [SEARCH_SCHEMA], "filter": 'userName eq "ada"', "count": 5}
    answer = await client.send("POST", "/Users/.search", body)
    assert (answer.status, answer.json["totalResults"]) == (200, 7)
    assert fake.only_call.request.page_size == 5


async def test_pages_by_cursor_hand_the_tokens_of_the_service_on(
    client: Client, fake: FakeService
) -> None:
    fake.answers["ListUsers"] = users.ListUsersResponse(
        users=[ADA], next_page_token="n", previous_page_token="p", total_size=1
    )
    answer = await client.send("GET", "/Users?cursor=c")
    assert (answer.json["nextCursor"], answer.json["previousCursor"]) == ("n", "p")
    assert fake.only_call.request.page_token == "c"
