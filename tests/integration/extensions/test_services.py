"""Extensions over gRPC: with the tenant's classes, and without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from rollbook.client import RollbookClient, where
from rollbook.errors import InvalidRequestError
from rollbook.schema_sets import transfer
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest, GetUserRequest, ListUsersRequest
from rollbook.v1.user_service_pb2_grpc import UserServiceStub
from tests.harness.badge_schema import BADGE, definition, found, with_badge
from tests.harness.tenants import serving, tenant_of

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.scim import ScimClient


async def test_services_set_what_clients_only_read(
    badges: ScimClient, badge_client: RollbookClient
) -> None:
    created = await badges.post("/Users", with_badge("ada", number="1"))
    schemas = await badge_client.schemas.get_set()
    users = schemas.resource_type("User")
    extension = users.extension(BADGE)
    assert extension is not None
    seen: Any = users.message(id=created.body["id"])
    getattr(seen, extension.field).last_seen.FromJsonString("2026-05-01T00:00:00Z")
    sent = User()
    transfer(seen, sent)
    await badge_client.users.update(sent, [f"{extension.field}.last_seen"])
    path = f"/Users/{created.body['id']}"
    expected = {"number": "1", "lastSeen": "2026-05-01T00:00:00.000Z"}
    assert (await badges.get(path)).body[BADGE] == expected
    assert len(await found(badges, f'{BADGE}:lastSeen gt "2026-04-01T00:00:00Z"')) == 1
    # A client that replaces the user, or removes the extension, leaves it alone.
    replaced = await badges.put(path, with_badge("ada", number="2"))
    assert replaced.body[BADGE] == {**expected, "number": "2"}
    removed = await badges.patch(path, {"op": "remove", "path": BADGE})
    assert removed.body[BADGE] == {"lastSeen": expected["lastSeen"]}


async def test_services_read_what_is_never_returned(
    badges: ScimClient, badge_client: RollbookClient
) -> None:
    created = await badges.post("/Users", with_badge("ada", pin="1234", secret="s"))
    schemas = await badge_client.schemas.get_set()
    users = schemas.resource_type("User")
    extension = users.extension(BADGE)
    assert extension is not None
    read: Any = users.message()
    transfer(await badge_client.users.get(created.body["id"]), read)
    assert getattr(read, extension.field).pin == "1234"
    # A replacement that cannot know it leaves it.
    await badges.put(f"/Users/{created.body['id']}", with_badge("ada", number="1"))
    transfer(await badge_client.users.get(created.body["id"]), again := users.message())
    assert getattr(again, extension.field).pin == "1234"
    assert not getattr(again, extension.field).HasField("secret")


async def test_services_filter_and_patch_extensions(
    badges: ScimClient, badge_client: RollbookClient
) -> None:
    await badges.post("/Users", with_badge("ada", number="1", level=3))
    await badges.post("/Users", with_badge("grace", level=4))
    condition = where("level", schema=BADGE) > 3
    assert [user.user_name async for user in badge_client.users.list(filter=condition)] == ["grace"]


async def test_fields_that_nobody_defined_are_dropped(
    client: RollbookClient, scim: ScimClient
) -> None:
    """They must not become values of an extension that is attached later."""
    user = User.FromString(User(user_name="ada").SerializeToString() + b"\xc2\x3e\x03\x0a\x01x")
    created = await client.users.create(user)
    await client.schemas.create(definition(BADGE))
    await client.schemas.attach(BADGE, "User")
    assert BADGE not in (await scim.get(f"/Users/{created.id}")).body


@pytest.mark.parametrize("content", [b"\x0a\x02\xff\xfe", b"\x0a\x7f"])
async def test_a_malformed_extension_is_refused(
    badge_client: RollbookClient, content: bytes
) -> None:
    payload = b"\xc2\x3e" + bytes([len(content)]) + content
    user = User.FromString(User(user_name="ada").SerializeToString() + payload)
    with pytest.raises(InvalidRequestError) as refused:
        await badge_client.users.create(user)
    assert refused.value.reason == "INVALID_SYNTAX"


@pytest.mark.parametrize(("field", "value"), [("height", float("nan")), ("until", 10**15)])
async def test_what_scim_cannot_write_is_refused(
    badge_client: RollbookClient, field: str, value: Any
) -> None:
    users = (await badge_client.schemas.get_set()).resource_type("User")
    extension = users.extension(BADGE)
    assert extension is not None
    user: Any = users.message(user_name="ada")
    badge = getattr(user, extension.field)
    if field == "until":
        badge.until.seconds = value
    else:
        setattr(badge, field, value)
    transfer(user, sent := User())
    with pytest.raises(InvalidRequestError) as refused:
        await badge_client.users.create(sent)
    assert (refused.value.reason, refused.value.field) == ("INVALID_VALUE", f"{BADGE}:{field}")


@pytest.mark.parametrize("revision", ["0", "1", "3", "99999999999999999999", "x", "-1"])
async def test_a_caller_with_another_revision_is_told(
    service: str, badge_token: str, revision: str, badges: ScimClient
) -> None:
    metadata = (("authorization", f"Bearer {badge_token}"), ("rollbook-schema", revision))
    async with grpc.aio.insecure_channel(service) as channel:
        call = UserServiceStub(channel).CreateUser(
            CreateUserRequest(user=User(user_name="ada")), metadata=metadata
        )
        if revision == "1":
            assert (await call).user.user_name == "ada"
            return
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert (await badges.get("/Users")).body["totalResults"] == 0


async def test_a_process_that_is_behind_writes_nothing_it_does_not_know(
    service: str,
    own_token: str,
    client: RollbookClient,
    scim: ScimClient,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    """As if this service had not heard of a change that another one has written by already."""
    await client.schemas.create(definition(BADGE))
    await client.schemas.attach(BADGE, "User")
    ada = (await scim.post("/Users", with_badge("ada", number="1"))).body["id"]
    tenant_id = await tenant_of(database, own_token)
    async with serving(database, tenant_id):
        await database.execute("UPDATE tenants SET schema_revision = schema_revision + 1")
        await database.execute("UPDATE resources SET schema_revision = 2")
    changed = await client.users.update(User(id=ada, title="T"))
    assert changed.title == "T"
    answer = await scim.patch(
        f"/Users/{ada}", {"op": "add", "path": f"{BADGE}:number", "value": "2"}
    )
    assert answer.body[BADGE] == {"number": "2"}


async def test_lists_by_other_means_see_extensions(
    service: str, badges: ScimClient, badge_token: str
) -> None:
    """A client without the schema keeps what it does not know."""
    await badges.post("/Users", with_badge("ada", number="1"))
    metadata = (("authorization", f"Bearer {badge_token}"),)
    async with grpc.aio.insecure_channel(service) as channel:
        stub = UserServiceStub(channel)
        (user,) = (await stub.ListUsers(ListUsersRequest(), metadata=metadata)).users
        read = await stub.GetUser(GetUserRequest(id=user.id), metadata=metadata)
    async with RollbookClient(service, token=badge_token) as client:
        user.title = "T"
        await client.users.update(user, ["*"])
    assert read.user.ByteSize() > 0
    shown = (await badges.get(f"/Users/{user.id}")).body
    assert (shown["title"], shown[BADGE]) == ("T", {"number": "1"})
