"""`rollbook user import` and `rollbook user export` against a service in memory."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from rollbook.client import ENTERPRISE
from rollbook.v1.user_pb2 import Email, Name
from tests.harness.command import Command
from tests.harness.fake_service import Failure
from tests.harness.memory_service import TOKEN, MemoryService, running_memory_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def service() -> AsyncIterator[MemoryService]:
    async with running_memory_service() as memory:
        yield memory


@pytest.fixture
def rollbook(service: MemoryService) -> Command:
    return Command(service.address, TOKEN)


def by_name(service: MemoryService) -> dict[str, Any]:
    return {user.user_name: user for user in service.users.by_id.values()}


def tally(**numbers: int) -> dict[str, int]:
    return {"created": 0, "updated": 0, "skipped": 0, "failed": 0} | numbers


async def test_users_come_from_a_csv_file(
    service: MemoryService, rollbook: Command, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(
        b"\xef\xbb\xbfuserName,name.givenName,emails,emails.type,active,Department\r\n"
        b'ada,"Ada ""the first""",ada@acme.example,work,TRUE,Research\r\n'
        b"\r\n"
        b'grace,"Gr\xc3\xa4ce\nHopper",,,false,\r\n'
    )
    ran = await rollbook("user", "import", str(file), "--json")
    assert (ran.exit_code, ran.object) == (0, tally(created=2))
    users = by_name(service)
    assert users["ada"].name.given_name == 'Ada "the first"'
    assert list(users["ada"].emails) == [Email(value="ada@acme.example", type="work")]
    assert users["ada"].enterprise.department == "Research"
    assert users["grace"].name.given_name == "Gräce\nHopper"
    assert not users["grace"].emails
    assert not users["grace"].HasField("enterprise")
    assert (users["ada"].active, users["grace"].active) == (True, False)


async def test_users_come_from_json_lines(service: MemoryService, rollbook: Command) -> None:
    scim = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "id": "of another directory",
        "meta": {"created": "2020-01-01T00:00:00Z"},
        "userName": "ada",
        "emails": [{"value": "a@x", "primary": True}, {"value": "b@x"}],
        ENTERPRISE: {"manager": {"value": "7", "$ref": "../Users/7"}},
        "groups": [{"value": "of another directory"}],
    }
    lines = [json.dumps(scim), "", json.dumps({"userName": "grace", "enterprise": {}})]
    ran = await rollbook("user", "import", "-", "--json", stdin="\n".join(lines))
    assert (ran.exit_code, ran.object) == (0, tally(created=2))
    ada = by_name(service)["ada"]
    assert ada.id != "of another directory"
    assert [email.value for email in ada.emails] == ["a@x", "b@x"]
    assert ada.enterprise.manager.value == "7"
    assert not ada.groups


async def test_an_import_is_resumed_by_running_it_again(
    service: MemoryService, rollbook: Command
) -> None:
    lines = "userName,title\n" + "".join(f"user{number},new\n" for number in range(100))
    service.add_user("user7", title="old")
    ran = await rollbook("user", "import", "-", "--json", stdin=lines)
    assert ran.object == tally(created=99, skipped=1)
    ran = await rollbook("user", "import", "-", "--json", stdin=lines)
    assert ran.object == tally(skipped=100)
    assert by_name(service)["user7"].title == "old"


async def test_existing_users_are_updated_if_that_is_asked_for(
    service: MemoryService, rollbook: Command
) -> None:
    service.add_user("ada", title="old", locale="en")
    lines = "userName,title,nickName\nADA,new,\ngrace,new,G\n"
    ran = await rollbook("user", "import", "-", "--update", "--json", stdin=lines)
    assert ran.object == tally(created=1, updated=1)
    users = by_name(service)
    assert (users["ADA"].title, users["ADA"].locale) == ("new", "en")


async def test_users_that_are_refused_are_told_and_the_others_go_in(
    service: MemoryService, rollbook: Command
) -> None:
    lines = "userName,active\nada,true\n,true\nbob,maybe\ngrace\nalan,false,x\njoan,\n"
    ran = await rollbook("user", "import", "-", "--json", stdin=lines)
    assert (ran.exit_code, ran.object) == (1, tally(created=2, failed=4))
    for line in ("line 3: userName", "line 4: active is a boolean", "line 5: ", "line 6: "):
        assert line in ran.err
    assert by_name(service).keys() == {"ada", "joan"}


