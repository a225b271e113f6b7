"""`python -m bench.access`: what a check of access costs, and that none is ever stale.

Checks are compared with an empty call on the same server, and those among a million assignments
with those among a thousand. Then a role is granted and revoked again and again by way of one
worker, and checked with the revision that the write returned on the other.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import grpc
import uvloop
from rich.console import Console
from rich.progress import track

from bench.access_seed import Seeding
from bench.clients import GrpcClient
from bench.measuring import Scenario, Target, measure
from bench.report import table_of
from bench.stack import TOKEN, Stack
from rollbook.metadata import REVISION
from rollbook.v1.access_service_pb2 import CheckAccessRequest
from rollbook.v1.access_service_pb2_grpc import AccessServiceStub
from rollbook.v1.role_service_pb2 import GrantRoleRequest, RevokeRoleRequest
from rollbook.v1.role_service_pb2_grpc import RoleServiceStub
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest
from rollbook.v1.user_service_pb2_grpc import UserServiceStub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measuring import Measurement

EACH: Final = 10
"""Assignments of one user."""

SCOPES: Final = 100_000
GROUP_SIZE: Final = 100
LANES: Final = 8
"""How many roles are granted and revoked at the same time."""

_WIDTH: Final = 120


@dataclass(frozen=True)
class Tenant:
    """A tenant with users in groups of a hundred, who have ten roles each; the token is good for
    all of it. Half of the checks come out well."""

    name: str
    token: str
    checks: Sequence[bytes]


async def make_tenant(database_url: str, assignments: int, active: int) -> Tenant:
    """A tenant with so many assignments. `active` users are those whom checks are about."""
    async with Seeding.of_new_tenant(database_url) as seeding:
        users = await seeding.users(assignments // EACH)
        groups = await seeding.groups(max(1, len(users) // GROUP_SIZE))
        await seeding.members(
            [(groups[place % len(groups)], each) for place, each in enumerate(users)]
        )
        # Of each user in turn.
        types = [f"workspace_{number * 7919 % SCOPES}" for number in range(len(users) * EACH)]
        await seeding.roles([(users[place // EACH], each) for place, each in enumerate(types)])
        await seeding.settle()
    rng = random.Random(assignments)
    chosen = rng.sample(range(len(users)), min(active, len(users)))
    checks = [
        CheckAccessRequest(
            principal_id=str(users[number]),
            type=types[number * EACH + rng.randrange(EACH)],
            value=rng.choice(("owner", "viewer")),
        ).SerializeToString()
        for number in chosen
    ]
    return Tenant(f"{assignments:,} assignments", seeding.token, checks)


async def measure_checks(
    stack: Stack, options: argparse.Namespace
) -> tuple[Scenario, list[Measurement]]:
    """Checks in a small and in a large tenant, and empty calls, in turn."""
    tenants = [
        await make_tenant(stack.database_url, assignments, options.active)
        for assignments in (1_000, options.assignments)
    ]
    async with grpc.aio.insecure_channel(stack.grpc_target) as channel:
        empty = GrpcClient(channel, TOKEN).call("/grpc.health.v1.Health/Check", lambda _: b"")
        processes = {"service": stack.service.id, "postgres": stack.postgres_id}
        targets = [Target("empty call", empty, processes)]
        for tenant in tenants:
            targets.append(_checks(tenant, channel, processes, [each.name for each in targets]))
        scenario = Scenario("CheckAccess", options.concurrency, targets)
        for target in targets[1:]:  # Everybody is asked for once: what comes is a steady state.
            for number in track(range(len(tenants[-1].checks)), f"warm: {target.name}"):
                await target.call(0, number)
        return scenario, await measure(scenario, options.rounds, options.seconds, lambda: None)


def _checks(
    tenant: Tenant, channel: grpc.aio.Channel, processes: dict[str, int], against: Sequence[str]
) -> Target:
    order = list(range(len(tenant.checks)))
    random.Random(1).shuffle(order)
    client = GrpcClient(channel, tenant.token)
    call = client.call(
        "/rollbook.v1.AccessService/CheckAccess",
        lambda number: tenant.checks[order[number % len(order)]],
    )
    return Target(tenant.name, call, processes, tuple(against))


async def count_stale(stack: Stack, times: int) -> int:
    """Grants and revokes a role so many times by one worker or the other. Returns how many checks
    with the revision, on the other worker, did not see the write."""
    metadata = (("authorization", f"Bearer {TOKEN}"),)
    channels = [grpc.aio.insecure_channel(target) for target in stack.grpc_targets]
    roles = [RoleServiceStub(channel) for channel in channels]
    checks = [AccessServiceStub(channel) for channel in channels]
    users = UserServiceStub(channels[0])
    stale = 0

    async def lane(number: int) -> None:
        nonlocal stale
        request = CreateUserRequest(user=User(user_name=f"lane-{number}"))
        principal = (await users.CreateUser(request, metadata=metadata)).user.id
        grant = GrantRoleRequest(principal_id=principal, type="T", value="v")
        revoke = RevokeRoleRequest(principal_id=principal, type="T", value="v")
        for turn in range(times // LANES):
            writer, reader = roles[turn % 2], checks[1 - turn % 2]
            for write, is_granted in (
                (partial(writer.GrantRole, grant), True),
                (partial(writer.RevokeRole, revoke), False),
            ):
                revision = await _revision_of(write(metadata=metadata))
                check = CheckAccessRequest(
                    principal_id=principal, type="T", value="v", at_least_as_fresh=revision
                )
                answer = await reader.CheckAccess(check, metadata=metadata)
                stale += answer.allowed != is_granted

    await asyncio.gather(*map(lane, range(LANES)))
    for channel in channels:
        await channel.close()
    return stale


async def _revision_of(write: Any) -> str:
    await write
    return str(dict(await write.trailing_metadata())[REVISION])


def main() -> None:
    """Measure on this machine, and fail when an answer was stale."""
    parser = argparse.ArgumentParser(prog="python -m bench.access", description=__doc__)
    parser.add_argument("--assignments", type=int, default=1_000_000)
    parser.add_argument("--active", type=int, default=5_000, help="users whom checks are about")
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--revocations", type=int, default=100_000)
    options = parser.parse_args()
    console = Console(width=_WIDTH)
    with Stack() as stack:
        console.print(table_of(*uvloop.run(measure_checks(stack, options))))
    with Stack(workers=2) as stack:
        begun = time.monotonic()
        stale = uvloop.run(count_stale(stack, options.revocations))
        seconds = time.monotonic() - begun
    console.print(
        f"{options.revocations:,} revocations checked on the other worker in {seconds:.0f} s: "
        f"{stale} stale answers"
    )
    sys.exit(1 if stale else 0)


if __name__ == "__main__":
    main()
