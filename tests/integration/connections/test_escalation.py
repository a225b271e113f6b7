"""Nobody makes others more of an administrator than they are themselves, over SCIM or gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from uuid import uuid4

import pytest

from rollbook.client import RollbookClient
from rollbook.errors import PermissionDeniedError
from rollbook.v1.directory_service_pb2 import BulkOperation, BulkRequest
from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceStub
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.role_pb2 import RoleCatalogue, RoleType, RoleValue
from rollbook.v1.service_account_pb2 import ServiceAccount
from rollbook.v1.user_pb2 import Role, User
from rollbook.v1.user_service_pb2 import CreateUserRequest
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.harness.connections import Provisioning

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
BULK: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ADMIN: Final = {"type": "account_type", "value": "admin"}
ADMIN_ROLE: Final = Role(type="account_type", value="admin")
PLAIN: Final = {"type": "T", "value": "v"}


def name() -> str:
    return str(uuid4())


def body(*roles: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"schemas": [USER], "userName": name(), "active": True, "roles": list(roles), **more}


def role_patch(*roles: dict[str, str]) -> dict[str, Any]:
    return {"op": "add", "path": "roles", "value": list(roles)}


def member_patch(*ids: str) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [{"value": each} for each in ids]}


async def made(client: ScimClient, content: dict[str, Any]) -> str:
    answer = await client.post("/Users", content)
    assert answer.status == 201, answer.body
    return str(answer.body["id"])


@pytest.fixture
async def administrators(rollbook: Provisioning) -> str:
    """A group made by hand whose members are administrators by way of another."""
    admin = rollbook.admin
    inner = await admin.groups.create(Group(display_name=name()))
    outer = Group(display_name=name(), roles=[ADMIN_ROLE], members=[GroupMember(value=inner.id)])
    await admin.groups.create(outer)
    return inner.id


@pytest.mark.parametrize("allowed", [False, True])
async def test_roles_over_scim(rollbook: Provisioning, *, allowed: bool) -> None:
    _, client = await rollbook.connect(name(), makes_administrators=allowed)
    wanted = body(ADMIN, PLAIN)
    created = await client.post("/Users", wanted)
    ada = await made(client, body(PLAIN))
    put = await client.put(f"/Users/{ada}", body(PLAIN, ADMIN))
    await client.put(f"/Users/{ada}", body(PLAIN))
    patch = await client.patch(f"/Users/{ada}", role_patch(ADMIN))
    group = {"schemas": [GROUP], "displayName": name(), "roles": [ADMIN]}
    made_group = await client.post("/Groups", group)
    operation = {"method": "POST", "path": "/Users", "bulkId": "x", "data": body(ADMIN)}
    bulk = await client.post("/Bulk", {"schemas": [BULK], "Operations": [operation]})
    statuses = [each.status for each in (created, put, patch, made_group)]
    statuses.append(int(bulk.body["Operations"][0]["status"]))
    if allowed:
        assert [200 if status == 204 else status for status in statuses] == [
            201,
            200,
            200,
            201,
            201,
        ]
        return
    assert statuses == [403] * 5
    assert "administrator" in created.body["detail"]
    assert (await client.get(f"/Users/{ada}")).body["roles"] == [PLAIN]
    condition = quote(f'userName eq "{wanted["userName"]}"')
    found = await client.get(f"/Users?filter={condition}")
    assert found.body["totalResults"] == 0


async def test_what_was_given_may_be_said_again_and_taken_back(rollbook: Provisioning) -> None:
    connection, client = await rollbook.connect(name(), makes_administrators=True)
    ada = await made(client, body(ADMIN))
    await rollbook.change(connection, makes_administrators=False)
    assert (await client.put(f"/Users/{ada}", body(ADMIN, PLAIN))).status == 200
    assert (await client.put(f"/Users/{ada}", body(PLAIN))).status == 200
    assert (await client.put(f"/Users/{ada}", body(ADMIN))).status == 403


@pytest.mark.parametrize("allowed", [False, True])
async def test_members_over_scim(
    rollbook: Provisioning, administrators: str, *, allowed: bool
) -> None:
    _, client = await rollbook.connect(name(), makes_administrators=allowed)
    ada, eve = await made(client, body()), await made(client, body())
    patch = await client.patch(f"/Groups/{administrators}", member_patch(ada))
    whole = {"schemas": [GROUP], "displayName": name(), "members": [{"value": eve}]}
    put = await client.put(f"/Groups/{administrators}", whole)
    assert [patch.status, put.status] == ([204, 200] if allowed else [403, 403])
    members = (await rollbook.admin.groups.get(administrators)).members
    assert [each.value for each in members] == ([eve] if allowed else [])


async def test_members_may_stay_and_go(rollbook: Provisioning, administrators: str) -> None:
    _, client = await rollbook.connect(name())
    ada = await made(client, body())
    await rollbook.admin.groups.add_members(administrators, [ada])
    assert (await client.patch(f"/Groups/{administrators}", member_patch(ada))).status == 204
    off = {"op": "remove", "path": f'members[value eq "{ada}"]'}
    assert (await client.patch(f"/Groups/{administrators}", off)).status == 204
    assert (await client.patch(f"/Groups/{administrators}", member_patch(ada))).status == 403


@pytest.mark.parametrize("allowed", [False, True])
async def test_passwords_over_scim(
    rollbook: Provisioning, administrators: str, *, allowed: bool
) -> None:
    _, client = await rollbook.connect(name(), makes_administrators=allowed)
    ada, eve = await made(client, body()), await made(client, body())
    await rollbook.admin.groups.add_members(administrators, [ada])
    password = {"op": "replace", "path": "password", "value": "correct horse battery"}
    assert (await client.patch(f"/Users/{eve}", password)).status in {200, 204}
    status = (await client.patch(f"/Users/{ada}", password)).status
    assert status in ({200, 204} if allowed else {403})


async def test_an_administrators_key_makes_administrators(rollbook: Provisioning) -> None:
    account = ServiceAccount(display_name=name(), active=True, roles=[ADMIN_ROLE])
    bot = await rollbook.admin.service_accounts.create(account)
    key = await rollbook.admin.tokens.create(name(), ["scim"], principal_id=bot.id)
    async with ScimClient(rollbook.url, key.secret) as client:
        await made(client, body(ADMIN, PLAIN))


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [(["directory.write"], False), (["directory.write", "admin"], True)],
)
async def test_over_grpc(
    rollbook: Provisioning, administrators: str, scopes: list[str], *, allowed: bool
) -> None:
    token = (await rollbook.admin.tokens.create(name(), scopes)).secret
    metadata = (("authorization", f"Bearer {token}"),)
    ada = (await rollbook.admin.users.create(User(user_name=name()))).id
    boss = (await rollbook.admin.users.create(User(user_name=name(), roles=[ADMIN_ROLE]))).id
    async with RollbookClient(rollbook.address, token=token) as client:
        writes: list[Awaitable[object]] = [
            client.users.create(User(user_name=name(), roles=[ADMIN_ROLE])),
            client.users.update(User(id=ada, roles=[ADMIN_ROLE])),
            client.groups.create(Group(display_name=name(), roles=[ADMIN_ROLE])),
            client.groups.add_members(administrators, [ada]),
            client.users.update(User(id=boss, password="correct horse battery")),
        ]
        for write in writes:
            if allowed:
                await write
                continue
            with pytest.raises(PermissionDeniedError) as caught:
                await write
            assert caught.value.reason == "SCOPE_MISSING"
    request = CreateUserRequest(user=User(user_name=name(), roles=[ADMIN_ROLE]))
    bulk = BulkRequest(operations=[BulkOperation(create_user=request)])
    answer = await DirectoryServiceStub(rollbook.channel).Bulk(bulk, metadata=metadata)
    assert answer.results[0].HasField("error") != allowed


async def test_a_credential_gives_what_it_has_itself(rollbook: Provisioning) -> None:
    values = [
        RoleValue(value="reader", scopes=["directory.read"]),
        RoleValue(value="provisioner", scopes=["scim"]),
        RoleValue(value="minter", scopes=["credentials"]),
        RoleValue(value="boss", implies=["minter"]),
    ]
    types = [
        RoleType(name="power", values=values, several=True),
        RoleType(name="region_<name>", values=values, several=True),
    ]
    catalogue = RoleCatalogue(types=types)
    await rollbook.admin.roles.update_catalogue(catalogue)
    try:
        _, client = await rollbook.connect(name())
        for kind, value, status in (
            ("power", "reader", 201),
            ("power", "provisioner", 201),
            ("power", "minter", 403),
            ("power", "boss", 403),
        ):
            answer = await client.post("/Users", body({"type": kind, "value": value}))
            assert answer.status == status, (value, answer.body)
    finally:
        await rollbook.admin.roles.update_catalogue(RoleCatalogue())
