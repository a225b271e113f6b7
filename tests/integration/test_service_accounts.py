"""Service accounts where they meet other resources: groups, owners, bulk requests and queries over
all types."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from rollbook import errors
from rollbook.client import RollbookClient, replace, where
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.service_account_pb2 import Owner, ServiceAccount
from rollbook.v1.user_pb2 import User
from tests.harness.instance import TOKEN
from tests.harness.representation import GROUP_SCHEMA, SERVICE_ACCOUNT_SCHEMA, USER_SCHEMA

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.scim import ScimClient

BULK: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BOT: Final = {"schemas": [SERVICE_ACCOUNT_SCHEMA], "displayName": "bot"}
ADA: Final = {"schemas": [USER_SCHEMA], "userName": "ada", "displayName": "Ada"}


@pytest.fixture
async def rollbook(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    """An administrator's client of an empty directory."""
    del database
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


async def created(scim: ScimClient, path: str, body: dict[str, Any]) -> Any:
    answer = await scim.post(path, body)
    assert answer.status == 201, answer.body
    return answer.body


async def test_addresses_lead_to_it_and_from_it(scim: ScimClient) -> None:
    ada = await created(scim, "/Users", ADA)
    owner = {"$ref": f"{scim.base_url}/Users/{ada['id']}"}
    bot = await created(scim, "/ServiceAccounts", {**BOT, "owner": owner})
    address = f"{scim.base_url}/ServiceAccounts/{bot['id']}"
    assert bot["meta"]["location"] == address
    assert bot["meta"]["resourceType"] == "ServiceAccount"
    assert bot["owner"] == {"value": ada["id"], "display": "Ada", **owner}
    staff = await created(
        scim,
        "/Groups",
        {"schemas": [GROUP_SCHEMA], "displayName": "Staff", "members": [{"$ref": address}]},
    )
    member = {"value": bot["id"], "type": "ServiceAccount", "display": "bot", "$ref": address}
    assert staff["members"] == [member]
    page = await scim.get(f"/Groups/{staff['id']}/members?filter=type%20eq%20%22serviceaccount%22")
    assert page.body["Resources"] == [member]
    (group,) = (await scim.get(f"/ServiceAccounts/{bot['id']}")).body["groups"]
    assert group["$ref"] == f"{scim.base_url}/Groups/{staff['id']}"


async def test_whether_the_owner_is_active_is_shown_on_request(scim: ScimClient) -> None:
    ada = await created(scim, "/Users", {**ADA, "active": False})
    bot = await created(scim, "/ServiceAccounts", {**BOT, "owner": {"value": ada["id"]}})
    assert "active" not in bot["owner"]
    path = f"/ServiceAccounts/{bot['id']}"
    shown = (await scim.get(f"{path}?attributes=owner.active")).body
    assert shown["owner"]["active"] is False


async def test_a_query_over_all_types_finds_it_by_name(scim: ScimClient) -> None:
    for path, body in {
        "/Users": ADA,
        "/ServiceAccounts": {**BOT, "displayName": "ADA"},
        "/Groups": {"schemas": [GROUP_SCHEMA], "displayName": "ada"},
    }.items():
        await created(scim, path, body)
    answer = await scim.get("/?filter=displayName%20eq%20%22Ada%22&sortBy=displayName")
    kinds = {found["meta"]["resourceType"] for found in answer.body["Resources"]}
    assert kinds == {"User", "Group", "ServiceAccount"}
    only = await scim.get("/?filter=meta.resourceType%20eq%20%22ServiceAccount%22")
    assert [found["displayName"] for found in only.body["Resources"]] == ["ADA"]


async def bulk(scim: ScimClient, *operations: dict[str, Any]) -> list[str]:
    """The statuses of a bulk request's operations."""
    answer = await scim.post("/Bulk", {"schemas": [BULK], "Operations": operations})
    assert answer.status == 200, answer.body
    return [each["status"] for each in answer.body["Operations"]]


