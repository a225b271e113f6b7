"""`rollbook group …` against a service in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook.v1.user_pb2 import Email
from tests.harness.command import Command
from tests.harness.memory_service import TOKEN, MemoryService, running_memory_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from rollbook.v1.group_pb2 import Group


@pytest.fixture
async def service() -> AsyncIterator[MemoryService]:
    async with running_memory_service() as memory:
        yield memory


@pytest.fixture
def rollbook(service: MemoryService) -> Command:
    return Command(service.address, TOKEN)


def member_ids(group: Group) -> list[str]:
    return [member.value for member in group.members]


async def test_groups_are_listed_without_their_members(
    service: MemoryService, rollbook: Command
) -> None:
    service.add_group("Engineering")
    service.add_group("Research")
    ran = await rollbook("group", "list", "--sort", "displayName", "--descending")
    assert [line.split()[0] for line in ran.out.splitlines()[2:]] == ["Research", "Engineering"]
    assert "members" not in service.asked("ListGroups")[0].request.read_mask.paths
    ran = await rollbook("group", "list", "--search", "ENG", "--json")
    assert ran.object["displayName"] == "Engineering"


@pytest.mark.parametrize("by", ["id", "Engineering", "engineering"])
async def test_a_group_goes_by_id_or_name(
    service: MemoryService, rollbook: Command, by: str
) -> None:
    group = service.add_group("Engineering")
    ran = await rollbook("group", "get", group.id if by == "id" else by, "--json")
    assert ran.object["id"] == group.id


async def test_a_name_of_several_groups_is_not_guessed(
    service: MemoryService, rollbook: Command
) -> None:
    service.add_group("Engineering")
    service.add_group("Engineering")
    ran = await rollbook("group", "delete", "Engineering", "--yes")
    assert ran.exit_code == 1
    assert "by its id" in ran.err
    assert len(service.groups.by_id) == 2


async def test_a_group_is_created_renamed_and_deleted(
    service: MemoryService, rollbook: Command
) -> None:
    ada = service.add_user("ada")
    ran = await rollbook(
        *("group", "create", "Engineering", "--member", "ada", "--external-id", "7", "--json")
    )
    group = service.groups.by_id[ran.object["id"]]
    assert (group.external_id, member_ids(group)) == ("7", [ada.id])

    assert (await rollbook("group", "rename", "Engineering", "Research")).exit_code == 0
    assert service.groups.by_id[group.id].display_name == "Research"

    assert (await rollbook("group", "delete", "Research", "--yes")).exit_code == 0
    assert not service.groups.by_id


async def test_members_are_listed(service: MemoryService, rollbook: Command) -> None:
    ids = [f"member-{number}" for number in range(120)]
    service.add_group("Engineering", *ids)
    ran = await rollbook("group", "members", "Engineering", "--json")
    assert [member["value"] for member in ran.objects] == ids
    ran = await rollbook("group", "members", "Engineering")
    assert len(ran.out.splitlines()) == 2 + 50
    assert ran.err.startswith("50 shown; --limit 0")


async def test_members_are_added_and_removed_by_name(
    service: MemoryService, rollbook: Command
) -> None:
    ada = service.add_user("ada")
    grace = service.add_user("grace", emails=[Email(value="grace@acme.example")])
    staff, group = service.add_group("Staff"), service.add_group("Engineering", ada.id)
    names = ("ada", "grace@acme.example", "--group", "Staff")

    ran = await rollbook("group", "add-member", "Engineering", *names)
    assert "2 of 3 added" in ran.err
    assert member_ids(group) == [ada.id, grace.id, staff.id]

    ran = await rollbook("group", "remove-member", "Engineering", grace.id, "--json")
    assert ran.object == {"id": group.id, "removed": 1}
    assert member_ids(group) == [ada.id, staff.id]


async def test_members_are_read_from_a_file(
    service: MemoryService, rollbook: Command, tmp_path: Path
) -> None:
    users = [service.add_user(f"user{number}") for number in range(40)]
    group = service.add_group("Everyone")
    file = tmp_path / "names.txt"
    file.write_text("\n\n".join(user.user_name for user in users), "utf-8-sig")
    ran = await rollbook("group", "add-member", "Everyone", "--file", str(file))
    assert ran.exit_code == 0
    assert member_ids(group) == [user.id for user in users]
    ran = await rollbook("group", "remove-member", "Everyone", "-f", "-", stdin="user1\nuser2\n")
    assert "2 of 2 removed" in ran.err


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("add-member", "Engineering", "nobody"), 3, "'nobody'"),
        (("add-member", "Nothing", "ada"), 3, "'Nothing'"),
        (("add-member", "Engineering", "--group", "Nothing"), 3, "'Nothing'"),
        (("add-member", "Engineering"), 2, "Name the members"),
        (("add-member", "Engineering", "--file", "/nonexistent"), 2, "/nonexistent"),
        (("list", "--sort", "a.b.c"), 2, "a.b.c"),
    ],
)
async def test_a_name_that_means_nobody_changes_nothing(
    service: MemoryService,
    rollbook: Command,
    arguments: tuple[str, ...],
    exit_code: int,
    words: str,
) -> None:
    service.add_user("ada")
    group = service.add_group("Engineering")
    ran = await rollbook("group", *arguments)
    assert (ran.exit_code, member_ids(group)) == (exit_code, [])
    assert words in ran.err
