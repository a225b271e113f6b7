"""`rollbook token …`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from rollbook.cli.durations import parse_duration
from rollbook.tokens import is_well_formed
from tests.harness.command import Command
from tests.harness.memory_service import TOKEN, MemoryService, running_memory_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def service() -> AsyncIterator[MemoryService]:
    async with running_memory_service() as memory:
        yield memory


@pytest.fixture
def rollbook(service: MemoryService) -> Command:
    return Command(service.address, TOKEN)


async def test_standard_output_is_the_secret_and_nothing_else(
    service: MemoryService, rollbook: Command
) -> None:
    ran = await rollbook("token", "create", "okta", "--scope", "scim", "--lifetime", "90d")
    assert ran.exit_code == 0, ran.err
    assert is_well_formed(ran.out.removesuffix("\n"))
    assert "okta" in ran.err
    assert "rbk_" not in ran.err
    (call,) = service.asked("CreateToken")
    assert list(call.request.scopes) == ["scim"]
    assert call.request.lifetime.ToTimedelta() == timedelta(days=90)


async def test_several_scopes_may_be_given(service: MemoryService, rollbook: Command) -> None:
    scopes = ("--scope", "directory.read", "--scope", "directory.write")
    ran = await rollbook("token", "create", "billing", *scopes, "--json")
    assert ran.object["scopes"] == ["directory.read", "directory.write"]
    assert is_well_formed(ran.object["secret"])
    assert not service.asked("CreateToken")[0].request.HasField("lifetime")


async def test_lists_show_no_secrets(service: MemoryService, rollbook: Command) -> None:
    token = service.tokens.add("okta", "scim")
    ran = await rollbook("token", "list")
    assert all(text in ran.out for text in ("okta", "scim", token.hint, "never", "without end"))
    assert "rbk_" not in ran.out
    assert (await rollbook("token", "list", "--json")).object["id"] == token.id


async def test_tokens_that_have_ended_are_listed_on_demand(
    service: MemoryService, rollbook: Command
) -> None:
    service.tokens.add("okta", "scim").revoke_time.GetCurrentTime()
    assert (await rollbook("token", "list")).out == ""
    assert "revoked" in (await rollbook("token", "list", "--ended")).out


async def test_a_token_is_replaced_by_name(service: MemoryService, rollbook: Command) -> None:
    old = service.tokens.add("okta", "scim")
    ran = await rollbook("token", "rotate", "okta", "--overlap", "2h")
    assert is_well_formed(ran.out.strip())
    (call,) = service.asked("RotateToken")
    assert (call.request.id, call.request.overlap.ToTimedelta()) == (old.id, timedelta(hours=2))


async def test_tokens_are_revoked_by_name_and_id(service: MemoryService, rollbook: Command) -> None:
    one, other = service.tokens.add("okta", "scim"), service.tokens.add("entra", "scim")
    ran = await rollbook("token", "revoke", one.name, other.id)
    assert (ran.exit_code, ran.out) == (0, "")
    assert all(token.HasField("revoke_time") for token in (one, other))


async def test_a_name_that_several_have_is_never_guessed(
    service: MemoryService, rollbook: Command
) -> None:
    tokens = [service.tokens.add("okta", "scim") for _ in range(2)]
    ran = await rollbook("token", "revoke", "okta")
    assert ran.exit_code == 1
    assert "id" in ran.err
    assert not any(token.HasField("revoke_time") for token in tokens)


async def test_a_token_that_is_not_there_is_told(rollbook: Command) -> None:
    ran = await rollbook("token", "revoke", "nobody")
    assert ran.exit_code == 3
    assert "token list" in ran.err


async def test_tokens_of_a_user_are_made_and_listed_by_name(
    service: MemoryService, rollbook: Command
) -> None:
    ada = service.add_user("ada")
    service.tokens.add("okta", "scim")
    whose = ("--principal", "ada")
    ran = await rollbook("token", "create", "laptop", "--scope", "directory.read", *whose)
    assert ran.exit_code == 0, ran.err
    assert service.asked("CreateToken")[0].request.principal_id == ada.id
    ran = await rollbook("token", "list", *whose, "--json")
    assert (ran.object["name"], ran.object["principalId"]) == ("laptop", ada.id)


async def test_tokens_of_a_service_account_are_made_and_listed_by_name(
    service: MemoryService, rollbook: Command
) -> None:
    bot = service.add_service_account("ci-bot")
    whose = ("--principal", "ci-bot")
    ran = await rollbook("token", "create", "builds", "--scope", "directory.read", *whose)
    assert ran.exit_code == 0, ran.err
    ran = await rollbook("token", "list", *whose, "--json")
    assert (ran.object["name"], ran.object["principalId"]) == ("builds", bot.id)


async def test_no_token_is_made_for_who_is_not_there(
    service: MemoryService, rollbook: Command
) -> None:
    ran = await rollbook("token", "create", "x", "--scope", "scim", "--principal", "nobody")
    assert ran.exit_code == 3
    assert "no user or service account 'nobody'" in ran.err
    assert not service.tokens.by_id


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "okta"),
        ("create", "okta", "--scope", "everything"),
        ("create", "okta", "--scope", "scim", "--lifetime", "soon"),
        ("rotate", "okta", "--overlap", "-1d"),
    ],
)
async def test_wrong_usage_makes_nothing(
    service: MemoryService, rollbook: Command, arguments: tuple[str, ...]
) -> None:
    service.tokens.add("okta", "scim")
    assert (await rollbook("token", *arguments)).exit_code == 2
    assert not service.calls


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        (" 12 H ", timedelta(hours=12)),
        ("90d", timedelta(days=90)),
        ("2w", timedelta(weeks=2)),
        ("0d", timedelta(0)),
    ],
)
def test_lengths_of_time_are_read(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "d", "90", "-1d", "1.5h", "1y", "9" * 10 + "d", "٣d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="90d"):
        parse_duration(text)
