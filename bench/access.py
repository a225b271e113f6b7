"""`python -m bench.access`: what a check of access costs, and that none is ever stale.

Checks are compared with an empty call on the same server, and those among a million assignments
with those among a thousand. Then a role is granted and revoked again and again by way of one
worker, and checked with the revision that the write returned on the other.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID, uuid4

import asyncpg
import grpc
import uvloop
from rich.console import Console
from rich.progress import track

from bench.clients import GrpcClient
from bench.measuring import Scenario, Target, measure
from bench.report import table_of
from bench.stack import TOKEN, Stack
from rollbook.access import EVERY_SCOPE
from rollbook.metadata import REVISION
from rollbook.tokens import new_token
from rollbook.v1.access_service_pb2 import CheckAccessRequest
from rollbook.v1.access_service_pb2_grpc import AccessServiceStub
from rollbook.v1.role_service_pb2 import GrantRoleRequest, RevokeRoleRequest
from rollbook.v1.role_service_pb2_grpc import RoleServiceStub
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest
from rollbook.v1.user_service_pb2_grpc import UserServiceStub
from service.domain.identifiers import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.measuring import Measurement

Item = TypeVar("Item")

EACH: Final = 10
"""Assignments of one user."""

SCOPES: Final = 100_000
GROUP_SIZE: Final = 100
LANES: Final = 8
"""How many roles are granted and revoked at the same time."""

_CHUNK: Final = 20_000
_WIDTH: Final = 120

_USERS: Final = """
INSERT INTO resources (
    tenant_id, id, resource_type, unique_key, display, active, create_time, update_time, message,
    search
)
SELECT $1, id, kind, name, name, true, now(), now(), '', '{}'
FROM unnest($2::uuid [], $3::text [], $4::text []) AS n (id, kind, name)
"""

_MEMBERS: Final = """
INSERT INTO members (tenant_id, group_id, member_id)
SELECT $1, group_id, member_id FROM unnest($2::uuid [], $3::uuid []) AS n (group_id, member_id)
"""

_ASSIGNMENTS: Final = """
INSERT INTO role_assignments (
    tenant_id, id, principal_id, role_type, value, type_key, value_key, source, granted_by
)
SELECT $1, gen_random_uuid(), principal_id, type, 'owner', type, 'owner', 'manual', 'bench'
FROM unnest($2::uuid [], $3::text []) AS n (principal_id, type)
"""


@dataclass(frozen=True)
class Tenant:
    """A tenant with users in groups of a hundred, who have ten roles each; the token is good for
    all of it. Half of the checks come out well."""

    name: str
    token: str
    checks: Sequence[bytes]


async def make_tenant(database_url: str, assignments: int, active: int) -> Tenant:
    """A tenant with so many assignments. `active` users are those whom checks are about."""
    tenant_id, token = uuid4(), new_token()
    connection = await asyncpg.connect(
        database_url, server_settings={"rollbook.tenant_id": str(tenant_id)}
    )
    try:
        await _make_credential(connection, tenant_id, token)
        users = await _make_users(connection, tenant_id, assignments // EACH)
        types = await _make_assignments(connection, tenant_id, users)
        for table in ("resources", "members", "role_assignments"):
            await connection.execute(f"VACUUM ANALYZE {table}")
    finally:
        await connection.close()
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
    return Tenant(f"{assignments:,} assignments", token, checks)


async def _make_credential(
    connection: asyncpg.Connection[asyncpg.Record], tenant_id: UUID, token: str
) -> None:
    await connection.execute(
        "INSERT INTO tenants (tenant_id, name) VALUES ($1, $2)", tenant_id, str(tenant_id)
    )
    await connection.execute(
        "INSERT INTO credentials (tenant_id, id, name, kind, token_hash, scopes) "
        "VALUES ($1, $2, 'bench', 'token', $3, $4)",
        tenant_id,
        uuid4(),
        hashlib.sha256(token.encode()).digest(),
        sorted(EVERY_SCOPE),
    )


async def _make_users(
    connection: asyncpg.Connection[asyncpg.Record], tenant_id: UUID, number: int
) -> list[UUID]:
    users = [new_id() for _ in range(number)]
    groups = [new_id() for _ in range(max(1, number // GROUP_SIZE))]
    everybody = [(each, "User") for each in users] + [(each, "Group") for each in groups]
    for some in _chunks(everybody):
        ids, kinds = map(list, zip(*some, strict=True))
        await connection.execute(_USERS, tenant_id, ids, kinds, [str(each) for each in ids])
    pairs = [(groups[place % len(groups)], each) for place, each in enumerate(users)]
    for some_pairs in _chunks(pairs):
        await connection.execute(_MEMBERS, tenant_id, *map(list, zip(*some_pairs, strict=True)))
    return users


async def _make_assignments(
    connection: asyncpg.Connection[asyncpg.Record], tenant_id: UUID, users: Sequence[UUID]
) -> list[str]:
    """The types of the roles given, ten for each user in turn."""
    types = [f"workspace_{number * 7919 % SCOPES}" for number in range(len(users) * EACH)]
    given = [(users[place // EACH], each) for place, each in enumerate(types)]
    for some in _chunks(given):
        await connection.execute(_ASSIGNMENTS, tenant_id, *map(list, zip(*some, strict=True)))
    return types


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


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