def creation(path: str, bulk_id: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


def owned(by: str) -> dict[str, Any]:
    return {**BOT, "owner": {"value": by}}


async def test_a_bulk_creates_it_with_its_owner_and_its_group(
    scim: ScimClient, rollbook: RollbookClient
) -> None:
    members = [{"value": "bulkId:bot"}]
    group = {"schemas": [GROUP_SCHEMA], "displayName": "Staff", "members": members}
    statuses = await bulk(
        scim,
        creation("/Groups", "staff", group),
        creation("/ServiceAccounts", "bot", owned("bulkId:ada")),
        creation("/Users", "ada", ADA),
    )
    assert statuses == ["201", "201", "201"]
    bot = await rollbook.service_accounts.lookup(display_name="bot")
    assert (bot.owner.display, [group.display for group in bot.groups]) == ("Ada", ["Staff"])


@pytest.mark.parametrize(
    "owner", ["staff", "gone", "other", "00000000-0000-4000-8000-00000000dead"]
)
async def test_in_a_bulk_an_owner_has_to_be_a_user_too(
    scim: ScimClient, rollbook: RollbookClient, owner: str
) -> None:
    named = owner if "-" in owner else f"bulkId:{owner}"
    statuses = await bulk(
        scim,
        creation("/Groups", "staff", {"schemas": [GROUP_SCHEMA], "displayName": "Staff"}),
        creation("/ServiceAccounts", "other", {**BOT, "displayName": "other"}),
        creation("/Users", "gone", {"schemas": [USER_SCHEMA]}),
        creation("/ServiceAccounts", "bot", owned(named)),
        creation("/Users", "ada", ADA),
    )
    assert statuses == ["201", "201", "400", "409" if owner == "gone" else "400", "201"]
    assert await rollbook.service_accounts.count() == 1


async def test_a_bulk_changes_and_deletes_it(scim: ScimClient, rollbook: RollbookClient) -> None:
    ada = await created(scim, "/Users", ADA)
    ids = [
        (await created(scim, "/ServiceAccounts", {**BOT, "displayName": name}))["id"]
        for name in ("one", "two", "three")
    ]
    paths = [f"/ServiceAccounts/{each}" for each in ids]

    def patch(value: dict[str, Any]) -> dict[str, Any]:
        return {"Operations": [{"op": "replace", "value": value}]}

    statuses = await bulk(
        scim,
        {"method": "PATCH", "path": paths[0], "data": patch({"owner": {"value": ada["id"]}})},
        {"method": "PATCH", "path": paths[1], "data": patch({"owner": {"value": ids[0]}})},
        {"method": "PUT", "path": paths[2], "data": {**BOT, "displayName": "ONE"}},
        {"method": "PUT", "path": paths[2], "data": {**BOT, "displayName": "THREE"}},
        {"method": "DELETE", "path": paths[1]},
    )
    assert statuses == ["200", "400", "409", "200", "204"]
    left = {account.display_name: account async for account in rollbook.service_accounts.list()}
    assert left.keys() == {"one", "THREE"}
    assert left["one"].owner.value == ada["id"]


async def test_an_owner_who_is_deleted_meanwhile_leaves_no_trace(rollbook: RollbookClient) -> None:
    for number in range(10):
        ada = await rollbook.users.create(User(user_name="ada"))
        bot = await rollbook.service_accounts.create(ServiceAccount(display_name=f"bot {number}"))
        await asyncio.gather(
            rollbook.users.delete(ada.id),
            rollbook.service_accounts.patch(bot.id, [replace("owner", Owner(value=ada.id))]),
            rollbook.service_accounts.create(
                ServiceAccount(display_name=f"new {number}", owner=Owner(value=ada.id))
            ),
            return_exceptions=True,
        )
    owned_ones = rollbook.service_accounts.list(filter=where("owner.value").present())
    assert [account async for account in owned_ones] == []


async def test_calls_have_the_means_of_calls_on_users(rollbook: RollbookClient) -> None:
    accounts = rollbook.service_accounts
    with pytest.raises(errors.InvalidRequestError, match="displayName is required"):
        await accounts.create(ServiceAccount(), validate_only=True)
    request_id = "0198c0de-0000-4000-8000-000000000001"
    bot, again = [
        await accounts.create(ServiceAccount(display_name="bot"), request_id=request_id)
        for _ in range(2)
    ]
    assert bot == again
    changed = await accounts.update(
        ServiceAccount(id=bot.id, description="Builds"), ["description"], etag=bot.meta.etag
    )
    with pytest.raises(errors.ConflictError):
        await accounts.delete(bot.id, etag=bot.meta.etag)
    found = await accounts.batch_get([bot.id, "nobody"])
    assert (list(found.service_accounts), list(found.missing_ids)) == ([changed], ["nobody"])
    with pytest.raises(errors.NotFoundError) as missing:
        await accounts.lookup(display_name="nobody")
    assert missing.value.reason == "SERVICE_ACCOUNT_NOT_FOUND"
    names = [account.display_name async for account in accounts.list(page_size=1)]
    assert names == ["bot"]


async def test_its_groups_are_listed_as_those_of_users(rollbook: RollbookClient) -> None:
    bot = await rollbook.service_accounts.create(ServiceAccount(display_name="bot"))
    staff = Group(display_name="Staff", members=[GroupMember(value=bot.id)])
    group = await rollbook.groups.create(staff)
    assert [each.value async for each in rollbook.groups.groups_of(bot.id)] == [group.id]
    assert [each.type async for each in rollbook.groups.list_members(group.id)] == [
        "ServiceAccount"
    ]
