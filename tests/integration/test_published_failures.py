"""What has gone wrong in directories and provisioning of others, by the names it became known
under. Each of these was somebody's vulnerability."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest

from rollbook.client import RollbookClient, replace
from rollbook.errors import NotFoundError
from rollbook.v1.user_pb2 import User
from service.passwords import PasswordHasher
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.scim import ScimClient
from tests.harness.tenants import new_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.database import DatabaseServer

PASSWORD: Final = "correct horse battery staple"


@pytest.fixture
async def rollbook(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    """An administrator's client of an empty directory."""
    del database
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


@pytest.fixture
async def stranger(
    gateway: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[ScimClient]:
    """A SCIM client of another tenant."""
    async with ScimClient(gateway, await new_tenant(database)) as client:
        yield client


async def created(scim: ScimClient, name: str, **fields: Any) -> str:
    answer = await scim.post("/Users", {"userName": name, **fields})
    assert answer.status == 201, answer.body
    return str(answer.body["id"])


async def found(scim: ScimClient, condition: str) -> list[str]:
    answer = await scim.get(f"/Users?filter={quote(condition)}")
    return [user["userName"] for user in answer.body["Resources"]]


# Identity


async def test_numeric_external_id_is_not_an_id(scim: ScimClient) -> None:
    await created(scim, "ada", externalId="1")
    for path in ("/Users/1", "/Users/01", "/Users/0x1", "/Users/1.0"):
        assert (await scim.get(path)).status == 404
        assert (await scim.delete(path)).status == 404
    assert await found(scim, 'id eq "1"') == []
    group = {"displayName": "staff", "members": [{"value": "1"}]}
    assert (await scim.post("/Groups", group)).status == 400


async def test_external_id_of_one_that_is_the_id_of_another(scim: ScimClient) -> None:
    victim = await created(scim, "victim")
    attacker = await created(scim, "attacker", externalId=victim)
    assert (await scim.get(f"/Users/{victim}")).body["userName"] == "victim"
    assert (await scim.delete(f"/Users/{attacker}")).status == 204
    assert (await scim.get(f"/Users/{victim}")).status == 200


async def test_adoption_takeover_by_user_name(scim: ScimClient, rollbook: RollbookClient) -> None:
    """Somebody who may create users must not come to own, or change, one that is there."""
    admin = await rollbook.users.create(User(user_name="Admin", title="boss", password=PASSWORD))
    for name in ("Admin", "admin", "ADMIN", "\uff21dmin"):
        answer = await scim.post("/Users", {"userName": name, "password": "what I want", "id": "x"})
        assert (answer.status, answer.scim_type) == (409, "uniqueness")
        assert admin.id not in str(answer.body)
    assert await rollbook.users.get(admin.id) == admin
    assert await rollbook.passwords.verify(PASSWORD, user_id=admin.id) == admin.id


async def test_adoption_takeover_by_email(scim: ScimClient, rollbook: RollbookClient) -> None:
    emails = [{"value": "boss@acme.example", "primary": True}]
    boss = await created(scim, "boss", emails=emails, password=PASSWORD)
    other = await created(scim, "other", emails=emails, password="what I want")
    assert other != boss
    assert await rollbook.passwords.verify(PASSWORD, user_id=boss)
    assert not await rollbook.passwords.verify("what I want", user_name="boss")


async def test_an_id_that_the_client_chooses(scim: ScimClient) -> None:
    first = await created(scim, "first")
    second = await created(scim, "second", id=first)
    assert second != first
    answer = await scim.put(f"/Users/{second}", {"userName": "second", "id": first})
    assert answer.body["id"] == second


async def test_who_comes_back_under_the_name_of_somebody_deleted(
    scim: ScimClient, rollbook: RollbookClient
) -> None:
    former = await created(scim, "ada", password=PASSWORD, externalId="7")
    group = {"displayName": "owners", "members": [{"value": former}]}
    assert (await scim.post("/Groups", group)).status == 201
    token = await rollbook.tokens.create("ada's", ["directory.read"], principal_id=former)
    await scim.delete(f"/Users/{former}")
    new = await created(scim, "ada", externalId="7")
    assert new != former
    assert "groups" not in (await scim.get(f"/Users/{new}")).body
    assert await rollbook.passwords.verify(PASSWORD, user_name="ada") is None
    async with ScimClient(scim.base_url, token.secret) as old:
        assert (await old.get("/Users")).status == 401


async def test_mass_assignment_of_what_is_read_only(scim: ScimClient) -> None:
    group = (await scim.post("/Groups", {"displayName": "owners"})).body["id"]
    user = await created(
        scim, "ada", groups=[{"value": group}], meta={"created": "1970-01-01T00:00:00Z"}
    )
    body = (await scim.get(f"/Users/{user}")).body
    assert "groups" not in body
    assert not body["meta"]["created"].startswith("1970")


async def test_a_hash_is_no_password(scim: ScimClient, rollbook: RollbookClient) -> None:
    """Whoever reads a hash somewhere else cannot have it stored as it is."""
    hasher = PasswordHasher()
    stolen = await hasher.hash(PASSWORD)
    hasher.close()
    user = await created(scim, "ada", password=stolen)
    await rollbook.users.patch(user, [replace("password", stolen)])
    assert await rollbook.passwords.verify(PASSWORD, user_id=user) is None
    assert await rollbook.passwords.verify(stolen, user_id=user) == user


# Tenants


async def test_an_id_of_another_tenant_is_as_good_as_none(
    scim: ScimClient, stranger: ScimClient
) -> None:
    theirs, nobodys = await created(scim, "ada"), str(uuid4())
    patch = {"op": "replace", "path": "title", "value": "mine"}

    async def answers(user_id: str) -> list[tuple[int, str]]:
        sent = [
            await stranger.get(f"/Users/{user_id}"),
            await stranger.put(f"/Users/{user_id}", {"userName": "mine"}),
            await stranger.patch(f"/Users/{user_id}", patch),
            await stranger.delete(f"/Users/{user_id}"),
            await stranger.post("/Groups", {"displayName": "g", "members": [{"value": user_id}]}),
            await stranger.get(f"/Users?filter=id%20eq%20%22{user_id}%22"),
        ]
        return [(each.status, str(each.body).replace(user_id, "ID")) for each in sent]

    assert await answers(theirs) == await answers(nobodys)
    assert (await scim.get(f"/Users/{theirs}")).etag == 'W/"1"'


async def test_values_that_are_unique_in_one_tenant_are_free_in_another(
    scim: ScimClient, stranger: ScimClient
) -> None:
    first = await created(scim, "ada", externalId="1")
    second = await created(stranger, "ada", externalId="1")
    assert first != second
    assert await found(stranger, 'userName eq "ada"') == ["ada"]


async def test_the_answer_to_a_repeated_request_of_another_tenant(
    scim: ScimClient, stranger: ScimClient
) -> None:
    key = {"Idempotency_Key": str(uuid4())}
    first = await scim.post("/Users", {"userName": "ada"}, **key)
    other = await stranger.post("/Users", {"userName": "ada"}, **key)
    assert (first.status, other.status) == (201, 201)
    assert first.body["id"] != other.body["id"]


async def test_a_page_token_of_another_tenant(scim: ScimClient, stranger: ScimClient) -> None:
    for name in ("ada", "bob"):
        await created(scim, name)
        await created(stranger, name)
    page = await scim.get("/Users?count=1&cursor")
    answer = await stranger.get(f"/Users?count=1&cursor={page.body['nextCursor']}")
    assert (answer.status, answer.scim_type) == (400, "invalidCursor")


async def test_a_token_for_a_user_of_another_tenant(
    scim: ScimClient, stranger: ScimClient, service: str, rollbook: RollbookClient
) -> None:
    theirs = await created(scim, "ada")
    made = await rollbook.tokens.create("ours", ["scim"])
    async with RollbookClient(service, token=stranger.token) as other:
        with pytest.raises(NotFoundError):
            await other.tokens.create("x", ["directory.read"], principal_id=theirs)
        with pytest.raises(NotFoundError):
            await other.tokens.revoke(made.token.id)
        with pytest.raises(NotFoundError):
            await other.passwords.set(PASSWORD, user_id=theirs)
        assert await other.passwords.verify(PASSWORD, user_name="ada") is None
        assert [token async for token in other.tokens.list(principal_id=theirs)] == []


# Headers


AWKWARD: Final = (
    ("idp", "with:colons::inside:"),
    ("idp", "Grüße, 世界"),
    ("Jürgen", "naïve"),
    ("idp", " blanks "),
    ("a b", "x"),
    ("idp", "$argon2id$v=19$m=8"),
)


@pytest.mark.parametrize(("user", "password"), AWKWARD)
async def test_basic_credentials_as_they_are_configured(
    database_server: DatabaseServer, user: str, password: str
) -> None:
    auth = {"auth": {"username": user, "password": password}}
    async with (
        database_server.database() as url,
        running_service(url, scim=auth) as address,
        running_gateway(address) as base_url,
        ScimClient(base_url, "") as client,
    ):

        async def status_of(text: str, encoding: str = "utf-8") -> int:
            header = "Basic " + base64.b64encode(text.encode(encoding, "replace")).decode()
            answer = await client.send("GET", "/Users", headers={"Authorization": header})
            return answer.status

        right = f"{user}:{password}"
        assert await status_of(right) == 200
        # Where the colon is moved, cut off or doubled, it is somebody else's.
        wrong = {right + ":", ":" + right, right.replace(":", "::", 1), right[:-1], right + "\0"}
        wrong |= {right.replace(":", "", 1), f"{user}\0:{password}", f"{user}:\0{password}"}
        for text in sorted(wrong):
            assert await status_of(text) == 401, repr(text)
        if not right.isascii():
            assert await status_of(right, "latin-1") == 401


@pytest.mark.parametrize(
    "header",
    [
        b"Basic " + base64.b64encode(b"\xff\xfe:\xfd"),
        b"Basic " + base64.b64encode(b"\0:\0"),
        b"Basic " + base64.b64encode(b":"),
        b"Basic Zm9vOmJhcg",
        b"Basic =",
        b"Basic " + b"QUJD" * 4_000,
        b"Bearer \xc3\xa9",
        b"Bearer \xff",
        b"\x80\x81",
        f"Bearer {TOKEN},Bearer {TOKEN}".encode(),
        f"Bearer {TOKEN}\r\nAuthorization: Bearer {TOKEN}".encode(),
        f"Bearer\t{TOKEN}x".encode(),
        f"Bearer {TOKEN}%00".encode(),
    ],
)
async def test_headers_that_are_no_text(gateway: str, header: bytes) -> None:
    place = urlsplit(gateway)
    assert place.hostname is not None
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(
        b"GET /scim/v2/Users HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: "
        + header
        + b"\r\n\r\n"
    )
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert answer.split(b" ", 2)[1] in {b"400", b"401", b"431"}, answer[:200]
