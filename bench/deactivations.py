"""`python -m bench.deactivations`: who is deactivated is out at once, while all go on calling.

Users call every worker with tokens of theirs, without a pause, while they are deactivated and
deleted in every way. No call that began after the acknowledgement may succeed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import grpc
import uvloop

from bench.stack import TOKEN, Stack
from rollbook.v1 import patch_pb2
from rollbook.v1.credential_service_pb2 import CreateTokenRequest, DescribeCallerRequest
from rollbook.v1.credential_service_pb2_grpc import CredentialServiceStub
from rollbook.v1.directory_service_pb2 import BulkOperation, BulkRequest
from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceStub
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import (
    CreateUserRequest,
    DeleteUserRequest,
    PatchUserRequest,
    UpdateUserRequest,
)
from rollbook.v1.user_service_pb2_grpc import UserServiceStub

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from rollbook.v1.credential_service_pb2_grpc import CredentialServiceAsyncStub

WAVE: Final = 60
"""How many users are in it at once."""

BULK: Final = 3
"""How many users one bulk deactivates."""

Metadata = tuple[tuple[str, str], ...]


@dataclass
class Victim:
    """A user with a token: when their last call began that succeeded, and when the deactivation
    was acknowledged."""

    id: str
    metadata: Metadata
    last_success: float = 0.0
    acknowledged: float = 0.0
    calls: int = 0

    @property
    def is_late(self) -> bool:
        """Whether a call succeeded that began after the acknowledgement."""
        return self.last_success > self.acknowledged


@dataclass
class Result:
    """What came of it: how many were let in too late, and how many users each way ended."""

    users: int = 0
    late: int = 0
    calls: int = 0
    seconds: float = 0.0
    ways: dict[str, int] = field(default_factory=dict)


class Campaign:
    """Deactivates users through workers that are channels, with an administrator's token."""

    def __init__(self, channels: Sequence[grpc.aio.Channel], token: str) -> None:
        self._metadata: Metadata = (("authorization", f"Bearer {token}"),)
        self._credentials = [CredentialServiceStub(channel) for channel in channels]
        self._users = itertools.cycle([UserServiceStub(channel) for channel in channels])
        self._directory = itertools.cycle([DirectoryServiceStub(channel) for channel in channels])
        self._numbers = itertools.count()

    async def run(self, users: int) -> Result:
        """Deactivate that many users, wave by wave."""
        result, begun = Result(), time.monotonic()
        while result.users < users:
            victims = await self._victims(min(WAVE, users - result.users))
            await self._wave(victims, result)
            result.users += len(victims)
            result.late += sum(victim.is_late for victim in victims)
            result.calls += sum(victim.calls for victim in victims)
        result.seconds = time.monotonic() - begun
        return result

    async def _victims(self, count: int) -> list[Victim]:
        names = [f"victim-{next(self._numbers)}" for _ in range(count)]
        operations = [
            BulkOperation(create_user=CreateUserRequest(user=User(user_name=name)))
            for name in names
        ]
        answer = await next(self._directory).Bulk(
            BulkRequest(operations=operations), metadata=self._metadata
        )
        return list(await asyncio.gather(*(self._victim(each.id) for each in answer.results)))

    async def _victim(self, user_id: str) -> Victim:
        request = CreateTokenRequest(name="victim", scopes=["directory.read"], principal_id=user_id)
        made = await self._credentials[0].CreateToken(request, metadata=self._metadata)
        return Victim(user_id, (("authorization", f"Bearer {made.secret}"),))

    async def _wave(self, victims: Sequence[Victim], result: Result) -> None:
        begun = [asyncio.Event() for _ in itertools.product(victims, self._credentials)]
        uses = [
            asyncio.create_task(self._use(victim, stub, event))
            for (victim, stub), event in zip(
                itertools.product(victims, self._credentials), begun, strict=True
            )
        ]
        await asyncio.gather(*(event.wait() for event in begun))
        await asyncio.gather(*self._ends(victims, result))
        await asyncio.gather(*uses)

    async def _use(
        self, victim: Victim, stub: CredentialServiceAsyncStub, has_succeeded: asyncio.Event
    ) -> None:
        """Call one worker until it refuses."""
        while True:
            begun = time.monotonic()
            victim.calls += 1
            try:
                await stub.DescribeCaller(DescribeCallerRequest(), metadata=victim.metadata)
            except grpc.aio.AioRpcError as error:
                if error.code() != grpc.StatusCode.UNAUTHENTICATED:
                    raise
                return
            victim.last_success = max(victim.last_success, begun)
            has_succeeded.set()

    def _ends(self, victims: Sequence[Victim], result: Result) -> list[Awaitable[None]]:
        """Deactivations in all ways at once, of some of the victims each."""
        ends: list[Awaitable[None]] = []
        ways = itertools.cycle(self._ways().items())
        for way, end in ways:
            if not victims:
                return ends
            size = BULK if way == "Bulk" else 1
            some, victims = victims[:size], victims[size:]
            result.ways[way] = result.ways.get(way, 0) + len(some)
            ends.append(_acknowledged(some, end))
        return ends

    def _ways(self) -> dict[str, Callable[[Sequence[Victim]], Awaitable[object]]]:
        users = next(self._users)
        off, metadata = User(active=False), self._metadata

        def update(victim: Victim) -> UpdateUserRequest:
            return UpdateUserRequest(user=User(id=victim.id, active=False))

        def bulk(some: Sequence[Victim]) -> BulkRequest:
            return BulkRequest(
                operations=[BulkOperation(patch_user=_patch(victim.id, off)) for victim in some]
            )

        return {
            "PatchUser": lambda some: users.PatchUser(_patch(some[0].id, off), metadata=metadata),
            "UpdateUser": lambda some: users.UpdateUser(update(some[0]), metadata=metadata),
            "DeleteUser": lambda some: users.DeleteUser(
                DeleteUserRequest(id=some[0].id), metadata=metadata
            ),
            "Bulk": lambda some: next(self._directory).Bulk(bulk(some), metadata=metadata),
        }


async def _acknowledged(
    some: Sequence[Victim], end: Callable[[Sequence[Victim]], Awaitable[object]]
) -> None:
    await end(some)
    now = time.monotonic()
    for victim in some:
        victim.acknowledged = now


def _patch(user_id: str, value: User) -> PatchUserRequest:
    operation = patch_pb2.PatchOperation(op=patch_pb2.PATCH_OP_REPLACE, user=value)
    operation.path.attribute.attribute = "active"
    return PatchUserRequest(id=user_id, operations=[operation])


def main() -> None:
    """Run it on this machine, and fail when somebody was let in too late."""
    parser = argparse.ArgumentParser(prog="python -m bench.deactivations", description=__doc__)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with Stack(workers=options.workers) as stack:
        result = uvloop.run(_run(stack, options.users))
    print(
        f"{result.users} users deactivated with {options.workers} workers in "
        f"{result.seconds:.0f} s, {result.calls} calls of theirs meanwhile; "
        f"{result.late} let in too late. Ways: {result.ways}"
    )
    sys.exit(1 if result.late else 0)


async def _run(stack: Stack, users: int) -> Result:
    channels = [grpc.aio.insecure_channel(target) for target in stack.grpc_targets]
    try:
        return await Campaign(channels, TOKEN).run(users)
    finally:
        for channel in channels:
            await channel.close()


if __name__ == "__main__":
    main()
