"""Writes that are repeated are done once (AIP-155), and those that are only tried out are not
done (AIP-163)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.group_service_pb2 import (
    AddMembersRequest,
    CreateGroupRequest,
    DeleteGroupRequest,
    RemoveMembersRequest,
)
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import (
    CreateUserRequest,
    DeleteUserRequest,
    GetUserRequest,
    ListUsersRequest,
    PatchUserRequest,
    UpdateUserRequest,
)
from tests.harness.drivers import patch_operation
from tests.harness.operations import Change, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg
    from google.protobuf.message import Message

    from tests.harness.calls import Calls

    Make = Callable[..., Message]

ADA = User(user_name="ada", title="Analyst")
RETITLE = patch_operation("User", Change("replace", Target("title"), "Countess"))


@pytest.fixture
async def ids(calls: Calls) -> dict[str, str]:
    """Ada and the staff, whose member she is."""
    ada = (await calls(CreateUserRequest(user=ADA))).user.id
    bob = (await calls(CreateUserRequest(user=User(user_name="bob")))).user.id
    staff = Group(display_name="Staff", members=[GroupMember(value=ada)])
    return {
        "ada": ada,
        "bob": bob,
        "staff": (await calls(CreateGroupRequest(group=staff))).group.id,
    }


WRITES: dict[str, Callable[[dict[str, str]], Make]] = {
    "create user": lambda ids: lambda **kw: CreateUserRequest(user=User(user_name="new"), **kw),
    "update user": lambda ids: (
        lambda **kw: UpdateUserRequest(user=User(id=ids["ada"], title="Countess"), **kw)
    ),
    "patch user": lambda ids: (
        lambda **kw: PatchUserRequest(id=ids["ada"], operations=[RETITLE], **kw)
    ),
    "delete user": lambda ids: lambda **kw: DeleteUserRequest(id=ids["bob"], **kw),
    "create group": lambda ids: (
        lambda **kw: CreateGroupRequest(
            group=Group(display_name="New", members=[GroupMember(value=ids["ada"])]), **kw
        )
    ),
    "delete group": lambda ids: lambda **kw: DeleteGroupRequest(id=ids["staff"], **kw),
    "add members": lambda ids: (
        lambda **kw: AddMembersRequest(group_id=ids["staff"], member_ids=[ids["bob"]], **kw)
    ),
    "remove members": lambda ids: (
        lambda **kw: RemoveMembersRequest(group_id=ids["staff"], member_ids=[ids["ada"]], **kw)
    ),
}


@pytest.fixture(params=WRITES)
def write(request: pytest.FixtureRequest, ids: dict[str, str]) -> Make:
    return WRITES[request.param](ids)


async def _snapshot(database: asyncpg.Connection[asyncpg.Record]) -> Any:
    resources = await database.fetch("SELECT id, version, message FROM resources ORDER BY id")
    members = await database.fetch("SELECT group_id, member_id FROM members ORDER BY 1, 2")
    changes = await database.fetch("SELECT revision FROM changes ORDER BY 1")
    return resources, members, changes


async def test_a_repeated_write_is_done_once(
    write: Make, calls: Calls, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    request = write(request_id=str(uuid4()))
    first = await calls(request)
    after = await _snapshot(database)
    assert await calls(request) == first
    assert await _snapshot(database) == after


async def test_a_write_that_is_tried_out_is_not_done(
    write: Make, calls: Calls, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    before = await _snapshot(database)
    await calls(write(validate_only=True))
    assert await _snapshot(database) == before


async def test_a_write_that_was_tried_out_is_done_when_it_is_meant(
    write: Make, calls: Calls, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    before = await _snapshot(database)
    await calls(write(validate_only=True, request_id=str(uuid4())))
    await calls(write(request_id=str(uuid4())))
    assert await _snapshot(database) != before


async def test_a_write_that_is_tried_out_is_checked(calls: Calls, ids: dict[str, str]) -> None:
    request = CreateUserRequest(user=User(user_name="ADA"), validate_only=True)
    assert await calls.reason(request) == "UNIQUENESS"
    assert await calls.reason(CreateUserRequest(user=User(), validate_only=True)) == "INVALID_VALUE"


async def test_what_is_answered_when_tried_out_is_what_would_be(
    calls: Calls, ids: dict[str, str]
) -> None:
    request = PatchUserRequest(id=ids["ada"], operations=[RETITLE], validate_only=True)
    assert (await calls(request)).user.title == "Countess"
    assert (await calls(GetUserRequest(id=ids["ada"]))).user.title == "Analyst"


async def test_the_id_of_another_request_is_refused(calls: Calls) -> None:
    request_id = str(uuid4())
    await calls(CreateUserRequest(user=ADA, request_id=request_id))
    request = CreateUserRequest(user=User(user_name="bob"), request_id=request_id)
    assert await calls.reason(request) == "REQUEST_ID_REUSED"


async def test_methods_have_ids_of_their_own(calls: Calls) -> None:
    request_id = str(uuid4())
    await calls(CreateUserRequest(user=ADA, request_id=request_id))
    await calls(CreateGroupRequest(group=Group(display_name="ada"), request_id=request_id))


async def test_an_id_is_a_uuid(calls: Calls) -> None:
    assert await calls.reason(CreateUserRequest(user=ADA, request_id="mine")) == "INVALID_VALUE"


async def test_a_failure_is_not_remembered(calls: Calls, ids: dict[str, str]) -> None:
    request = CreateUserRequest(user=User(user_name="ADA"), request_id=str(uuid4()))
    assert await calls.reason(request) == "UNIQUENESS"
    await calls(DeleteUserRequest(id=ids["ada"]))
    assert (await calls(request)).user.user_name == "ADA"


async def test_repetitions_at_the_same_time_are_one_write(calls: Calls) -> None:
    request = CreateUserRequest(user=ADA, request_id=str(uuid4()))
    answers = await asyncio.gather(*(calls(request) for _ in range(20)))
    assert len({answer.user.id for answer in answers}) == 1
    total = await calls(ListUsersRequest(page_size=0, include_total_size=True))
    assert total.total_size == 1


@pytest.mark.parametrize("title", ["update user", "delete user", "add members"])
async def test_repetitions_at_the_same_time_get_the_same_answer(
    title: str, calls: Calls, ids: dict[str, str]
) -> None:
    request = WRITES[title](ids)(request_id=str(uuid4()), etag="*")
    answers = await asyncio.gather(*(calls(request) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)


async def test_after_a_day_an_id_is_new(
    calls: Calls, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    request = CreateGroupRequest(group=Group(display_name="Staff"), request_id=str(uuid4()))
    first = await calls(request)
    await database.execute("UPDATE requests SET create_time = now() - interval '25 hours'")
    assert (await calls(request)).group.id != first.group.id


async def test_requests_are_kept_without_their_passwords(
    calls: Calls, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    password = "a password that nobody may read"
    user = User(user_name="ada", password=password)
    await calls(CreateUserRequest(user=user, request_id=str(uuid4())))
    for table in ("requests", "resources", "changes", "passwords"):
        for row in await database.fetch(f"SELECT t::text AS text FROM {table} AS t"):
            assert password not in row["text"]
            assert password.encode().hex() not in row["text"]
