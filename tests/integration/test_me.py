"""/Me is the user whose credentials a request has (RFC 7644 §3.11), and nobody else ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

from rollbook.client import RollbookClient
from rollbook.v1.user_pb2 import Role, User
from tests.harness.instance import BASIC_CREDENTIALS, TOKEN
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

PATCH: Final[dict[str, Any]] = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "title", "value": "Countess"}],
}
BODIES: Final = {"GET": None, "PUT": {"userName": "ada"}, "PATCH": PATCH, "DELETE": None}


class Person:
    """A user with a token, and a SCIM client that has it."""

    def __init__(self, user: User, scim: ScimClient) -> None:
        self.user = user
        self.scim = scim


@pytest.fixture
async def rollbook(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    del database
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


async def person(rollbook: RollbookClient, gateway: str, name: str, *scopes: str) -> Person:
    # Provisioning over SCIM is for administrators.
    admin = Role(type="account_type", value="admin")
    user = await rollbook.users.create(User(user_name=name, roles=[admin]))
    made = await rollbook.tokens.create(name, scopes, principal_id=user.id)
    return Person(user, ScimClient(gateway, made.secret))


@pytest.fixture
async def ada(rollbook: RollbookClient, gateway: str) -> AsyncIterator[Person]:
    one = await person(rollbook, gateway, "ada", "scim", "directory.read")
    async with one.scim:
        yield one


@pytest.fixture
async def bob(rollbook: RollbookClient, gateway: str) -> AsyncIterator[Person]:
    one = await person(rollbook, gateway, "bob", "scim")
    async with one.scim:
        yield one


async def test_it_is_read_with_its_permanent_location(ada: Person, bob: Person) -> None:
    for one in (ada, bob):
        mine = await one.scim.request("GET", "/Me")
        other = await one.scim.request("GET", f"/Users/{one.user.id}")
        assert (mine.status, mine.body) == (200, other.body)
        assert mine.body["id"] == one.user.id
        location = f"{one.scim.base_url}/Users/{one.user.id}"
        assert mine.headers["Location"] == mine.body["meta"]["location"] == location
        assert mine.headers["Content-Location"] == location
        assert mine.etag == other.etag


async def test_it_is_changed_and_nobody_else_is(
    ada: Person, bob: Person, rollbook: RollbookClient
) -> None:
    changed = await ada.scim.request("PATCH", "/Me?attributes=title", PATCH)
    assert changed.body["title"] == "Countess"
    assert changed.headers["Location"].endswith(ada.user.id)
    body = {"userName": "ada.king", "id": bob.user.id}
    replaced = await ada.scim.request("PUT", "/Me", body, headers={"If-Match": changed.etag})
    assert (replaced.body["id"], replaced.body["userName"]) == (ada.user.id, "ada.king")
    assert "title" not in replaced.body
    stale = await ada.scim.request("PATCH", "/Me", PATCH, headers={"If-Match": changed.etag})
    assert stale.status == 412
    assert (await rollbook.users.get(bob.user.id)).meta.etag == 'W/"1"'


async def test_one_request_id_of_two_people_is_two_requests(ada: Person, bob: Person) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = await ada.scim.request("PATCH", "/Me", PATCH, headers=key)
    again = await ada.scim.request("PATCH", "/Me", PATCH, headers=key)
    assert first.body == again.body
    other = await bob.scim.request("PATCH", "/Me", PATCH, headers=key)
    assert other.status == 400
    assert ada.user.id not in str(other.body)


async def test_who_deletes_it_is_out(ada: Person) -> None:
    assert (await ada.scim.request("DELETE", "/Me")).status == 204
    assert (await ada.scim.request("GET", "/Me")).status == 401


@pytest.mark.parametrize("method", BODIES)
async def test_credentials_of_nobody_have_no_me(scim: ScimClient, ada: Person, method: str) -> None:
    for path in ("/Me", "/Users/me"):
        answer = await scim.request(method, path, BODIES[method])
        assert answer.status == 404
        assert ada.user.id not in str(answer.body)
    basic = {"Authorization": f"Basic {BASIC_CREDENTIALS}"}
    assert (await scim.request(method, "/Me", BODIES[method], headers=basic)).status == 404


@pytest.mark.parametrize("method", BODIES)
async def test_it_takes_the_scope_that_other_users_take(
    rollbook: RollbookClient, gateway: str, method: str
) -> None:
    one = await person(rollbook, gateway, "eve", "directory.read", "directory.write")
    async with one.scim:
        assert (await one.scim.request(method, "/Me", BODIES[method])).status == 403


async def test_over_grpc_it_is_an_alias_too(
    ada: Person, service: str, rollbook: RollbookClient
) -> None:
    async with RollbookClient(service, token=ada.scim.token) as client:
        assert (await client.users.get("me")).id == ada.user.id
    with pytest.raises(Exception, match="not a user's"):
        await rollbook.users.get("me")
