"""Health follows the database: a worker that cannot reach it is not sent calls."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service import upkeep
from tests.harness.instance import running_service

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

from standalone.postgres import EmbeddedPostgres

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def test_health_follows_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "WATCH_INTERVAL", 0.05)
    server = EmbeddedPostgres(tmp_path / "data", durable=False)
    with server:
        async with (
            running_service(server.url) as address,
            grpc.aio.insecure_channel(address) as channel,
        ):
            health = health_pb2_grpc.HealthStub(channel)

            async def look() -> int:
                answer = await health.Check(health_pb2.HealthCheckRequest())
                return int(answer.status)

            async def becomes(status: int) -> None:
                async with asyncio.timeout(20):
                    while await look() != status:  # noqa: ASYNC110 - another process's doing
                        await asyncio.sleep(0.05)

            await becomes(SERVING)
            server.kill()
            await becomes(NOT_SERVING)
            server.start()
            await becomes(SERVING)
