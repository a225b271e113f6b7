"""`rollbook service-account …` against a service in memory."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from rollbook.tokens import is_well_formed
from rollbook.v1.service_account_pb2 import Owner
from rollbook.v1.user_pb2 import Role
from tests.harness.command import Command
from tests.harness.memory_service import TOKEN, MemoryService, running_memory_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rollbook.v1.service_account_pb2 import ServiceAccount


@pytest.fixture
async def service() -> AsyncIterator[MemoryService]:
    async with running_memory_service() as memory:
        yield memory


@pytest.fixture
def rollbook(service: MemoryService) -> Command:
    return Command(service.address, TOKEN)


def only(service: MemoryService) -> ServiceAccount:
    (account,) = service.service_accounts.by_id.values()
    assert account.DESCRIPTOR.name == "ServiceAccount"
    return account  # type: ignore[no-any-return]


async def test_one_is_created_with_what_is_said(service: MemoryService, rollbook: Command) -> None:
    ada = service.add_user("ada")
    ran = await rollbook(
        *("service-account", "create", "ci-bot", "--description", "Builds", "--owner", "ada"),
        *("--role", "account_type=admin", "--role", "workspace_a=b=c", "--inactive", "--json"),
    )
    assert ran.exit_code == 0, ran.err
    account = only(service)
    assert (account.id, account.owner.value, account.active) == (ran.object["id"], ada.id, False)
    roles = [(role.type, role.value) for role in account.roles]
    assert roles == [("account_type", "admin"), ("workspace_a", "b=c")]


@pytest.mark.parametrize("role", ["admin", "=admin", "account_type="])
async def test_a_role_has_a_type_and_a_value(
    service: MemoryService, rollbook: Command, role: str
) -> None:
    ran = await rollbook("service-account", "create", "ci-bot", "--role", role)
    assert ran.exit_code == 2
    assert "account_type=admin" in ran.err
    assert not service.service_accounts.by_id


@pytest.mark.parametrize("by", ["id", "ci-bot", "CI-Bot"])
async def test_one_goes_by_id_or_name(service: MemoryService, rollbook: Command, by: str) -> None:
    account = service.add_service_account("ci-bot")
    name = account.id if by == "id" else by
    assert (await rollbook("service-account", "get", name, "--json")).object["id"] == account.id


async def test_who_is_not_there_is_told_how_to_find_others(rollbook: Command) -> None:
    ran = await rollbook("service-account", "get", "ci-bot")
    assert ran.exit_code == 3
    assert "service-account list" in ran.err


CHANGES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "name": (("--name", "cd-bot"), {"displayName": "cd-bot"}),
    "description": (("--description", "Deploys"), {"description": "Deploys"}),
    "owner": (("--owner", "grace"), {"owner": "grace"}),
    "no owner": (("--no-owner",), {"owner": None}),
    "roles": (("--role", "a=b"), {"roles": [{"type": "a", "value": "b"}]}),
    "no roles": (("--no-roles",), {"roles": None}),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_named_changes_and_nothing_else(
    service: MemoryService, rollbook: Command, change: str
) -> None:
    ada, grace = service.add_user("ada"), service.add_user("grace")
    service.add_service_account(
        "ci-bot", description="Builds", owner=Owner(value=ada.id), roles=[Role(type="x", value="y")]
    )
    arguments, expected = CHANGES[change]
    before = (await rollbook("service-account", "get", "ci-bot", "--json")).object
    ran = await rollbook("service-account", "update", "ci-bot", *arguments, "--json")
    assert ran.exit_code == 0, ran.err
    if expected.get("owner"):
        expected = {"owner": {"value": grace.id}}
    after = {**before, **expected, "meta": ran.object["meta"]}
    assert ran.object == {name: value for name, value in after.items() if value is not None}


async def test_an_update_of_nothing_is_refused(service: MemoryService, rollbook: Command) -> None:
    service.add_service_account("ci-bot")
    ran = await rollbook("service-account", "update", "ci-bot")
    assert (ran.exit_code, service.asked("PatchServiceAccount")) == (2, [])


async def test_those_without_an_owner_are_listed(service: MemoryService, rollbook: Command) -> None:
    service.add_service_account("orphan")
    service.add_service_account("left", owner=Owner(value="1", display="Ada", active=False))
    service.add_service_account("kept", owner=Owner(value="2", display="Grace", active=True))
    ran = await rollbook("service-account", "list", "--ownerless", "--json")
    assert [account["displayName"] for account in ran.objects] == ["orphan", "left"]
    ran = await rollbook("service-account", "list")
    assert "Ada (inactive)" in ran.out


async def test_they_are_deactivated_activated_and_deleted(
    service: MemoryService, rollbook: Command
) -> None:
    service.add_service_account("ci-bot")
    assert (await rollbook("service-account", "deactivate", "ci-bot")).exit_code == 0
    assert not only(service).active
    assert (await rollbook("service-account", "activate", "ci-bot")).exit_code == 0
    assert only(service).active
    assert (await rollbook("service-account", "delete", "ci-bot", "--yes")).exit_code == 0
    assert not service.service_accounts.by_id


async def test_one_becomes_a_member_by_its_name(service: MemoryService, rollbook: Command) -> None:
    account, group = service.add_service_account("ci-bot"), service.add_group("Staff")
    ran = await rollbook("group", "add-member", "Staff", "--service-account", "CI-bot")
    assert ran.exit_code == 0, ran.err
    members = [(member.value, member.type) for member in group.members]
    assert members == [(account.id, "ServiceAccount")]
    ran = await rollbook("group", "remove-member", "Staff", "--service-account", "ci-bot")
    assert (ran.exit_code, list(group.members)) == (0, [])


async def test_the_secret_of_a_key_is_all_on_standard_output(
    service: MemoryService, rollbook: Command
) -> None:
    account = service.add_service_account("ci-bot")
    ran = await rollbook(
        *("service-account", "key", "create", "CI-BOT", "--scope", "scim", "--lifetime", "90d")
    )
    assert ran.exit_code == 0, ran.err
    assert is_well_formed(ran.out.removesuffix("\n"))
    (call,) = service.asked("CreateToken")
    assert (call.request.name, call.request.principal_id) == ("ci-bot", account.id)
    assert call.request.lifetime.ToTimedelta() == timedelta(days=90)


async def test_keys_are_those_of_the_account_alone(
    service: MemoryService, rollbook: Command
) -> None:
    bot, other = service.add_service_account("bot"), service.add_service_account("other")
    for account in (bot, other):
        service.tokens.add("nightly", "scim").principal_id = account.id
    ran = await rollbook("service-account", "key", "list", "bot", "--json")
    assert ran.object["principalId"] == bot.id
    assert (await rollbook("service-account", "key", "revoke", "bot", "nightly")).exit_code == 0
    ended = {t.principal_id for t in service.tokens.by_id.values() if t.HasField("revoke_time")}
    assert ended == {bot.id}
    ran = await rollbook("service-account", "key", "rotate", "other", "nightly", "--json")
    assert ran.object["principalId"] == other.id
    assert (await rollbook("service-account", "key", "rotate", "bot", "nightly")).exit_code == 3


async def test_all_keys_are_revoked_on_demand(service: MemoryService, rollbook: Command) -> None:
    account = service.add_service_account("bot")
    for name in ("one", "two"):
        service.tokens.add(name, "scim").principal_id = account.id
    kept = service.tokens.add("okta", "scim")
    assert (await rollbook("service-account", "key", "revoke", "bot")).exit_code == 2
    assert (await rollbook("service-account", "key", "revoke", "bot", "--all")).exit_code == 0
    valid = [t.id for t in service.tokens.by_id.values() if not t.HasField("revoke_time")]
    assert valid == [kept.id]


async def test_keys_of_an_account_whose_owner_has_left_come_with_a_word(
    service: MemoryService, rollbook: Command
) -> None:
    service.add_service_account("bot", owner=Owner(value="1", display="Ada", active=False))
    ran = await rollbook("service-account", "key", "list", "bot")
    assert "owner of bot is inactive" in ran.err
