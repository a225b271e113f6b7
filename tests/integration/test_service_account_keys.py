"""API keys of service accounts: an administrator's provisions over SCIM, another's does not, and
none outlives what gives it its rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest

from rollbook import errors
from rollbook.client import RollbookClient, replace
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.service_account_pb2 import Owner, ServiceAccount
from rollbook.v1.user_pb2 import Role, User
from service.storage.credentials import DEFAULT_TENANT
from tests.harness.instance import TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import asyncpg

    from tests.harness.scim import ScimClient

ADMIN: Final = Role(type="account_type", value="admin")
SCOPES: Final = ["scim", "directory.read", "directory.write", "credentials", "admin"]


@pytest.fixture
async def rollbook(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    """An administrator's client of an empty directory."""
    del database
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


async def new_bot(rollbook: RollbookClient, *roles: Role, **fields: Any) -> str:
    account = ServiceAccount(display_name="okta-bot", roles=roles, **fields)
    return (await rollbook.service_accounts.create(account)).id


async def key_of(rollbook: RollbookClient, account_id: str, *scopes: str) -> str:
    made = await rollbook.tokens.create("key", scopes or SCOPES, principal_id=account_id)
    assert made.token.principal_id == account_id
    return made.secret


async def provisioning(scim: ScimClient, authorization: str) -> tuple[int, str]:
    """Status and detail of what identity providers begin with."""
    answer = await scim.get("/Users?count=1", Authorization=authorization)
    return answer.status, answer.body.get("detail", "")


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", ""])
async def test_an_administrators_key_is_the_token_of_a_connection(
    rollbook: RollbookClient, scim: ScimClient, scheme: str
) -> None:
    key = await key_of(rollbook, await new_bot(rollbook, ADMIN), "scim")
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"}
    assert (await scim.post("/Users", body, Authorization=scheme + key)).status == 201


@pytest.mark.parametrize("roles", [[], [Role(type="workspace_prod", value="owner")]])
async def test_another_ones_key_is_refused_and_told_why(
    rollbook: RollbookClient, scim: ScimClient, roles: list[Role]
) -> None:
    key = await key_of(rollbook, await new_bot(rollbook, *roles), "scim")
    for authorization in (key, f"Bearer {key}"):
        status, detail = await provisioning(scim, authorization)
        assert status == 403
        assert "account_type admin" in detail


async def test_over_grpc_a_key_reads_but_does_not_change_without_a_role(
    rollbook: RollbookClient, service: str
) -> None:
    key = await key_of(rollbook, await new_bot(rollbook))
    async with RollbookClient(service, token=key) as bot:
        assert await bot.users.count() == 0
        with pytest.raises(errors.PermissionDeniedError, match="account_type admin"):
            await bot.users.create(User(user_name="ada"))
        with pytest.raises(errors.PermissionDeniedError, match="account_type admin"):
            await bot.tokens.create("wider", ["directory.read"])
        assert list((await bot.tokens.describe_caller()).scopes) == ["directory.read"]


@dataclass(frozen=True)
class Means:
    """An administrator by a way of its own, and those who are part of it."""

    rollbook: RollbookClient
    scim: ScimClient
    bot: str
    inner: str = ""
    outer: str = ""


async def by_role(rollbook: RollbookClient, scim: ScimClient) -> Means:
    return Means(rollbook, scim, await new_bot(rollbook, ADMIN))


async def by_group(
    rollbook: RollbookClient, scim: ScimClient, database: asyncpg.Connection[asyncpg.Record]
) -> Means:
    """The bot is in the inner group, that in the outer one, which has the role."""
    bot = await new_bot(rollbook)
    inner = Group(display_name="inner", members=[GroupMember(value=bot)])
    inner_id = (await rollbook.groups.create(inner)).id
    outer = Group(display_name="outer", members=[GroupMember(value=inner_id)])
    outer_id = (await rollbook.groups.create(outer)).id
    await database.execute(
        """
        INSERT INTO role_assignments
        (tenant_id, id, principal_id, type_key, value_key, role_type, value, source, granted_by)
        VALUES ($1, $2, $2, 'account_type', 'admin', 'account_type', 'admin', 'manual', 'test')
        """,
        DEFAULT_TENANT,
        UUID(outer_id),
    )
    return Means(rollbook, scim, bot, inner_id, outer_id)


def bulk_patch(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [operation],
    }
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "PATCH", "path": path, "data": patch}],
    }


EXITS: Final[dict[str, Callable[[Means], Awaitable[object]]]] = {
    "it leaves its group": lambda m: m.rollbook.groups.remove_members(m.inner, [m.bot]),
    "its group is replaced without it": lambda m: m.scim.put(
        f"/Groups/{m.inner}", {"displayName": "inner"}
    ),
    "its group leaves the other": lambda m: m.scim.patch(
        f"/Groups/{m.outer}", {"op": "remove", "path": f'members[value eq "{m.inner}"]'}
    ),
    "its group leaves the other in a bulk": lambda m: m.scim.post(
        "/Bulk", bulk_patch(f"/Groups/{m.outer}", {"op": "remove", "path": "members"})
    ),
    "its group is deleted": lambda m: m.rollbook.groups.delete(m.inner),
    "the other group is deleted": lambda m: m.scim.delete(f"/Groups/{m.outer}"),
}


