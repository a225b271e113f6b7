"""The client and the command against the real service."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rollbook import errors
from rollbook.client import ENTERPRISE, RollbookClient, add, descending, remove, replace, where
from rollbook.v1.directory_service_pb2 import BulkOperation
from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.group_service_pb2 import CreateGroupRequest
from rollbook.v1.user_pb2 import Email, Name, User
from rollbook.v1.user_service_pb2 import CreateUserRequest
from tests.harness.command import Command

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg


@pytest.fixture
async def rollbook(
    service: str, token: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    async with RollbookClient(service, token=token) as client:
        yield client


async def test_the_life_of_a_user(rollbook: RollbookClient) -> None:
    user = User(user_name="ada", emails=[Email(value="ada@acme.example", type="work")])
    created = await rollbook.users.create(user)
    patched = await rollbook.users.patch(
        created.id,
        [
            replace("name", Name(given_name="Ada")),
            replace("emails.value", "ada@new.example", where=where("type") == "work"),
            replace("department", "Research", schema=ENTERPRISE),
            remove("displayName"),
        ],
        etag=created.meta.etag,
    )
    assert (patched.name.given_name, patched.enterprise.department) == ("Ada", "Research")
    assert await rollbook.users.lookup(email="ADA@new.example") == patched
    with pytest.raises(errors.ConflictError):
        await rollbook.users.update(patched, ["title"], etag=created.meta.etag)
    assert not (await rollbook.users.deactivate(created.id)).active
    await rollbook.users.delete(created.id)
    with pytest.raises(errors.NotFoundError) as missing:
        await rollbook.users.get(created.id)
    assert missing.value.reason == "USER_NOT_FOUND"


async def test_many_writes_are_one_call_and_all_types_one_search(rollbook: RollbookClient) -> None:
    grace = CreateUserRequest(user=User(user_name="grace", display_name="Grace"))
    staff = Group(display_name="Staff", members=[GroupMember(value="bulkId:grace")])
    operations = [
        BulkOperation(create_group=CreateGroupRequest(group=staff)),
        BulkOperation(bulk_id="grace", create_user=grace),
        BulkOperation(create_user=grace),
    ]
    group, user, twin = await rollbook.directory.bulk(operations)
    assert [group.error.message, user.error.message, twin.id] == ["", "", ""]
    assert ErrorReason.Name(twin.error.reason) == "ERROR_REASON_UNIQUENESS"
    assert [m.value async for m in rollbook.groups.list_members(group.id)] == [user.id]

    found = rollbook.directory.search(
        where("displayName").present(), order_by=descending("displayName"), page_size=1
    )
    kinds = [each.WhichOneof("kind") async for each in found]
    assert kinds == ["group", "user"]
    with pytest.raises(errors.InvalidRequestError):
        await anext(aiter(rollbook.directory.search(where("nope") == "x")))


async def test_lists_are_filtered_ordered_and_walked(rollbook: RollbookClient) -> None:
    for number in range(7):
        await rollbook.users.create(User(user_name=f"user{number}", active=number != 3))
    people = rollbook.users.list(
        filter=where("active") == True,  # noqa: E712
        order_by=descending("userName"),
        page_size=2,
        skip=1,
    )
    assert [user.user_name async for user in people] == [f"user{n}" for n in (5, 4, 2, 1, 0)]
    assert await rollbook.users.count(~where("active").present() | (where("id") == "x")) == 0
    assert await rollbook.users.count() == 7


async def test_members_of_a_group(rollbook: RollbookClient) -> None:
    ids = [(await rollbook.users.create(User(user_name=f"user{n}"))).id for n in range(5)]
    group = await rollbook.groups.create(Group(display_name="Everyone"))
    assert (await rollbook.groups.add_members(group.id, ids)).added_count == 5
    await rollbook.groups.patch(group.id, [remove("members", GroupMember(value=ids[0]))])
    await rollbook.groups.patch(group.id, [add("members", GroupMember(value=ids[0]))])
    assert (await rollbook.groups.remove_members(group.id, ids[1:3])).removed_count == 2
    listed = [member.value async for member in rollbook.groups.list_members(group.id, page_size=2)]
    assert sorted(listed) == sorted([ids[0], *ids[3:]])
    assert [one.display async for one in rollbook.groups.groups_of(ids[4])] == ["Everyone"]
    assert (await rollbook.groups.add_members(group.id, [])).added_count == 0


@pytest.mark.parametrize("name", ["people.csv", "people.ndjson"])
async def test_users_are_exported_and_imported_again(
    rollbook: RollbookClient, service: str, token: str, tmp_path: Path, name: str
) -> None:
    command = Command(service, token)
    file = str(tmp_path / name)
    for arguments in (
        ("create", "ada", "--given-name", "Ada", "--email", "ada@acme.example"),
        ("create", "grace", "--department", "Research", "--set", "manager=42", "--inactive"),
        ("export", file),
        ("delete", "ada", "grace", "--yes"),
        ("import", file),
        ("update", "ada", "--title", "CTO"),
        ("import", file, "--update"),
    ):
        ran = await command("user", *arguments)
        assert ran.exit_code == 0, ran.err
    ada, grace = [user async for user in rollbook.users.list(order_by=descending("active"))]
    assert (ada.name.given_name, ada.emails[0].value, ada.title) == (
        "Ada",
        "ada@acme.example",
        "CTO",
    )
    assert (grace.enterprise.manager.value, grace.active) == ("42", False)
    assert (await command("status")).exit_code == 0


PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
async def test_every_example_in_the_documentation_works(
    rollbook: RollbookClient, service: str, token: str, example: str
) -> None:
    work = Email(value="ada@acme.example", type="work")
    ada = await rollbook.users.create(User(user_name="ada@acme.example", emails=[work]))
    example = example.replace("127.0.0.1:50051", service)
    code = compile(example, "docs/client.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    coroutine = eval(code, {"rollbook": rollbook, "token": token, "ada": ada})
    if coroutine is not None:
        await coroutine
