"""Random graphs under random writes by several at once, on two workers, against a plain model.

While writes go on, each answer has to be right for some state between the beginning and the end of
its call; when they rest, all that can be asked has to be as the model says.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import grpc
import pytest

from rollbook.v1 import access_service_pb2 as messages
from rollbook.v1.group_pb2 import Group
from rollbook.v1.group_service_pb2 import (
    AddMembersRequest,
    CreateGroupRequest,
    RemoveMembersRequest,
)
from rollbook.v1.role_service_pb2 import (
    GrantRoleRequest,
    RevokeRoleRequest,
    UpdateRoleCatalogueRequest,
)
from rollbook.v1.role_service_pb2_grpc import RoleServiceStub
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest, UpdateUserRequest
from tests.harness.access import Access
from tests.harness.access_model import CATALOGUE, VALUES, Graph, Role
from tests.harness.calls import Calls
from tests.harness.instance import TOKEN
from tests.harness.processes import service_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from rollbook.v1.role_service_pb2_grpc import RoleServiceAsyncStub
    from tests.harness.database import DatabaseServer

USERS: Final = 6
GROUPS: Final = 8
WRITERS: Final = 4
READERS: Final = 4
WRITES: Final = 40
"""Of each writer, in a round."""
ROUNDS: Final = 3
TYPES: Final = ("all_workspaces", "workspace_a", "workspace_b")
ASKED: Final[list[Role]] = [
    (kind, value) for kind in ("workspace_a", "workspace_b", "workspace_c") for value in VALUES
]


@dataclass
class World:
    """The two workers, and what the model knows: `least` for certain, `most` perhaps."""

    workers: list[tuple[Access, Calls, RoleServiceAsyncStub]]
    users: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    least: Graph = field(default_factory=Graph)
    most: Graph = field(default_factory=Graph)
    checks: dict[int, tuple[Graph, Graph]] = field(default_factory=dict)
    """What the checks under way may see: the least and the most since they began."""

    def begin(self, change: Change) -> None:
        """Somebody writes: it may be seen from now on."""
        for least, most in [*self.checks.values(), (self.least, self.most)]:
            change.loosen(least, most)

    def end(self, change: Change) -> None:
        """It was answered: whoever begins from now on has to see it."""
        change.settle(self.least, self.most)


@dataclass
class Change:
    """One element comes to or goes from one of the sets of a graph."""

    name: str
    element: Any
    present: bool

    def loosen(self, least: Graph, most: Graph) -> None:
        """It is in doubt. Who is inactive has less: of that `most` has the least."""
        lower, upper = (most, least) if self.name == "inactive" else (least, most)
        getattr(lower, self.name).discard(self.element)
        getattr(upper, self.name).add(self.element)

    def settle(self, least: Graph, most: Graph) -> None:
        """It is certain."""
        for graph in (least, most):
            elements = getattr(graph, self.name)
            (elements.add if self.present else elements.discard)(self.element)


@pytest.fixture
async def world(database_server: DatabaseServer, tmp_path: Path) -> AsyncIterator[World]:
    async with database_server.database() as url:
        with service_process(url, tmp_path, workers=2) as (_, addresses):
            channels = [grpc.aio.insecure_channel(address) for address in addresses]
            found = World(
                [
                    (Access(each, TOKEN), Calls(each, TOKEN), RoleServiceStub(each))
                    for each in channels
                ]
            )
            await populate(found)
            yield found
            for channel in channels:
                await channel.close()


async def populate(world: World) -> None:
    _, calls, roles = world.workers[0]
    await roles.UpdateRoleCatalogue(
        UpdateRoleCatalogueRequest(catalogue=CATALOGUE), metadata=calls.metadata
    )
    for number in range(USERS):
        made = await calls(CreateUserRequest(user=User(user_name=f"u{number}", active=True)))
        world.users.append(made.user.id)
    for number in range(GROUPS):
        group = await calls(CreateGroupRequest(group=Group(display_name=f"g{number}")))
        world.groups.append(group.group.id)


def draw(world: World, writer: int, rng: random.Random) -> Change:
    """A change of what only this writer changes, so that it knows what there is."""
    kind = rng.choice(["edges", "edges", "edges", "given", "given", "inactive"])
    if kind == "edges":
        pairs = itertools.product([*world.users, *world.groups], world.groups)
        own = [pair for number, pair in enumerate(pairs) if number % WRITERS == writer]
        # Few at a time: of ways through a dense graph there are too many for the model.
        present = [pair for pair in own if pair in world.least.edges]
        if len(present) > 4:
            return Change("edges", rng.choice(present), present=False)
        return Change("edges", rng.choice(own), present=True)
    if kind == "given":
        holder = rng.choice([*world.users, *world.groups][writer::WRITERS])
        element = (holder, (rng.choice(TYPES), rng.choice(VALUES)))
        held = [each for each in world.least.given if each[0] == holder]
        if len(held) > 1:
            return Change("given", rng.choice(held), present=False)
        return Change("given", element, present=True)
    user = rng.choice(world.users[writer::WRITERS])
    return Change("inactive", user, present=user not in world.least.inactive)


async def write(world: World, change: Change, rng: random.Random) -> None:
    _, calls, roles = rng.choice(world.workers)
    present, element = change.present, change.element
    if change.name == "edges":
        kind = AddMembersRequest if present else RemoveMembersRequest
        await calls(kind(group_id=element[1], member_ids=[element[0]]))
    elif change.name == "inactive":
        await calls(UpdateUserRequest(user=User(id=element, active=not present)))
    else:
        holder, (kind_, value) = element
        if present:
            await roles.GrantRole(
                GrantRoleRequest(principal_id=holder, type=kind_, value=value),
                metadata=calls.metadata,
            )
        else:
            await roles.RevokeRole(
                RevokeRoleRequest(principal_id=holder, type=kind_, value=value),
                metadata=calls.metadata,
            )


async def write_on(world: World, writer: int, rng: random.Random) -> None:
    for _ in range(WRITES):
        change = draw(world, writer, rng)
        if (change.element in getattr(world.least, change.name)) == change.present:
            continue
        world.begin(change)
        await write(world, change, rng)
        world.end(change)


async def read_on(world: World, rng: random.Random, stop: asyncio.Event) -> int:
    """Checks one thing after the other; returns how many."""
    count = 0
    while not stop.is_set():
        principal, asked = rng.choice([*world.users, *world.groups]), rng.choice(ASKED)
        seen = (world.least.copy(), world.most.copy())
        world.checks[id(seen)] = seen
        access, _, _ = rng.choice(world.workers)
        decision = await access.check(principal, ":".join(asked))
        del world.checks[id(seen)]
        least, most = seen
        if decision == "GRANTED":
            assert most.allows(principal, asked), (principal, asked)
        else:
            assert not least.allows(principal, asked), (principal, asked)
        count += 1
    return count


async def compare(world: World) -> None:
    """All that can be asked, of both workers."""
    graph = world.least
    for access, _, _ in world.workers:
        for principal in [*world.users, *world.groups]:
            await compare_principal(access, graph, principal)
        for asked in ASKED:
            request = messages.ListPrincipalsWithRoleRequest(
                type=asked[0], value=asked[1], page_size=1000
            )
            listed = {each.id for each in (await access(request)).principals}
            everybody = [*world.users, *world.groups]
            assert listed == {each for each in everybody if graph.allows(each, asked)}
        for group in world.groups:
            members = messages.ListTransitiveMembersRequest(group_id=group, page_size=1000)
            assert {each.id for each in (await access(members)).members} == {
                each
                for each in [*world.users, *world.groups]
                if each != group and group in graph.groups_of(each)
            }


async def compare_principal(access: Access, graph: Graph, principal: str) -> None:
    for asked in ASKED:
        request = messages.ExplainAccessRequest(
            principal_id=principal, type=asked[0], value=asked[1], max_paths=10_000
        )
        explained = await access(request)
        assert not explained.truncated
        found = [
            (tuple(node.id for node in path.nodes), (path.grant.type, path.grant.value))
            for path in explained.paths
        ]
        expected = graph.paths(principal, asked)
        assert len(found) == len(expected)
        assert set(found) == expected
        assert explained.allowed == graph.allows(principal, asked)
    checks = [
        messages.CheckAccessRequest(principal_id=principal, type=kind, value=value)
        for kind, value in ASKED
    ]
    batch = await access(messages.BatchCheckAccessRequest(checks=checks))
    assert [each.allowed for each in batch.results] == [
        graph.allows(principal, asked) for asked in ASKED
    ]
    for kind in ("workspace_a", "workspace_c"):
        roles = await access(messages.ListEffectiveRolesRequest(principal_id=principal, type=kind))
        assert {role.value for role in roles.roles} == {
            value for value in VALUES if graph.allows(principal, (kind, value))
        }
    groups = messages.ListTransitiveGroupsRequest(principal_id=principal, page_size=1000)
    expected_groups = graph.groups_of(principal) - {principal}
    assert {each.id for each in (await access(groups)).groups} == expected_groups


@pytest.mark.parametrize("seed", [1, 2])
async def test_answers_are_those_of_the_model(world: World, seed: int) -> None:
    for round_ in range(ROUNDS):
        stop = asyncio.Event()
        readers = [
            asyncio.create_task(read_on(world, random.Random(f"{seed} {round_} {n}"), stop))
            for n in range(READERS)
        ]
        writers = (
            write_on(world, n, random.Random(f"w {seed} {round_} {n}")) for n in range(WRITERS)
        )
        try:
            await asyncio.gather(*writers)
        finally:
            stop.set()
        assert sum(await asyncio.gather(*readers)) > 0
        assert world.least == world.most
        await compare(world)
