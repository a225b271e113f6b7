"""The strict dialect, from a request to what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.harness.instance import TOKEN, running_gateway
from tests.harness.scim import MEDIA_TYPE, ScimClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.scim import ScimAnswer

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ADA: Final[dict[str, Any]] = {
    "schemas": [CORE],
    "userName": "ada",
    "name": {"givenName": "Ada", "familyName": "Byron"},
    "emails": [
        {"value": "a@x.example", "type": "work"},
        {"value": "b@x.example", "type": "home"},
    ],
}


class StrictClient:
    """Sends what the profile demands of clients."""

    def __init__(self, client: ScimClient) -> None:
        self._client = client

    async def send(self, method: str, path: str, body: object = None, **more: str) -> ScimAnswer:
        headers = {"User-Agent": "tests/1.0", **{k.replace("_", "-"): v for k, v in more.items()}}
        return await self._client.request(method, path, body, headers=headers)

    async def patch(self, path: str, *operations: object) -> ScimAnswer:
        return await self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    async def create(self, path: str, body: object) -> str:
        answer = await self.send("POST", path, body)
        assert answer.status == 201, answer.body
        return f"{path}/{answer.body['id']}"


@pytest.fixture(scope="module")
async def client(service: str) -> AsyncIterator[ScimClient]:
    async with (
        running_gateway(service, scim_dialect="strict") as url,
        ScimClient(url, TOKEN) as client,
    ):
        yield client


@pytest.fixture
def strict(client: ScimClient, database: asyncpg.Connection[asyncpg.Record]) -> StrictClient:
    return StrictClient(client)


@pytest.fixture
async def ada(strict: StrictClient) -> str:
    """The path of a user."""
    return await strict.create("/Users", ADA)


def assert_refused(answer: ScimAnswer, scim_type: str) -> None:
    assert (answer.status, answer.scim_type) == (400, scim_type), answer.body


async def test_the_configuration_says_so_and_nothing_else_unless_strict(
    strict: StrictClient, scim: ScimClient
) -> None:
    told = (await strict.send("GET", "/ServiceProviderConfig")).body
    assert told.pop("interopProfileConformant") is True
    lenient = (await scim.get("/ServiceProviderConfig")).body
    assert told.keys() == lenient.keys()


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
async def test_who_sends_a_request_has_to_say_so(
    client: ScimClient, strict: StrictClient, method: str
) -> None:
    body = ADA if method == "POST" else None
    refused = await client.request(method, "/Users", body)
    assert refused.status == 400
    if method != "HEAD":
        assert "User-Agent" in refused.body["detail"]
    assert (await strict.send(method, "/Users", body)).status < 300


@pytest.mark.parametrize("media_type", ["application/json", "text/json", "application/scim"])
async def test_a_body_is_of_scims_own_type(strict: StrictClient, media_type: str) -> None:
    refused = await strict.send("POST", "/Users", ADA, Content_Type=media_type)
    assert refused.status == 415
    assert MEDIA_TYPE in refused.body["detail"]
    taken = await strict.send("POST", "/Users", ADA, Content_Type=f"{MEDIA_TYPE}; charset=utf-8")
    assert taken.status == 201


@pytest.mark.parametrize(
    ("change", "scim_type"),
    [
        ({"nope": 1}, "invalidSyntax"),
        ({"urn:example:nope": {"a": 1}}, "invalidSyntax"),
        ({"schemas": [CORE, "urn:example:nope"]}, "invalidSyntax"),
        ({"schemas": []}, "invalidSyntax"),
        ({"active": "True"}, "invalidValue"),
        ({"emails": [{"value": "a@x.example", "type": "pager"}]}, "invalidValue"),
        ({"emails": [{"value": v, "primary": True} for v in "ab"]}, "invalidValue"),
    ],
)
async def test_a_resource_has_to_be_as_the_schemas_say(
    strict: StrictClient, ada: str, change: dict[str, Any], scim_type: str
) -> None:
    assert_refused(await strict.send("PUT", ada, {**ADA, **change}), scim_type)
    new = {**ADA, "userName": "grace", **change}
    assert_refused(await strict.send("POST", "/Users", new), scim_type)


@pytest.mark.parametrize(
    "condition",
    [
        'nope eq "x"',
        'emails[nope eq "x"]',
        "userName eq 'ada'",
        "userName eq ada",
        'userName eq"a"',
    ],
)
async def test_a_filter_has_to_name_what_there_is(strict: StrictClient, condition: str) -> None:
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": condition,
    }
    assert_refused(await strict.send("POST", "/Users/.search", body), "invalidFilter")


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "replace", "value": {"active": False}}, "invalidSyntax"),
        ({"op": "Replace", "path": "title", "value": "x"}, "invalidSyntax"),
        ({"op": "replace", "path": "nope", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'emails[type eq "work"]', "value": {}}, "invalidPath"),
        ({"op": "add", "path": 'emails[type eq "other"].value', "value": "x"}, "noTarget"),
        ({"op": "replace", "path": 'emails[type eq "other"].value', "value": "x"}, "noTarget"),
        ({"op": "remove", "path": 'emails[type eq "other"]'}, "noTarget"),
        ({"op": "remove", "path": 'emails[value co "x"]'}, "invalidFilter"),
        ({"op": "replace", "path": 'emails[value co "x"].display', "value": "E"}, "invalidFilter"),
        ({"op": "replace", "path": "active", "value": "False"}, "invalidValue"),
        ({"op": "remove", "path": "emails", "value": [{"value": "a@x.example"}]}, "invalidValue"),
    ],
)
async def test_an_operation_of_a_patch_is_refused(
    strict: StrictClient, ada: str, operation: object, scim_type: str
) -> None:
    before = (await strict.send("GET", ada)).body
    title = {"op": "replace", "path": "displayName", "value": "changed"}
    assert_refused(await strict.patch(ada, title, operation), scim_type)
    assert (await strict.send("GET", ada)).body == before


async def test_an_attribute_is_the_target_of_one_operation(strict: StrictClient, ada: str) -> None:
    again = [{"op": "replace", "path": "title", "value": value} for value in "ab"]
    assert_refused(await strict.patch(ada, *again), "invalidSyntax")
    apart = [
        {"op": "replace", "path": "name.givenName", "value": "A."},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "c@x.example"},
        {"op": "replace", "path": 'emails[type eq "home"].value', "value": "d@x.example"},
    ]
    changed = (await strict.patch(ada, *apart)).body
    assert changed["name"] == {"givenName": "A.", "familyName": "Byron"}
    assert [each["value"] for each in changed["emails"]] == ["c@x.example", "d@x.example"]


async def test_replace_clears_what_it_leaves_out_and_add_does_not(
    strict: StrictClient, scim: ScimClient, ada: str
) -> None:
    value = {"familyName": "King"}
    added = await strict.patch(ada, {"op": "add", "path": "name", "value": value})
    assert added.body["name"] == {"givenName": "Ada", "familyName": "King"}
    lenient = await scim.patch(ada, {"op": "replace", "path": "name", "value": value})
    assert lenient.body["name"] == {"givenName": "Ada", "familyName": "King"}
    replaced = await strict.patch(ada, {"op": "replace", "path": "name", "value": value})
    assert replaced.body["name"] == value
    emptied = await strict.patch(ada, {"op": "replace", "path": "name", "value": {}})
    assert "name" not in emptied.body


async def test_members_are_removed_one_by_one(strict: StrictClient, ada: str) -> None:
    grace = await strict.create("/Users", {"schemas": [CORE], "userName": "grace"})
    ids = [path.rpartition("/")[2] for path in (ada, grace)]
    group = await strict.create(
        "/Groups",
        {"schemas": [GROUP], "displayName": "Staff", "members": [{"value": each} for each in ids]},
    )
    both = " or ".join(f'value eq "{each}"' for each in ids)
    for condition in (both, 'type eq "User"'):
        removal = {"op": "remove", "path": f"members[{condition}]"}
        assert_refused(await strict.patch(group, removal), "invalidFilter")
    removal = {"op": "remove", "path": f'members[value eq "{ids[0]}"]'}
    for _ in range(2):  # RFC 7644 §3.5.2.2: the removal of one who is no member succeeds
        assert (await strict.patch(group, removal)).status == 204
    assert [m["value"] for m in (await strict.send("GET", group)).body["members"]] == ids[1:]


async def test_what_the_standard_allows_and_the_profile_advises_against_is_done(
    strict: StrictClient, ada: str
) -> None:
    etag = (await strict.send("GET", ada)).etag
    assert (await strict.send("PUT", ada, ADA, If_Match=etag)).status == 200
    assert (await strict.send("DELETE", ada)).status == 204
