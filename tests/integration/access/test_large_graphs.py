"""Graphs of a size that nobody should have: answers stay right, pages small, and what is too much
is refused by name. `python -m bench.graphs` tries the same in full."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import grpc
import orjson
import pytest

from bench.access_seed import Seeding
from rollbook.v1 import access_service_pb2 as messages
from rollbook.v1.group_service_pb2 import AddMembersRequest, RemoveMembersRequest
from rollbook.v1.role_service_pb2 import GrantRoleRequest
from rollbook.v1.user_pb2 import Role, User
from rollbook.v1.user_service_pb2 import CreateUserRequest, GetUserRequest, UpdateUserRequest
from service.domain.access.role_catalogue import RoleKey
from service.domain.access.role_writing import MAX_ROLES
from service.storage import derived
from service.storage.access import graph as storage
from service.storage.access import lists as access_lists
from service.storage.access.lists import PageOf
from service.storage.database import Database
from tests.harness.access import Access
from tests.harness.calls import Calls
from tests.harness.instance import running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.database import DatabaseServer

MANY: Final = 20_000
ROLE: Final = "T:owner"


class Scene:
    """A tenant of a test's own, whose graph is made without ceremony."""

    def __init__(self, seeding: Seeding, channel: grpc.aio.Channel) -> None:
        self.seeding = seeding
        self.access = Access(channel, seeding.token)
        self.calls = Calls(channel, seeding.token)

    async def user(self) -> str:
        """An active user who can be written to."""
        made = await self.calls(CreateUserRequest(user=User(user_name="ada", active=True)))
        identifier: str = made.user.id
        return identifier

    async def all_ids(self, request: Any) -> list[str]:
        """The ids of all pages of a list."""
        found: list[str] = []
        while True:
            answer = await self.access(request)
            (items,) = [value for _, value in answer.ListFields() if not isinstance(value, str)]
            assert len(items) <= request.page_size
            found.extend(item.id for item in items)
            request.page_token = answer.next_page_token
            if not request.page_token:
                return found


@pytest.fixture(scope="module")
async def url(database_server: DatabaseServer) -> AsyncIterator[str]:
    """A database of these tests' own: what is in it would be in the way of others."""
    async with database_server.database() as found:
        yield found


@pytest.fixture(scope="module")
async def address(url: str) -> AsyncIterator[str]:
    async with running_service(url) as found:
        yield found


@pytest.fixture
async def scene(url: str, address: str) -> AsyncIterator[Scene]:
    async with (
        Seeding.of_new_tenant(url) as seeding,
        grpc.aio.insecure_channel(address) as channel,
    ):
        yield Scene(seeding, channel)


async def test_a_large_group_is_listed_page_by_page_and_checked_one_by_one(scene: Scene) -> None:
    ada, users = await scene.user(), await scene.seeding.users(MANY)
    inner, outer = await scene.seeding.groups(2)
    await scene.seeding.members([(inner, each) for each in users] + [(outer, inner)])
    await scene.seeding.roles([(outer, "T")])
    expected = sorted(map(str, users))
    with_role = messages.ListPrincipalsWithRoleRequest(
        type="T", value="owner", principal_types=["User"], page_size=1000
    )
    assert await scene.all_ids(with_role) == expected
    members = messages.ListTransitiveMembersRequest(group_id=str(outer), page_size=1000)
    assert await scene.all_ids(members) == sorted([*expected, str(inner)])
    groups = messages.ListTransitiveMembersRequest(
        group_id=str(outer), member_types=["Group"], page_size=10
    )
    assert await scene.all_ids(groups) == [str(inner)]
    assert await scene.access.check(ada, ROLE) == "NOT_GRANTED"
    await scene.calls(AddMembersRequest(group_id=str(inner), member_ids=[ada]))
    assert await scene.access.check(ada, ROLE) == "GRANTED"
    await scene.calls(UpdateUserRequest(user=User(id=ada, active=False)))
    assert await scene.access.check(ada, ROLE) == "PRINCIPAL_INACTIVE"
    await scene.calls(RemoveMembersRequest(group_id=str(inner), member_ids=[expected[0]]))
    assert await scene.access.check(expected[0], ROLE) == "NOT_GRANTED"
    assert await scene.access.check(expected[1], ROLE) == "GRANTED"


