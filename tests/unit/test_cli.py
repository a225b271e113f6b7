"""The `rollbook` command: connection, output, exit codes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from rollbook.access import EVERY_SCOPE, Scope
from rollbook.cli.output import details, printable, printable_json
from rollbook.v1.user_pb2 import Email
from tests.harness.command import Command
from tests.harness.fake_service import Failure
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


# Connection


async def test_status_tells_that_all_is_well(service: MemoryService, rollbook: Command) -> None:
    service.add_user("ada")
    ran = await rollbook("status", "--json")
    assert ran.exit_code == 0
    assert ran.object.pop("milliseconds") > 0
    found = {name: value for name, value in ran.object.items() if name != "milliseconds"}
    assert found == {
        "address": service.address,
        "health": "SERVING",
        "credentials": "accepted",
        "name": "test",
        "tenant": "default",
        "scopes": " ".join(sorted(EVERY_SCOPE)),
        "users": 1,
        "groups": 0,
    }
    assert "SERVING" in (await rollbook("status")).out


async def test_status_asks_for_nothing_that_the_token_is_not_good_for(
    service: MemoryService, rollbook: Command
) -> None:
    service.tokens.scopes = frozenset({Scope.SCIM})
    ran = await rollbook("status", "--json")
    assert (ran.exit_code, ran.object["scopes"]) == (0, "scim")
    assert not service.asked("ListUsers")


async def test_status_tells_that_the_token_is_refused(rollbook: Command) -> None:
    ran = await rollbook("status", "--json", env={"ROLLBOOK_TOKEN": "wrong-token"})
    assert ran.exit_code == 4
    assert ran.object["health"] == "SERVING"
    assert ran.object["credentials"] == "CREDENTIALS_INVALID"
    assert "ROLLBOOK_TOKEN" in ran.err
    assert "wrong-token" not in ran.out + ran.err


async def test_status_tells_that_nobody_is_there(rollbook: Command) -> None:
    ran = await rollbook("status", "--address", "127.0.0.1:1")
    assert ran.exit_code == 6
    assert "make run" in ran.err


async def test_status_tells_that_the_service_is_going_down(
    service: MemoryService, rollbook: Command
) -> None:
    await service.health.enter_graceful_shutdown()
    ran = await rollbook("status", "--json")
    assert (ran.exit_code, ran.object["health"]) == (6, "NOT_SERVING")


@pytest.mark.parametrize(
    "arguments",
    [("--json", "user", "list"), ("user", "list", "--json")],
    ids=["before", "after"],
)
async def test_options_of_the_connection_stand_before_or_after_the_command(
    service: MemoryService, rollbook: Command, arguments: tuple[str, ...]
) -> None:
    service.add_user("ada")
    assert (await rollbook(*arguments)).object["userName"] == "ada"


async def test_an_option_goes_before_the_environment(
    service: MemoryService, rollbook: Command
) -> None:
    wrong = {"ROLLBOOK_ADDRESS": "127.0.0.1:1"}
    assert (await rollbook("--address", service.address, "status", env=wrong)).exit_code == 0
    assert (await rollbook("status", "--address", service.address, env=wrong)).exit_code == 0
    assert (await rollbook("--address", "127.0.0.1:1", "status")).exit_code == 6


@pytest.mark.parametrize(
    "environment",
    [
        {"ROLLBOOK_TOKEN": "", "ROLLBOOK_BOOTSTRAP_TOKEN": TOKEN},
        {"ROLLBOOK_TOKEN": f"Bearer {TOKEN}\n"},
    ],
)
async def test_the_token_is_found(rollbook: Command, environment: dict[str, str]) -> None:
    assert (await rollbook("user", "list", env=environment)).exit_code == 0


async def test_the_token_is_read_from_a_file(
    rollbook: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("token").write_text(f"{TOKEN}\n")
    ran = await rollbook("user", "list", "--token-file", "token", env={"ROLLBOOK_TOKEN": "wrong"})
    assert ran.exit_code == 0
    ran = await rollbook("user", "list", "--token-file", "none")
    assert ran.exit_code == 2
    assert "none" in ran.err


async def test_an_address_to_listen_on_everywhere_is_reached_here(
    service: MemoryService, rollbook: Command
) -> None:
    listen = service.address.replace("127.0.0.1", "0.0.0.0")
    environment = {"ROLLBOOK_ADDRESS": "", "ROLLBOOK_GRPC_LISTEN": listen}
    assert (await rollbook("status", env=environment)).exit_code == 0


async def test_an_empty_list_says_so(rollbook: Command) -> None:
    ran = await rollbook("user", "list")
    assert (ran.exit_code, ran.out, ran.err) == (0, "", "There are none.\n")
    ran = await rollbook("user", "list", "--json")
    assert (ran.exit_code, ran.out, ran.err) == (0, "", "")


# Exit codes


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("user", "get", "nobody"), 3, "user list"),
        (("group", "get", "nothing"), 3, "group list"),
        (("user", "create", "ADA"), 5, "taken"),
        (("user", "create", "x" * 600), 1, "userName"),
        (("user", "list", "--where", "nope=1"), 2, "nope"),
        (("user", "update", "ada"), 2, "what to change"),
        (("user", "nonsense"), 2, "nonsense"),
        (("user", "delete", "ada"), 2, "--yes"),
        (("user", "list", "--tls-cert", "/nonexistent"), 2, "/nonexistent"),
    ],
)
async def test_failures_have_exit_codes_and_say_what_to_do(
    service: MemoryService,
    rollbook: Command,
    arguments: tuple[str, ...],
    exit_code: int,
    words: str,
) -> None:
    service.add_user("ada")
    ran = await rollbook(*arguments)
    assert ran.exit_code == exit_code
    assert words in ran.err
    assert ran.out == ""
    assert next(iter(service.users.by_id.values())).user_name == "ada"


@pytest.mark.parametrize(
    ("failure", "exit_code"),
    [
        (Failure(grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING", "It lacks a scope."), 4),
        (Failure(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", "It has changed."), 5),
        (Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "Too slow."), 6),
        (Failure(grpc.StatusCode.INTERNAL, "INTERNAL", "A bug."), 1),
    ],
)
async def test_failures_of_the_service_have_exit_codes(
    service: MemoryService, rollbook: Command, failure: Failure, exit_code: int
) -> None:
    service.failures["ListUsers"] = [failure]
    ran = await rollbook("user", "list")
    assert ran.exit_code == exit_code
    assert failure.message in ran.err


# Output


async def test_the_version_is_that_of_the_project(rollbook: Command) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    number = project["project"]["version"]
    assert (await rollbook("version", "--json")).object["rollbook"] == number
    assert (await rollbook("--version")).out == f"rollbook {number}\n"


@pytest.mark.parametrize("arguments", [(), ("user",), ("group",)])
async def test_a_command_that_is_not_complete_shows_help(
    rollbook: Command, arguments: tuple[str, ...]
) -> None:
    ran = await rollbook(*arguments)
    assert "Usage" in ran.out
    assert "Commands" in ran.out


@pytest.mark.parametrize("words", [("Examples", "rollbook user list"), ("--token-file",)])
async def test_help_teaches(rollbook: Command, words: tuple[str, ...]) -> None:
    ran = await rollbook("user", "list", "--help", env={"COLUMNS": "120"})
    assert all(word in ran.out for word in words)
    assert TOKEN not in ran.out


async def test_what_comes_from_the_directory_does_not_command_the_terminal(
    service: MemoryService, rollbook: Command
) -> None:
    hostile = "\x1b[2J\u202e\x9b[bold]x[/bold]"
    service.add_user("ada", display_name=hostile, emails=[Email(value="a@x")])
    for arguments in (("user", "list"), ("user", "get", "ada"), ("user", "get", "ada", "--json")):
        ran = await rollbook(*arguments)
        assert not {"\x1b", "\u202e", "\x9b"} & set(ran.out)
        assert "[bold]x[/bold]" in ran.out
    assert ran.object["displayName"] == hostile


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grüße 日本", "Grüße 日本"),
        ("a\nb\x1b", "a\\nb\\x1b"),
        ("\u200d\U000e0041", "\\u200d\\U000e0041"),
    ],
)
def test_text_is_made_printable(text: str, expected: str) -> None:
    assert printable(text) == expected


@pytest.mark.parametrize("text", ["Grüße", "\x7f\x9b", "\u202e", "\U000e0041", '"\\'])
def test_json_stays_the_same_value_when_made_printable(text: str) -> None:
    line = printable_json(json.dumps(text, ensure_ascii=False))
    assert line.isprintable()
    assert json.loads(line) == text


def test_details_have_an_element_on_each_line() -> None:
    resource = {
        "userName": "ada",
        "active": False,
        "name": {"givenName": "Ada"},
        "emails": [
            {"value": "a@x", "type": "work", "primary": True},
            {"value": "b@x", "primary": False},
        ],
        "addresses": [{"locality": "London"}],
        "groups": [
            {"value": "5f0c1c5e-7d53-4b4f-9a55-6f6a3c2b1d10", "display": "Staff", "type": "direct"}
        ],
    }
    assert list(details(resource)) == [
        ("userName", "ada"),
        ("active", "no"),
        ("name.givenName", "Ada"),
        ("emails", "a@x  (work, primary)"),
        ("emails", "b@x"),
        ("addresses", "(London)"),
        ("groups", "Staff  (5f0c1c5e-7d53-4b4f-9a55-6f6a3c2b1d10, direct)"),
    ]
