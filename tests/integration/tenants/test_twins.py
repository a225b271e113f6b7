"""A tenant's answers are the same, byte for byte, whether there are others and how busy they are;
and nothing that belongs to one is of use in another."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import pytest

from rollbook.access import EVERY_SCOPE, Scope
from rollbook.client import RollbookClient, where
from rollbook.errors import NotFoundError, RollbookError
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest, ListUsersRequest
from tests.harness.calls import Calls
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.database import DatabaseServer

    Database = asyncpg.Connection[asyncpg.Record]

IN_TENANT = sorted(EVERY_SCOPE - {Scope.PLATFORM})
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
# Encrypted, since the ids of transactions are the whole database's.
REVISION = re.compile(r"\br2-[\w-]{32}(?![\w-])")
CURSOR = re.compile(r'("(?:next|previous)Cursor":")[\w-]+')
SCRIPT = [
    ("POST", "/Users", {"userName": "ada", "externalId": "7", "title": "x", "active": True}),
    ("POST", "/Users", {"userName": "grace", "emails": [{"value": "g@acme.example"}]}),
    ("POST", "/Users", {"userName": "ADA"}),
    ("POST", "/Groups", {"displayName": "staff", "members": [{"value": "#1"}, {"value": "#2"}]}),
    ("GET", "/Users/#1", None),
    ("GET", "/Users?sortBy=userName&count=1&cursor", None),
    ("GET", '/Users?filter=title%20eq%20"x"', None),
    ("GET", '/Users?filter=externalId%20eq%20"7"', None),
    ("GET", '/Groups?filter=members.value%20eq%20"#2"', None),
    ("GET", "/Users?count=0", None),
    ("PATCH", "/Groups/#3", {"Operations": [{"op": "remove", "path": 'members[value eq "#1"]'}]}),
    ("PUT", "/Users/#2", {"userName": "grace", "title": "y"}),
    ("DELETE", "/Users/#1", None),
    ("GET", "/Users/#1", None),
    ("GET", "/Groups/#3", None),
    ("GET", "/ResourceTypes", None),
    ("GET", "/?filter=id%20pr", None),
]


class Notes:
    """Answers with what chance gives replaced by the order in which it came."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self.ids: list[str] = []
        self.lines: list[str] = []

    def fill(self, text: str) -> str:
        """With ids in the place of #1, #2, …"""
        return re.sub(r"#(\d)", lambda match: self.ids[int(match[1]) - 1], text)

    def add(self, *parts: object) -> None:
        text = " ".join(map(str, parts)).replace(self._base_url, "…")
        for found in UUID.findall(text):
            if found not in self.ids:
                self.ids.append(found)
        text = UUID.sub(lambda match: f"#{self.ids.index(match[0]) + 1}", text)
        self.lines.append(CURSOR.sub(r"\1…", REVISION.sub("r2-", TIME.sub("T", text))))


async def _run(base_url: str, address: str, token: str) -> list[str]:
    notes = Notes(base_url)
    async with ScimClient(base_url, token) as scim, RollbookClient(address, token=token) as client:
        for method, path, body in SCRIPT:
            sent = json.loads(notes.fill(json.dumps(body))) if body else None
            answer = await scim.request(
                method, notes.fill(path), sent, headers={"X-Request-Id": "same"}
            )
            headers = {key: value for key, value in answer.headers.items() if key != "Date"}
            notes.add(answer.status, json.dumps(answer.body, separators=(",", ":")), headers)
        notes.add([user async for user in client.users.list(filter=where("title") == "y")])
        notes.add(await client.groups.lookup(display_name="staff"))
        for missing in (client.users.get(str(uuid4())), client.users.lookup(user_name="b-user-1")):
            with pytest.raises(NotFoundError) as caught:
                await missing
            notes.add(caught.value.reason)
    return [re.sub(r"(seconds|nanos): \d+", r"\1", line) for line in notes.lines]


async def _busy(address: str, token: str) -> None:
    """Another tenant with the same names, that never rests."""
    async with RollbookClient(address, token=token) as client:
        await client.users.create(User(user_name="ada", external_id="7", title="x"))
        for n in range(10_000):
            user = await client.users.create(User(user_name=f"b-user-{n}", title="y"))
            group = Group(display_name="staff", members=[GroupMember(value=user.id)])
            await client.groups.create(group)


async def _tenant(platform: RollbookClient) -> str:
    made = await platform.tenants.create(f"t-{uuid4().hex[:8]}")
    async with platform.acting_in(made.id) as inside:
        return (await inside.tokens.create("idp", IN_TENANT)).secret


async def test_answers_are_the_same_beside_a_busy_tenant(database_server: DatabaseServer) -> None:
    async with AsyncExitStack() as stack:
        runs = []
        for crowded in (False, True):
            url = await stack.enter_async_context(database_server.database())
            address = await stack.enter_async_context(running_service(url))
            base_url = await stack.enter_async_context(running_gateway(address))
            platform = await stack.enter_async_context(RollbookClient(address, token=TOKEN))
            token = await _tenant(platform)
            if not crowded:
                runs.append(await _run(base_url, address, token))
                continue
            busy = asyncio.create_task(_busy(address, await _tenant(platform)))
            await asyncio.sleep(0.3)
            runs.append(await _run(base_url, address, token))
            assert not busy.done(), busy.exception()
            busy.cancel()
            await asyncio.gather(busy, return_exceptions=True)
    alone, beside = runs
    assert alone == beside


