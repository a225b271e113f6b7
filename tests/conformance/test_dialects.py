"""Who keeps to the standard gets along with the dialects of identity providers too."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from tests.harness.instance import TOKEN, running_gateway

if TYPE_CHECKING:
    import asyncpg


@pytest.mark.parametrize("dialect", ["okta", "entra"])
async def test_every_check_succeeds_under(
    dialect: str, service: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with running_gateway(service, scim_dialect=dialect) as url:
        with Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as http:
            results = await asyncio.to_thread(check_server, SyncSCIMClient(http))
    assert results
    assert [str(each) for each in results if each.status is not Status.SUCCESS] == []
