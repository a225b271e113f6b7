"""A token that is revoked, or loses its rights, fails on every worker from the acknowledgement
on."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rollbook.client import RollbookClient, remove
from rollbook.errors import PermissionDeniedError, UnauthenticatedError
from rollbook.v1.service_account_pb2 import ServiceAccount
from rollbook.v1.user_pb2 import Role
from tests.harness.instance import TOKEN
from tests.harness.processes import service_process

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

    from rollbook.v1.credential_service_pb2 import Token

WORKERS = 2
ADMIN = Role(type="account_type", value="admin")
ROUNDS = 5


@pytest.fixture(scope="module")
def workers(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Addresses of the workers of one service."""
    directory = tmp_path_factory.mktemp("revocation")
    with service_process(database_url, directory, WORKERS) as (_, addresses):
        yield addresses


END: dict[str, Callable[[RollbookClient, Token], Awaitable[object]]] = {
    "revoked": lambda admin, token: admin.tokens.revoke(token.id),
    "replaced": lambda admin, token: admin.tokens.rotate(token.id, overlap=timedelta(0)),
    "its account deactivated": lambda admin, token: admin.service_accounts.deactivate(
        token.principal_id
    ),
    "the role taken away": lambda admin, token: admin.service_accounts.patch(
        token.principal_id, [remove("roles")]
    ),
}
"""Ways to end at once what a token is good for."""


class Use:
    """Calls with a token, without a pause, until it is refused."""

    def __init__(self, client: RollbookClient) -> None:
        self._client = client
        self.last_begun = 0.0
        self.under_way = asyncio.Event()

    async def until_refused(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                await self._client.tokens.describe_caller()
            except (UnauthenticatedError, PermissionDeniedError):
                return
            self.last_begun = begun
            self.under_way.set()


async def revoke_under_use(
    stack: AsyncExitStack, addresses: Sequence[str], revoking: str, how: str
) -> tuple[float, list[Use]]:
    """When the answer to a revocation came, and what the uses of the token had come to."""
    admin = await stack.enter_async_context(RollbookClient(revoking, token=TOKEN))
    account = await admin.service_accounts.create(
        ServiceAccount(display_name=str(uuid4()), roles=[ADMIN])
    )
    made = await admin.tokens.create("victim", ["scim"], principal_id=account.id)
    clients = [
        await stack.enter_async_context(RollbookClient(address, token=made.secret))
        for address in addresses
        for _ in range(3)
    ]
    uses = [Use(client) for client in clients]
    running = [asyncio.ensure_future(use.until_refused()) for use in uses]
    await asyncio.gather(*(use.under_way.wait() for use in uses))
    await END[how](admin, made.token)
    acknowledged = time.monotonic()
    await asyncio.wait_for(asyncio.gather(*running), 10)
    return acknowledged, uses


@pytest.mark.parametrize("how", END)
@pytest.mark.parametrize("worker", range(WORKERS))
async def test_no_call_begun_after_the_answer_succeeds(
    workers: list[str], worker: int, how: str
) -> None:
    for _ in range(ROUNDS):
        async with AsyncExitStack() as stack:
            acknowledged, uses = await revoke_under_use(stack, workers, workers[worker], how)
        late = [use.last_begun - acknowledged for use in uses if use.last_begun > acknowledged]
        assert not late


async def test_services_over_one_database_share_what_they_revoke(
    workers: list[str], database_url: str, tmp_path: Path
) -> None:
    with service_process(database_url, tmp_path) as (_, other):
        async with AsyncExitStack() as stack:
            acknowledged, uses = await revoke_under_use(stack, workers, other[0], "revoked")
    assert not [use for use in uses if use.last_begun > acknowledged]


async def test_elsewhere_it_fails_within_a_second(
    workers: list[str], database_url: str, tmp_path: Path
) -> None:
    """Another run directory is what another machine is."""
    with service_process(database_url, tmp_path, ROLLBOOK_RUN_DIR=str(tmp_path)) as (_, other):
        async with AsyncExitStack() as stack:
            acknowledged, uses = await revoke_under_use(stack, workers, other[0], "revoked")
    assert all(use.last_begun < acknowledged + 1 for use in uses)
    assert not list(tmp_path.glob("rollbook-*"))