@dataclass
class Two:
    """Clients of two tenants, and what the second one has."""

    address: str
    tokens: tuple[str, str]
    scim: ScimClient
    own: RollbookClient
    user: str
    group: str
    cursor: str
    page_token: str


@pytest.fixture
async def two(service: str, gateway: str, database: Database) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(RollbookClient(service, token=TOKEN))
        first, second = await _tenant(platform), await _tenant(platform)
        own = await stack.enter_async_context(RollbookClient(service, token=first))
        other = await stack.enter_async_context(RollbookClient(service, token=second))
        scim = await stack.enter_async_context(ScimClient(gateway, first))
        others = await stack.enter_async_context(ScimClient(gateway, second))
        await own.users.create(User(user_name="own", external_id="1"))
        users = [
            await other.users.create(User(user_name=f"u{n}", external_id=str(n), title="x"))
            for n in range(3)
        ]
        members = [GroupMember(value=users[0].id)]
        group = await other.groups.create(Group(display_name="theirs", members=members))
        cursor = (await others.get("/Users?count=1&cursor")).body["nextCursor"]
        page = await anext(other.users.list(page_size=1).pages())
        yield Two(
            service,
            (first, second),
            scim,
            own,
            users[0].id,
            group.id,
            cursor,
            page.next_page_token,
        )


async def test_ids_of_another_tenant_are_unknown(two: Two) -> None:
    body = {"userName": "x", "displayName": "x"}
    operations = {"Operations": [{"op": "add", "path": "externalId", "value": "y"}]}
    requests = {"GET": None, "PUT": body, "PATCH": operations, "DELETE": None}
    for name, foreign in (("Users", two.user), ("Groups", two.group)):
        made_up = str(uuid4())
        for method, sent in requests.items():
            theirs, nobodys = [
                await two.scim.request(method, f"/{name}/{each}", sent)
                for each in (foreign, made_up)
            ]
            assert theirs.status == nobodys.status == 404
            assert json.dumps(theirs.body).replace(foreign, made_up) == json.dumps(nobodys.body)


async def test_nobody_of_another_tenant_becomes_a_member(two: Two) -> None:
    made_up = str(uuid4())
    answers = []
    for member in (two.user, made_up):
        body = {"displayName": "mine", "members": [{"value": member}]}
        answer = await two.scim.post("/Groups", body)
        answers.append((answer.status, json.dumps(answer.body).replace(member, "#")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 400
    mine = await two.own.groups.create(Group(display_name="mine"))
    for member in (two.user, two.group):
        with pytest.raises(RollbookError):
            await two.own.groups.add_members(mine.id, [member])
    bulk: Any = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "DELETE", "path": f"/Users/{two.user}"},
            {
                "method": "PATCH",
                "path": f"/Groups/{mine.id}",
                "data": {
                    "Operations": [{"op": "add", "path": "members", "value": [{"value": two.user}]}]
                },
            },
        ],
    }
    answer = await two.scim.post("/Bulk", bulk)
    assert [each["status"] for each in answer.body["Operations"]] == ["404", "400"]


async def test_a_manager_of_another_tenant_has_no_name(two: Two) -> None:
    extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    body = {"userName": "report", extension: {"manager": {"value": two.user}}}
    answer = await two.scim.post("/Users", body)
    assert "displayName" not in answer.body[extension]["manager"]


@pytest.mark.parametrize(
    "text",
    [
        'externalId eq "2"',
        'id eq "{user}"',
        'groups.value eq "{group}"',
        'title eq "x"',
        'userName sw "u"',
    ],
)
async def test_filters_find_nobody_of_another_tenant(text: str, two: Two) -> None:
    """A numeric externalId least of all."""
    text = text.format(user=two.user, group=two.group)
    answer = await two.scim.post("/Users/.search", {"filter": text})
    assert answer.body["totalResults"] == 0
    assert (await two.scim.get("/Users/1")).status == 404


async def test_places_in_lists_of_another_tenant_are_refused(two: Two) -> None:
    answer = await two.scim.get(f"/Users?count=1&cursor={two.cursor}")
    assert (answer.status, answer.scim_type) == (400, "invalidCursor")
    async with grpc.aio.insecure_channel(two.address) as channel:
        request = ListUsersRequest(page_size=1, page_token=two.page_token)
        await Calls(channel, two.tokens[1])(request)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await Calls(channel, two.tokens[0])(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_request_id_is_a_tenants_own(two: Two) -> None:
    request_id = str(uuid4())
    async with grpc.aio.insecure_channel(two.address) as channel:
        request = CreateUserRequest(user=User(user_name="twice"), request_id=request_id)
        first, second = [await Calls(channel, token)(request) for token in two.tokens]
        assert first.user.id != second.user.id
        again = await Calls(channel, two.tokens[0])(request)
        assert again.user.id == first.user.id
