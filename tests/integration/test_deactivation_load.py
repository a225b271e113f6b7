"""No call begun after the acknowledgement of a deactivation succeeds, on any worker, under load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grpc

from bench.deactivations import Campaign
from tests.harness.instance import TOKEN
from tests.harness.processes import service_process

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.database import DatabaseServer

WORKERS: Final = 2
USERS: Final = 90


async def test_nobody_is_let_in_after_the_answer(
    database_server: DatabaseServer, tmp_path: Path
) -> None:
    async with database_server.database() as url:
        with service_process(url, tmp_path, WORKERS) as (_, addresses):
            channels = [grpc.aio.insecure_channel(address) for address in addresses]
            result = await Campaign(channels, TOKEN).run(USERS)
            for channel in channels:
                await channel.close()
    assert (result.users, result.late) == (USERS, 0)
    assert result.calls > WORKERS * USERS
    assert set(result.ways) == {"PatchUser", "UpdateUser", "DeleteUser", "Bulk"}
