"""scim2-tester finds nothing: it discovers the server and checks every attribute that it finds."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from scim2_tester import Status, check_server

if TYPE_CHECKING:
    from scim2_client.engines.httpx2 import SyncSCIMClient


async def test_every_check_succeeds(scim2_client: SyncSCIMClient) -> None:
    results = await asyncio.to_thread(check_server, scim2_client)
    others = [result for result in results if result.status is not Status.SUCCESS]
    assert not others, "\n".join(
        f"{result.status.name} {result.resource_type} {result.title}: {result.reason}"
        for result in others
    )
    assert len(results) >= 135, Counter(result.title for result in results)