@pytest.mark.parametrize(
    "line", ["{", '"text"', '{"userName": 7}', '{"nope": 1}', "[" * 100_000, '{"a": 1e999}']
)
async def test_a_line_that_is_no_user_is_told(rollbook: Command, line: str) -> None:
    lines = f'{{"userName": "ada"}}\n{line}\n{{"userName": "grace"}}\n'
    ran = await rollbook("user", "import", "-", "--json", stdin=lines)
    assert (ran.exit_code, ran.object) == (1, tally(created=2, failed=1))
    assert "line 2: " in ran.err


@pytest.mark.parametrize(
    ("content", "exit_code", "words"),
    [
        (b"", 2, "first line"),
        (b"userName,nope\nada,1\n", 2, "nope"),
        (b"userName,UserName\nada,ada\n", 2, "twice"),
        (b'[{"userName": "ada"}]', 2, "jq"),
        (b"\xff\xfeu\x00s\x00", 2, "UTF-8"),
        (b"userName\nada\n\xff\n", 1, "Line 3 is not UTF-8"),
    ],
)
async def test_a_file_that_is_none_is_refused(
    rollbook: Command, content: bytes, exit_code: int, words: str
) -> None:
    ran = await rollbook("user", "import", "-", stdin=content)
    assert ran.exit_code == exit_code
    assert words in ran.err


async def test_a_file_that_does_not_exist_is_refused(rollbook: Command) -> None:
    ran = await rollbook("user", "import", "/nonexistent/people.csv")
    assert ran.exit_code == 2
    assert "No such file" in ran.err


async def test_an_import_ends_when_the_service_is_gone_and_says_how_far_it_came(
    service: MemoryService, rollbook: Command
) -> None:
    gone = Failure(grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING", "It lacks a scope.")
    lines = "userName\n" + "".join(f"user{number}\n" for number in range(1000))
    service.add_user("user0")
    service.failures["CreateUser"] = [gone]
    ran = await rollbook("user", "import", "-", "--jobs", "2", "--json", stdin=lines)
    assert ran.exit_code == 4
    assert "It lacks a scope." in ran.err
    assert ran.object["failed"] == 0
    assert len(service.asked("CreateUser")) < 10


async def test_no_more_calls_at_once_than_wanted(service: MemoryService, rollbook: Command) -> None:
    service.delay = 0.01
    lines = "userName\n" + "".join(f"user{number}\n" for number in range(30))
    ran = await rollbook("user", "import", "-", "--jobs", "3", "--json", stdin=lines)
    assert ran.object == tally(created=30)
    assert service.most_at_once == 3


@pytest.mark.parametrize("name", ["people.csv", "people.ndjson"])
async def test_what_is_exported_can_be_imported(
    service: MemoryService, rollbook: Command, tmp_path: Path, name: str
) -> None:
    ada = service.add_user(
        "ada", name=Name(given_name="Ada, the\nfirst"), emails=[Email(value="a@x")], title="CTO"
    )
    ada.enterprise.manager.value = "7"
    ada.password = "secret"
    service.add_user("grace").active = False
    file = tmp_path / name
    ran = await rollbook("user", "export", str(file))
    assert (ran.exit_code, ran.out) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == [name]

    before = by_name(service)
    service.users.by_id.clear()
    assert (await rollbook("user", "import", str(file))).exit_code == 0
    for user_name, user in by_name(service).items():
        for derived in ("id", "meta", "password"):
            user.ClearField(derived)
            before[user_name].ClearField(derived)
        assert user == before[user_name]


async def test_an_export_goes_to_standard_output_by_condition(
    service: MemoryService, rollbook: Command
) -> None:
    for number in range(700):
        service.add_user(f"user{number}", title="a" if number % 2 else "b")
    ran = await rollbook("user", "export", "--where", "title=a")
    assert len(ran.objects) == 350
    ran = await rollbook("user", "export", "--format", "csv", "--inactive")
    assert len(list(csv.reader(ran.out.splitlines()))) == 1


async def test_an_export_that_fails_leaves_the_file_as_it_was(
    service: MemoryService, rollbook: Command, tmp_path: Path
) -> None:
    service.add_user("ada")
    file = tmp_path / "people.csv"
    file.write_text("before")
    service.failures["ListUsers"] = [Failure(grpc.StatusCode.INTERNAL, "INTERNAL", "A bug.")]
    assert (await rollbook("user", "export", str(file))).exit_code == 1
    assert file.read_text() == "before"
    ran = await rollbook("user", "export", str(tmp_path / "none" / "people.csv"))
    assert ran.exit_code == 2