@pytest.mark.parametrize("types", [None, ["User"]])
async def test_a_page_of_a_large_group_reads_no_more_than_a_page(
    scene: Scene, url: str, types: list[str] | None
) -> None:
    users = await scene.seeding.users(MANY)
    (group,) = await scene.seeding.groups(1)
    await scene.seeding.members([(group, each) for each in users])
    await scene.seeding.roles([(group, "T")])
    await scene.seeding.settle()
    page = PageOf(users[MANY // 2], 10, types)
    for statement, *parameters in (
        access_lists.members_statement(group, page),
        access_lists.principals_statement([RoleKey("T", "owner")], page),
    ):
        plan = await _plan(url, scene.seeding.tenant_id, statement, parameters)
        assert max(_rows(plan)) < 100, orjson.dumps(plan).decode()


async def _plan(url: str, tenant_id: UUID, statement: str, parameters: list[Any]) -> Any:
    """The plan of a statement as the service runs it, with what it came to."""
    pool = await Database.connect(url, max_connections=1)
    try:
        async with pool.connection(tenant_id) as connection:
            explained = await connection.fetchval(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", tenant_id, *parameters
            )
    finally:
        await pool.close()
    return orjson.loads(explained)[0]["Plan"]


def _rows(node: Any) -> list[float]:
    """How many rows each step of a plan gave."""
    own = node["Actual Rows"] * node["Actual Loops"]
    return [own, *itertools.chain.from_iterable(map(_rows, node.get("Plans", ())))]


async def test_somebody_in_very_many_groups(scene: Scene) -> None:
    ada, groups = await scene.user(), await scene.seeding.groups(3000)
    await scene.seeding.members([(each, UUID(ada)) for each in groups[:1500]])
    await scene.seeding.members(list(zip(groups[1500:], groups, strict=False)))
    await scene.seeding.roles([(each, f"W{n}") for n, each in enumerate(groups)])
    for number in (0, 1499, 1500, 2999):
        assert await scene.access.check(ada, f"W{number}:owner") == "GRANTED"
    assert await scene.access.check(ada, "W3000:owner") == "NOT_GRANTED"
    listed = messages.ListTransitiveGroupsRequest(principal_id=ada, page_size=1000)
    assert await scene.all_ids(listed) == sorted(map(str, groups))
    explain = messages.ExplainAccessRequest(principal_id=ada, type="W2999", value="owner")
    (path,) = (await scene.access(explain)).paths
    assert [node.id for node in path.nodes] == [ada, str(groups[1499]), str(groups[2999])]
    await scene.calls(RemoveMembersRequest(group_id=str(groups[1499]), member_ids=[ada]))
    assert await scene.access.check(ada, "W2999:owner") == "NOT_GRANTED"
    assert await scene.access.check(ada, "W0:owner") == "GRANTED"


async def test_groups_that_are_all_in_one_another(scene: Scene) -> None:
    ada, groups = await scene.user(), await scene.seeding.groups(60)
    await scene.seeding.members([*itertools.product(groups, groups), (groups[0], UUID(ada))])
    await scene.seeding.roles([(groups[-1], "T")])
    assert await scene.access.check(ada, ROLE) == "GRANTED"
    explain = messages.ExplainAccessRequest(principal_id=ada, type="T", value="owner")
    explained = await scene.access(explain)
    assert explained.truncated, "there are more ways than anybody could list"
    shortest = [node.id for node in explained.paths[0].nodes]
    assert shortest == [ada, str(groups[0]), str(groups[-1])]
    await scene.calls(RemoveMembersRequest(group_id=str(groups[0]), member_ids=[ada]))
    assert await scene.access.check(ada, ROLE) == "NOT_GRANTED"


async def test_roles_on_very_many_scopes_are_listed_page_by_page(scene: Scene) -> None:
    ada, groups = await scene.user(), await scene.seeding.groups(2)
    await scene.seeding.members([(each, UUID(ada)) for each in groups])
    types = [f"w{number:05}" for number in range(MANY)]
    await scene.seeding.roles([(groups[n % 2], each) for n, each in enumerate(types)])
    request = messages.ListEffectiveRolesRequest(principal_id=ada, page_size=1000)
    found: list[str] = []
    while not found or request.page_token:
        answer = await scene.access(request)
        found.extend(role.type for role in answer.roles)
        request.page_token = answer.next_page_token
    assert found == types
    batch = messages.BatchListEffectiveRolesRequest(principal_ids=[ada])
    (listed,) = (await scene.access(batch)).principals
    assert (len(listed.roles), listed.truncated) == (1000, True)


@pytest.mark.parametrize(("number", "truncated"), [(1000, False), (1001, True)])
async def test_a_resource_shows_a_thousand_effective_roles(
    scene: Scene, number: int, *, truncated: bool
) -> None:
    assert derived.MAX_ROLES == 1000
    ada, (group,) = await scene.user(), await scene.seeding.groups(1)
    await scene.seeding.members([(group, UUID(ada))])
    await scene.seeding.roles([(group, f"w{each}") for each in range(number)])
    request = GetUserRequest(id=ada)
    request.read_mask.paths.append("access")
    shown = (await scene.calls(request)).user.access
    assert (len(shown.effective_roles), shown.truncated) == (1000, truncated)


async def test_nobody_is_given_more_roles_than_can_be_shown(scene: Scene) -> None:
    roles = [Role(type=f"w{number}", value="owner") for number in range(MAX_ROLES + 1)]
    too_many = CreateUserRequest(user=User(user_name="ada", active=True, roles=roles))
    failure = await scene.calls.failure(too_many)
    assert (failure.reason, failure.field) == ("INVALID_VALUE", "roles")
    ada = await scene.user()
    await scene.seeding.roles([(UUID(ada), f"w{number}") for number in range(MAX_ROLES)])
    grant = GrantRoleRequest(principal_id=ada, type="one-more", value="v")
    failure = await scene.calls.failure(grant)
    assert (failure.reason, failure.field) == ("INVALID_VALUE", "roles")
    assert str(MAX_ROLES) in str(failure)


async def test_what_is_too_much_to_look_at_is_refused_by_name(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, eve = await scene.user(), str((await scene.seeding.users(1))[0])
    groups = await scene.seeding.groups(50)
    await scene.seeding.members([(each, UUID(ada)) for each in groups])
    await scene.seeding.roles([(groups[0], "T"), (UUID(eve), "T")])
    monkeypatch.setattr(storage, "_LOOK", storage._LOOK.replace(str(storage.MAX_PRINCIPALS), "50"))
    for request in (
        messages.CheckAccessRequest(principal_id=ada, type="T", value="owner"),
        messages.ListEffectiveRolesRequest(principal_id=ada),
        messages.CheckMembershipRequest(principal_id=ada, group_id=str(groups[0])),
    ):
        assert await scene.access.reason(request) == "TOO_MANY"
    assert await scene.access.check(eve, ROLE) == "GRANTED"
    await scene.calls(RemoveMembersRequest(group_id=str(groups[1]), member_ids=[ada]))
    assert await scene.access.check(ada, ROLE) == "GRANTED"