@pytest.mark.parametrize("way", EXITS)
async def test_out_of_the_group_that_has_the_role_a_key_is_good_for_no_more(
    rollbook: RollbookClient,
    scim: ScimClient,
    database: asyncpg.Connection[asyncpg.Record],
    way: str,
) -> None:
    means = await by_group(rollbook, scim, database)
    key = await key_of(rollbook, means.bot, "scim")
    assert (await provisioning(scim, key))[0] == 200
    await EXITS[way](means)
    assert (await provisioning(scim, key))[0] == 403


LOSSES: Final[dict[str, Callable[[Means], Awaitable[object]]]] = {
    "its role is taken away": lambda m: m.rollbook.service_accounts.patch(
        m.bot, [replace("roles", Role(value="viewer"))]
    ),
    "it is replaced without its role": lambda m: m.rollbook.service_accounts.update(
        ServiceAccount(id=m.bot, display_name="okta-bot"), ["*"]
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_without_its_role_a_key_is_good_for_no_more(
    rollbook: RollbookClient, scim: ScimClient, loss: str
) -> None:
    means = await by_role(rollbook, scim)
    key = await key_of(rollbook, means.bot, "scim")
    assert (await provisioning(scim, key))[0] == 200
    await LOSSES[loss](means)
    assert (await provisioning(scim, key))[0] == 403
    await rollbook.service_accounts.patch(means.bot, [replace("roles", ADMIN)])
    assert (await provisioning(scim, key))[0] == 200


DEACTIVATIONS: Final[dict[str, Callable[[Means], Awaitable[object]]]] = {
    "gRPC": lambda m: m.rollbook.service_accounts.deactivate(m.bot),
    "an update": lambda m: m.rollbook.service_accounts.update(
        ServiceAccount(id=m.bot, active=False), ["active"]
    ),
    "PATCH": lambda m: m.scim.patch(
        f"/ServiceAccounts/{m.bot}", {"op": "replace", "path": "active", "value": False}
    ),
    "PUT": lambda m: m.scim.put(
        f"/ServiceAccounts/{m.bot}", {"displayName": "okta-bot", "active": False}
    ),
    "a bulk": lambda m: m.scim.post(
        "/Bulk",
        bulk_patch(
            f"/ServiceAccounts/{m.bot}", {"op": "replace", "path": "active", "value": False}
        ),
    ),
    "deletion": lambda m: m.rollbook.service_accounts.delete(m.bot),
    "DELETE": lambda m: m.scim.delete(f"/ServiceAccounts/{m.bot}"),
}


@pytest.mark.parametrize("way", DEACTIVATIONS)
async def test_deactivation_ends_keys_at_once_and_for_good(
    rollbook: RollbookClient, scim: ScimClient, way: str
) -> None:
    means = await by_role(rollbook, scim)
    key = await key_of(rollbook, means.bot, "scim")
    assert (await provisioning(scim, key))[0] == 200
    await DEACTIVATIONS[way](means)
    assert (await provisioning(scim, key))[0] == 401
    if "elet" not in way.lower():
        await rollbook.service_accounts.activate(means.bot)
        assert (await provisioning(scim, key))[0] == 401


async def test_an_inactive_account_gets_no_key(rollbook: RollbookClient) -> None:
    bot = await new_bot(rollbook, active=False)
    with pytest.raises(errors.InvalidRequestError, match="service account") as refused:
        await rollbook.tokens.create("key", ["scim"], principal_id=bot)
    assert refused.value.reason == "PRINCIPAL_INACTIVE"


async def test_a_group_gets_no_key(rollbook: RollbookClient) -> None:
    group = await rollbook.groups.create(Group(display_name="staff"))
    with pytest.raises(errors.NotFoundError):
        await rollbook.tokens.create("key", ["scim"], principal_id=group.id)


async def test_keys_outlive_the_owner_and_the_owner_is_shown_as_inactive(
    rollbook: RollbookClient, scim: ScimClient
) -> None:
    ada = await rollbook.users.create(User(user_name="ada", display_name="Ada"))
    bot = await new_bot(rollbook, ADMIN, owner=Owner(value=ada.id))
    key = await key_of(rollbook, bot, "scim")
    await rollbook.users.deactivate(ada.id)
    shown = await rollbook.service_accounts.get(bot)
    assert (shown.owner.display, shown.owner.active) == ("Ada", False)
    assert (await provisioning(scim, key))[0] == 200
    await rollbook.users.delete(ada.id)
    assert not (await rollbook.service_accounts.get(bot)).HasField("owner")
    assert (await provisioning(scim, key))[0] == 200


async def test_a_rotated_key_stays_the_accounts(rollbook: RollbookClient, scim: ScimClient) -> None:
    bot = await new_bot(rollbook, ADMIN)
    made = await rollbook.tokens.create("key", ["scim"], principal_id=bot)
    rotated = await rollbook.tokens.rotate(made.token.id)
    assert rotated.token.principal_id == bot
    assert [token.id async for token in rollbook.tokens.list(principal_id=bot)] == [
        rotated.token.id,
        made.token.id,
    ]
    await rollbook.service_accounts.deactivate(bot)
    for secret in (made.secret, rotated.secret):
        assert (await provisioning(scim, secret))[0] == 401
