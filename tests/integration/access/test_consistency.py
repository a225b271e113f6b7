"""How fresh answers are: after a write on one worker every other one sees it, on another machine at
once by the write's revision and within a second without it."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc
import pytest

from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.group_service_pb2 import (
    AddMembersRequest,
    CreateGroupRequest,
    DeleteGroupRequest,
    RemoveMembersRequest,
)
from rollbook.v1.role_service_pb2 import GrantRoleRequest, RevokeRoleRequest
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest, DeleteUserRequest, UpdateUserRequest
from tests.harness.access import Access
from tests.harness.calls import Calls
from tests.harness.instance import TOKEN
from tests.harness.processes import service_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from google.protobuf.message import Message

    from tests.harness.database import DatabaseServer

ROUNDS: Final = 150


class Worker:
    """One worker: calls that answer with the revision of the write, and checks."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.access = Access(channel, TOKEN)
        self.calls = Calls(channel, TOKEN)

    async def write(self, request: Message) -> str:
        """Makes a write. Returns its revision."""
        return await self.calls.revision(request)

    async def check(self, principal: str, revision: str = "") -> str:
        """How a check of the one role comes out."""
        return await self.access.check(principal, "T:v", revision)


@pytest.fixture(scope="module")
async def url(database_server: DatabaseServer) -> AsyncIterator[str]:
    async with database_server.database() as found:
        yield found


@pytest.fixture(scope="module")
def addresses(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Two workers of one service, and one of a service that shares no memory with them."""
    directories = [tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("elsewhere")]
    with (
        service_process(url, directories[0], workers=2) as (_, here),
        service_process(url, directories[1], ROLLBOOK_RUN_DIR=str(directories[1])) as (_, there),
    ):
        yield [*here, *there]


@dataclass
class Scene:
    """A user who has the role through two groups, and three workers."""

    workers: list[Worker]
    user: str
    inner: str
    outer: str


@pytest.fixture
async def scene(addresses: list[str]) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(each)) for each in addresses
        ]
        workers = [Worker(channel) for channel in channels]
        calls = workers[0].calls
        name = f"ada-{time.monotonic_ns()}"
        user = (await calls(CreateUserRequest(user=User(user_name=name)))).user.id
        ids: list[str] = []
        for member in (user, None):
            group = Group(display_name="g", members=[GroupMember(value=member or ids[0])])
            ids.append((await calls(CreateGroupRequest(group=group))).group.id)
        grant = GrantRoleRequest(principal_id=ids[1], type="T", value="v")
        await workers[0].write(grant)
        yield Scene(workers, user, *ids)


def ways(scene: Scene) -> list[tuple[Message, Message]]:
    """Pairs of writes that take the role from the user and give it back."""
    return [
        (
            RevokeRoleRequest(principal_id=scene.outer, type="T", value="v"),
            GrantRoleRequest(principal_id=scene.outer, type="T", value="v"),
        ),
        (
            RemoveMembersRequest(group_id=scene.inner, member_ids=[scene.user]),
            AddMembersRequest(group_id=scene.inner, member_ids=[scene.user]),
        ),
        (
            RemoveMembersRequest(group_id=scene.outer, member_ids=[scene.inner]),
            AddMembersRequest(group_id=scene.outer, member_ids=[scene.inner]),
        ),
        (
            UpdateUserRequest(user=User(id=scene.user, active=False)),
            UpdateUserRequest(user=User(id=scene.user, active=True)),
        ),
    ]


async def test_the_other_worker_sees_a_write_as_soon_as_it_is_answered(scene: Scene) -> None:
    for number in range(ROUNDS):
        writer, reader = scene.workers[number % 2], scene.workers[1 - number % 2]
        take, give = ways(scene)[number % 4]
        assert await reader.check(scene.user) == "GRANTED"
        revision = await writer.write(take)
        assert await reader.check(scene.user, revision if number % 3 else "") != "GRANTED", take
        await writer.write(give)


async def test_another_machine_sees_the_write_that_its_revision_names(scene: Scene) -> None:
    writer, reader = scene.workers[0], scene.workers[2]
    for number in range(ROUNDS):
        take, give = ways(scene)[number % 4]
        revision = await writer.write(take)
        assert await reader.check(scene.user, revision) != "GRANTED", take
        assert await reader.check(scene.user) != "GRANTED", "what was seen stays seen"
        revision = await writer.write(give)
        assert await reader.check(scene.user, revision) == "GRANTED", give


@pytest.mark.parametrize("way", range(4))
async def test_another_machine_sees_a_write_within_a_second(scene: Scene, way: int) -> None:
    writer, reader = scene.workers[0], scene.workers[2]
    take, _ = ways(scene)[way]
    assert await reader.check(scene.user) == "GRANTED"
    await writer.write(take)
    answered = begun = time.monotonic()
    while await reader.check(scene.user) == "GRANTED":
        begun = time.monotonic()
    assert begun < answered + 1


@pytest.mark.parametrize("what", ["user", "inner", "outer"])
async def test_what_is_deleted_gives_nothing_anywhere(scene: Scene, what: str) -> None:
    writer = scene.workers[0]
    for worker in scene.workers:
        assert await worker.check(scene.user) == "GRANTED"
    kind = DeleteUserRequest if what == "user" else DeleteGroupRequest
    revision = await writer.write(kind(id=getattr(scene, what)))
    for worker in scene.workers:
        assert await worker.check(scene.user, revision) != "GRANTED"


async def test_a_write_that_changes_nothing_has_a_revision_too(scene: Scene) -> None:
    add = AddMembersRequest(group_id=scene.inner, member_ids=[scene.user])
    revision = await scene.workers[0].write(add)
    assert await scene.workers[2].check(scene.user, revision) == "GRANTED"


async def test_a_repeated_write_has_a_revision_that_sees_the_first(scene: Scene) -> None:
    take = RemoveMembersRequest(
        group_id=scene.inner,
        member_ids=[scene.user],
        request_id="0f0f8f6b-54ad-4f7c-9f4e-0f2f6a5a7a58",
    )
    await scene.workers[0].write(take)
    again = await scene.workers[1].write(take)
    assert await scene.workers[2].check(scene.user, again) == "NOT_GRANTED"


async def test_a_grant_of_another_source_is_noticed(scene: Scene) -> None:
    """What is shown of the principal stays the same, but what it has in the end does not."""
    here, there = scene.workers[0], scene.workers[1]
    grant = GrantRoleRequest(principal_id=scene.user, type="T", value="v", source="import")
    await here.write(grant)
    revoke = RevokeRoleRequest(principal_id=scene.outer, type="T", value="v")
    await here.write(revoke)
    assert await there.check(scene.user) == "GRANTED"
    await here.write(GrantRoleRequest(principal_id=scene.user, type="T", value="v"))
    assert await there.check(scene.user) == "GRANTED"
    gone = RevokeRoleRequest(principal_id=scene.user, type="T", value="v", source="import")
    await here.write(gone)
    assert await there.check(scene.user) == "GRANTED"
    await here.write(RevokeRoleRequest(principal_id=scene.user, type="T", value="v"))
    assert await there.check(scene.user) == "NOT_GRANTED"
