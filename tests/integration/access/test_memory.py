"""What a worker keeps in memory of all tenants stays within its limit, and answers stay right."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import pytest

from bench.access_seed import Seeding
from service.directory.access.checks import Decision, decide
from service.directory.access.looks import AccessLooks
from service.domain.access.role_catalogue import RoleKey
from service.epoch import Epoch
from service.storage.database import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from uuid import UUID

    from service.directory.access.cache import CachedPrincipals
    from tests.harness.database import DatabaseServer

TENANTS: Final = 3
USERS: Final = 400
ROLES: Final = 8
LIMIT: Final = 1024 * 1024
"""Less than a third of all these users need."""


@pytest.fixture(scope="module")
async def url(database_server: DatabaseServer) -> AsyncIterator[str]:
    async with database_server.database() as found:
        yield found


@pytest.fixture
async def looks(url: str, tmp_path: Path) -> AsyncIterator[AccessLooks]:
    pool = await Database.connect(url, max_connections=2)
    epoch = Epoch.shared(tmp_path, "test", 512)
    yield AccessLooks(pool, epoch, LIMIT)
    epoch.close()
    await pool.close()


async def _tenant(url: str) -> dict[tuple[UUID, UUID], int]:
    """Users with a role of their own and a group's, by their tenant; their numbers."""
    async with Seeding.of_new_tenant(url) as seeding:
        users = await seeding.users(USERS)
        groups = await seeding.groups(4)
        await seeding.members([(groups[n % 4], each) for n, each in enumerate(users)])
        await seeding.roles(
            [(each, f"own{n}.{k}") for n, each in enumerate(users) for k in range(ROLES)]
        )
        await seeding.roles([(each, f"group{n}") for n, each in enumerate(groups)])
        return {(seeding.tenant_id, each): n for n, each in enumerate(users)}


async def _check(looks: AccessLooks, tenant_id: UUID, user: UUID, role_type: str) -> Decision:
    role = RoleKey(role_type, "owner")

    def work(principals: CachedPrincipals) -> Decision:
        return decide(principals, user, role)

    return await looks.answer(tenant_id, (user,), work)


async def test_the_limit_holds_and_answers_stay_right(url: str, looks: AccessLooks) -> None:
    people: dict[tuple[UUID, UUID], int] = {}
    for _ in range(TENANTS):
        people |= await _tenant(url)
    order, rng, most = list(people) * 2, random.Random(1), 0
    rng.shuffle(order)
    for tenant_id, user in order:
        number = people[tenant_id, user]
        for role_type, expected in (
            (f"own{number}.{rng.randrange(ROLES)}", Decision.GRANTED),
            (f"group{number % 4}", Decision.GRANTED),
            (f"group{(number + 1) % 4}", Decision.NOT_GRANTED),
        ):
            assert await _check(looks, tenant_id, user, role_type) is expected
            most = max(most, looks.bytes)
            assert looks.bytes == sum(
                each.principals.bytes + 4_000 for each in looks._tenants.values()
            )
    assert LIMIT / 2 < most <= LIMIT


async def test_whoever_is_larger_than_the_limit_is_answered_all_the_same(
    url: str, looks: AccessLooks
) -> None:
    async with Seeding.of_new_tenant(url) as seeding:
        ada, eve = await seeding.users(2)
        await seeding.roles([(ada, f"own{number}") for number in range(5_000)])
        await seeding.roles([(eve, "T")])
    for _ in range(3):
        assert await _check(looks, seeding.tenant_id, ada, "own4999") is Decision.GRANTED
        assert await _check(looks, seeding.tenant_id, ada, "t") is Decision.NOT_GRANTED
        assert await _check(looks, seeding.tenant_id, eve, "t") is Decision.GRANTED
        assert looks.bytes <= LIMIT
