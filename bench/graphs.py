"""`python -m bench.graphs`: graphs of a size that nobody should have, and what each question costs.

A group of a million, somebody in ten thousand groups, groups fifty deep, circles, somebody with a
role on each of a hundred thousand scopes. Every answer has to come within the deadline, and the
memory of the service has to stay bounded; the exit code tells whether one did not.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import aiohttp
import grpc
import uvloop
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table

from bench.access_seed import Seeding
from bench.stack import Stack
from rollbook.errors import error_from_rpc
from rollbook.v1.access_service_pb2 import (
    BatchCheckAccessRequest,
    CheckAccessRequest,
    CheckMembershipRequest,
    ExplainAccessRequest,
    ListEffectiveRolesRequest,
    ListPrincipalsWithRoleRequest,
    ListTransitiveGroupsRequest,
    ListTransitiveMembersRequest,
)
from rollbook.v1.access_service_pb2_grpc import AccessServiceStub
from rollbook.v1.group_service_pb2 import (
    AddMembersRequest,
    DeleteGroupRequest,
    RemoveMembersRequest,
)
from rollbook.v1.group_service_pb2_grpc import GroupServiceStub
from rollbook.v1.role_service_pb2 import GrantRoleRequest, RevokeRoleRequest
from rollbook.v1.role_service_pb2_grpc import RoleServiceStub
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest, DeleteUserRequest, UpdateUserRequest
from rollbook.v1.user_service_pb2_grpc import UserServiceStub
from service.domain.access.role_writing import MAX_ROLES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from google.protobuf.message import Message

DEADLINE: Final = 10.0
"""Seconds that clients of the Python library wait."""

ROUNDS: Final = 5
"""How often each question is asked."""

ROLE: Final = "workspace_prod"
_REFUSALS: Final = {"TOO_MANY", "INVALID_VALUE"}
"""How limits show."""

_WIDTH: Final = 120
_ACCESS: Final = "urn:rollbook:params:scim:schemas:extension:access:1.0:Access:effectiveRoles"


@dataclass
class Asked:
    """One question: the milliseconds until each of its answers, and what came of it."""

    title: str
    milliseconds: list[float] = field(default_factory=list)
    outcome: str = ""
    failed: bool = False

    @property
    def style(self) -> str:
        """How it is shown."""
        return "bold red" if self.failed else ""


@dataclass
class World:
    """A tenant of its own with one of these graphs, and what was asked about it."""

    token: str
    channel: grpc.aio.Channel
    http: aiohttp.ClientSession
    asked: list[Asked] = field(default_factory=list)

    async def call(self, request: Message) -> Any:
        """The answer of the method whose request this is. Raises grpc.aio.AioRpcError."""
        name = type(request).__name__.removesuffix("Request")
        for kind in (AccessServiceStub, GroupServiceStub, RoleServiceStub, UserServiceStub):
            method = getattr(kind(self.channel), name, None)
            if method is not None:
                metadata = (("authorization", f"Bearer {self.token}"),)
                return await method(request, timeout=DEADLINE, metadata=metadata)
        raise LookupError(name)

    async def ask(self, title: str, request: Message, rounds: int = ROUNDS) -> None:
        """Asks over gRPC."""
        await self._measure(title, lambda: self.call(request), rounds)

    async def write(self, title: str, request: Message) -> None:
        """Writes, once."""
        await self.ask(title, request, rounds=1)

    async def ask_scim(self, title: str, path: str) -> None:
        """Asks over SCIM."""

        async def get() -> str:
            headers = {"Authorization": f"Bearer {self.token}"}
            async with self.http.get(path, headers=headers) as answer:
                body = await answer.read()
            return f"{answer.status}, {len(body):,} bytes"

        await self._measure(title, get, ROUNDS)

    async def _measure(
        self, title: str, work: Callable[[], Awaitable[object]], rounds: int
    ) -> None:
        asked = Asked(title)
        self.asked.append(asked)
        for _ in range(rounds):
            begun = time.monotonic()
            try:
                asked.outcome = _shown(await work())
            except grpc.aio.AioRpcError as error:
                known = error_from_rpc(error)
                asked.outcome = known.reason or str(error.code())
                asked.failed = asked.outcome not in _REFUSALS
            except TimeoutError:
                asked.outcome, asked.failed = "no answer in time", True
            asked.milliseconds.append((time.monotonic() - begun) * 1000)

    async def user(self, name: str) -> str:
        """A user as identity providers make them."""
        made = await self.call(CreateUserRequest(user=User(user_name=name, active=True)))
        identifier: str = made.user.id
        return identifier


def _shown(answer: object) -> str:
    """What an answer says, in a few words."""
    if isinstance(answer, str):
        return answer
    found = []
    for descriptor, value in answer.ListFields():  # type: ignore[attr-defined]
        if descriptor.message_type is None:
            found.append(f"{descriptor.name}={str(value)[:24]}")
        elif hasattr(value, "__len__"):
            found.append(f"{len(value):,} {descriptor.name}")
    return ", ".join(found)


async def ask_all(world: World, principal: str, group: str) -> None:
    """Everything that can be asked about a principal and one of its groups."""
    check = CheckAccessRequest(principal_id=principal, type=ROLE, value="owner")
    moment = Timestamp()
    moment.FromDatetime(datetime.now(UTC) - timedelta(milliseconds=1))
    then = CheckAccessRequest(principal_id=principal, type=ROLE, value="owner", as_of=moment)
    explain = ExplainAccessRequest(principal_id=principal, type=ROLE, value="owner")
    past = ExplainAccessRequest(principal_id=principal, type=ROLE, value="owner", as_of=moment)
    questions: list[tuple[str, Message]] = [
        ("CheckAccess", check),
        ("BatchCheckAccess, 1000", BatchCheckAccessRequest(checks=[check] * 1000)),
        (
            "ListEffectiveRoles, 1000",
            ListEffectiveRolesRequest(principal_id=principal, page_size=1000),
        ),
        ("CheckMembership", CheckMembershipRequest(principal_id=principal, group_id=group)),
        ("ExplainAccess", explain),
        (
            "ListPrincipalsWithRole, 1000",
            ListPrincipalsWithRoleRequest(type=ROLE, value="owner", page_size=1000),
        ),
        (
            "ListTransitiveGroups, 1000",
            ListTransitiveGroupsRequest(principal_id=principal, page_size=1000),
        ),
        (
            "ListTransitiveMembers, 1000",
            ListTransitiveMembersRequest(group_id=group, page_size=1000),
        ),
        ("CheckAccess as of", then),
        ("ExplainAccess as of", past),
    ]
    for title, request in questions:
        await world.ask(title, request)
    await world.ask_scim("GET with effectiveRoles", f"Users/{principal}?attributes={_ACCESS}")


async def write_near(world: World, principal: str, group: str) -> None:
    """Writes that concern a principal and one of its groups, a check after each."""
    check = CheckAccessRequest(principal_id=principal, type=ROLE, value="owner")
    for title, request in (
        ("remove the member", RemoveMembersRequest(group_id=group, member_ids=[principal])),
        ("add the member", AddMembersRequest(group_id=group, member_ids=[principal])),
        ("grant to the group", GrantRoleRequest(principal_id=group, type="more", value="v")),
        ("revoke from the group", RevokeRoleRequest(principal_id=group, type="more", value="v")),
        (
            "grant to the principal",
            GrantRoleRequest(principal_id=principal, type="more", value="v"),
        ),
        ("deactivate", UpdateUserRequest(user=User(id=principal, active=False))),
        ("reactivate", UpdateUserRequest(user=User(id=principal, active=True))),
        ("delete the principal", DeleteUserRequest(id=principal)),
        ("delete the group", DeleteGroupRequest(id=group)),
    ):
        await world.write(title, request)
        await world.ask("  and CheckAccess", check, rounds=1)


@dataclass(frozen=True)
class Graph:
    """A graph around a principal: what it is called, who makes it, and its size in full."""

    title: str
    make: Callable[[Seeding, UUID, int], Awaitable[UUID]]
    size: int


async def million(seeding: Seeding, principal: UUID, size: int) -> UUID:
    """A large group, in a group that has the role."""
    users = await seeding.users(size)
    inner, outer = await seeding.groups(2)
    await seeding.members([(inner, each) for each in [*users, principal]] + [(outer, inner)])
    await seeding.roles([(outer, ROLE)])
    return inner


async def wide(seeding: Seeding, principal: UUID, size: int) -> UUID:
    """Many groups, half of them by way of the others; all have a role of their own and the role."""
    groups = await seeding.groups(size)
    half = size // 2
    await seeding.members([(each, principal) for each in groups[:half]])
    await seeding.members(list(zip(groups[half:], groups, strict=False)))
    await seeding.roles([(each, f"workspace_{n}") for n, each in enumerate(groups)])
    await seeding.roles([(each, ROLE) for each in groups])
    return groups[0]


async def deep(seeding: Seeding, principal: UUID, size: int) -> UUID:
    """Groups in groups; the outermost has the role, and is a member of the innermost."""
    groups = await seeding.groups(size)
    await seeding.members(list(zip(groups, [principal, *groups], strict=False)))
    await seeding.members([(groups[0], groups[-1])])
    await seeding.roles([(groups[-1], ROLE)])
    return groups[0]


async def dense(seeding: Seeding, principal: UUID, size: int) -> UUID:
    """Groups each of which is a member of every one, itself included: more ways than atoms."""
    groups = await seeding.groups(size)
    await seeding.members([(outer, inner) for outer in groups for inner in groups])
    await seeding.members([(groups[0], principal)])
    await seeding.roles([(groups[-1], ROLE)])
    return groups[0]


async def many_scopes(seeding: Seeding, principal: UUID, size: int) -> UUID:
    """Groups that together have a role on each of many scopes, as many each as they can."""
    groups = await seeding.groups(size // (MAX_ROLES // 2) + 1)
    await seeding.members([(each, principal) for each in groups])
    await seeding.roles([(groups[n // (MAX_ROLES // 2)], f"workspace_{n}") for n in range(size)])
    await seeding.roles([(groups[0], ROLE)])
    return groups[0]


async def many_roles(seeding: Seeding, principal: UUID, size: int) -> UUID:
    """The principal itself has a role on each of many scopes."""
    group = await million(seeding, principal, 1)
    await seeding.roles([(principal, f"workspace_{n}") for n in range(size)])
    return group


GRAPHS: Final = (
    Graph("a group of {:,}", million, 1_000_000),
    Graph("a principal in {:,} groups", wide, 10_000),
    Graph("{:,} groups in one another, in a circle", deep, 50),
    Graph("{:,} groups each in every one", dense, 200),
    Graph("groups with roles on {:,} scopes", many_scopes, 100_000),
    Graph("a principal with roles on {:,} scopes", many_roles, MAX_ROLES - 1),
)


async def try_graph(stack: Stack, graph: Graph, size: int) -> tuple[list[Asked], float]:
    """What was asked about a graph of a size, and how large the service was meanwhile, in MB."""
    async with (
        Seeding.of_new_tenant(stack.database_url) as seeding,
        grpc.aio.insecure_channel(stack.grpc_target) as channel,
        aiohttp.ClientSession(
            f"http://127.0.0.1:{stack.http_port}/scim/v2/",
            timeout=aiohttp.ClientTimeout(total=DEADLINE),
        ) as http,
    ):
        world = World(seeding.token, channel, http)
        principal = await world.user("probe")
        group = str(await graph.make(seeding, UUID(principal), size))
        await seeding.settle()
        _forget_peak(stack.service.id)
        await ask_all(world, principal, group)
        await write_near(world, principal, group)
        return world.asked, _peak(stack.service.id)


def _forget_peak(process_id: int) -> None:
    Path(f"/proc/{process_id}/clear_refs").write_text("5")


def _peak(process_id: int) -> float:
    """The most memory that a process has had, in MB (proc(5))."""
    status = Path(f"/proc/{process_id}/status").read_text()
    match = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    assert match is not None
    return int(match[1]) / 1024


def table_of(title: str, asked: list[Asked], peak: float) -> Table:
    """What was asked, in milliseconds."""
    table = Table(title=f"{title} (service: {peak:,.0f} MB at the most)", title_justify="left")
    for name in ("", "first", "median", "worst"):
        table.add_column(name, justify="right" if name else "left")
    table.add_column("answer")
    for each in asked:
        times = each.milliseconds
        shown = (times[0], statistics.median(times), max(times))
        table.add_row(
            each.title, *(f"{time:,.1f}" for time in shown), each.outcome, style=each.style
        )
    return table


def main() -> None:
    """Ask on this machine, and fail when an answer did not come or memory was not bounded."""
    parser = argparse.ArgumentParser(prog="python -m bench.graphs", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the sizes, 0.01 for a trial")
    parser.add_argument("--only", default="", help="graphs whose title has this in it")
    parser.add_argument("--max-mb", type=float, default=600.0)
    options = parser.parse_args()
    console = Console(width=_WIDTH)
    failed = False
    for graph in GRAPHS:
        if options.only not in graph.title:
            continue
        size = max(2, round(graph.size * options.scale))
        with Stack() as stack:
            asked, peak = uvloop.run(try_graph(stack, graph, size))
        console.print(table_of(graph.title.format(size), asked, peak))
        failed |= peak > options.max_mb or any(each.failed for each in asked)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
