"""Tenants that may call more or less often than others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rollbook.access import EVERY_SCOPE, Scope
from rollbook.client import RollbookClient
from rollbook.errors import InvalidRequestError, LimitExceededError, PermissionDeniedError
from rollbook.v1.tenant_pb2 import RateLimit
from tests.harness.command import Command
from tests.harness.instance import TOKEN
from tests.harness.processes import service_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import asyncpg

    from rollbook.v1.tenant_pb2 import Tenant

    Database = asyncpg.Connection[asyncpg.Record]

IN_TENANT = sorted(EVERY_SCOPE - {Scope.PLATFORM})
FEW = RateLimit(requests_per_second=1, burst=5)
ANY = RateLimit(requests_per_second=0)


@pytest.fixture
async def platform(service: str, database: Database) -> AsyncIterator[RollbookClient]:
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


async def new_tenant(platform: RollbookClient, limit: RateLimit | None) -> tuple[Tenant, str]:
    """A tenant, and an administrator's token of its own."""
    made = await platform.tenants.create(f"acme-{uuid4().hex[:8]}", rate_limit=limit)
    async with platform.acting_in(made.id) as inside:
        return made, (await inside.tokens.create("admin", IN_TENANT)).secret


async def refusals(client: RollbookClient, calls: int) -> list[LimitExceededError]:
    """Of calls at once, those that are too many."""
    got = await asyncio.gather(
        *(client.tokens.describe_caller() for _ in range(calls)), return_exceptions=True
    )
    refused = [each for each in got if isinstance(each, BaseException)]
    assert all(isinstance(each, LimitExceededError) for each in refused), refused
    return [each for each in refused if isinstance(each, LimitExceededError)]


async def test_a_tenant_has_a_limit_of_its_own(platform: RollbookClient, service: str) -> None:
    (made, token), (_, other) = [await new_tenant(platform, limit) for limit in (FEW, None)]
    assert (await platform.tenants.get(made.id)).rate_limit == FEW
    async with (
        RollbookClient(service, token=token) as limited,
        RollbookClient(service, token=other) as unlimited,
    ):
        refused = await refusals(limited, 40)
        assert refused
        assert refused[0].reason == "RATE_LIMITED"
        assert refused[0].metadata["limitPerSecond"] == "1"
        assert not await refusals(unlimited, 40)
        # It counts at once, and is taken away as fast.
        await platform.tenants.update(made.id, rate_limit=ANY)
        assert not await refusals(limited, 40)
        await platform.tenants.update(made.id, rate_limit=FEW)
        assert await refusals(limited, 40)
        changed = await platform.tenants.update(made.id, rate_limit="default")
        assert not changed.HasField("rate_limit")
        assert not await refusals(limited, 40)


async def test_a_change_of_something_else_keeps_it(platform: RollbookClient) -> None:
    made, _ = await new_tenant(platform, RateLimit(requests_per_second=200))
    assert made.rate_limit == RateLimit(requests_per_second=200, burst=400)
    renamed = await platform.tenants.update(made.id, display_name="Acme")
    assert renamed.rate_limit == made.rate_limit
    assert (await platform.tenants.suspend(made.id)).rate_limit == made.rate_limit


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (RateLimit(requests_per_second=-1), "between 0 and 1000000"),
        (RateLimit(requests_per_second=1_000_001), "between 0 and 1000000"),
        (RateLimit(burst=5), "takes requests_per_second"),
        (RateLimit(), "takes requests_per_second"),
        (RateLimit(requests_per_second=5, burst=0), "burst is between"),
        (RateLimit(requests_per_second=5, burst=10_000_001), "burst is between"),
    ],
)
async def test_what_is_no_limit_is_refused(
    limit: RateLimit, message: str, platform: RollbookClient
) -> None:
    made, _ = await new_tenant(platform, None)
    with pytest.raises(InvalidRequestError, match=message):
        await platform.tenants.update(made.id, rate_limit=limit)
    assert await platform.tenants.get(made.id) == made


async def test_no_tenant_sets_its_own(platform: RollbookClient, service: str) -> None:
    made, token = await new_tenant(platform, FEW)
    async with RollbookClient(service, token=token) as own:
        with pytest.raises(PermissionDeniedError, match="platform"):
            await own.tenants.update(made.id, rate_limit=ANY)


async def test_every_worker_goes_by_it(database_url: str, tmp_path: Path) -> None:
    with service_process(database_url, tmp_path, 2) as (_, addresses):
        async with RollbookClient(addresses[0], token=TOKEN) as platform:
            made, token = await new_tenant(platform, None)
            async with RollbookClient(addresses[1], token=token) as limited:
                assert not await refusals(limited, 40)
                await platform.tenants.update(made.id, rate_limit=FEW)
                assert await refusals(limited, 40)
                await platform.tenants.update(made.id, rate_limit=ANY)
                assert not await refusals(limited, 40)


async def test_the_command_sets_shows_and_takes_it_away(service: str, database: Database) -> None:
    rollbook, name = Command(service, TOKEN), f"acme-{uuid4().hex[:8]}"
    made = await rollbook("tenant", "create", name, "--requests-per-second", "200")
    assert "200, 400 at once" in made.out
    changed = await rollbook(
        "tenant", "update", name, "--requests-per-second", "50", "--burst", "70"
    )
    assert "50, 70 at once" in changed.out
    assert "50, 70 at once" in (await rollbook("tenant", "get", name)).out
    changed = await rollbook("tenant", "update", name, "--requests-per-second", "0")
    assert "any" in changed.out
    changed = await rollbook("tenant", "update", name, "--default-rate")
    assert "default" in changed.out
    for arguments in (["--burst", "5"], ["--default-rate", "--requests-per-second", "5"]):
        assert (await rollbook("tenant", "update", name, *arguments)).exit_code == 2
