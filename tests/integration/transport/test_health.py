"""What health checks are told, and that nobody who is told keeps anybody waiting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import SecretStr

from service import bootstrap
from service.rpc.health import Health
from service.server import Server
from service.settings import Settings

if TYPE_CHECKING:
    import asyncpg

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN

SECONDS = 20


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    return head + payload


def field(name: bytes, value: bytes) -> bytes:
    """Without compression (RFC 7541 §6.2.2)."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


async def watch_without_reading(address: str) -> asyncio.StreamWriter:
    """A client whose window has no room for a byte of the answer."""
    host, port = address.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    fields = (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/grpc.health.v1.Health/Watch"),
        (b":authority", b"h"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
    )
    no_window = (4).to_bytes(2, "big") + bytes(4)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, no_window))
    writer.write(frame(1, 4, 1, b"".join(field(*each) for each in fields)))
    writer.write(frame(0, 1, 1, bytes(5)))
    await writer.drain()
    return writer


async def started(database_url: str) -> Server:
    """A service that the test stops."""
    settings = Settings(database_url=SecretStr(database_url), grpc_listen="127.0.0.1:0")
    await bootstrap.prepare(settings)
    return await Server.start(settings)


def watch(channel: grpc.aio.Channel, service: str = "") -> Any:
    return health_pb2_grpc.HealthStub(channel).Watch(
        health_pb2.HealthCheckRequest(service=service), timeout=SECONDS
    )


async def test_watchers_are_told_of_the_end_and_do_not_put_it_off(database_url: str) -> None:
    server = await started(database_url)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        watching = [watch(channel, name) for name in ("", "rollbook.v1.UserService")]
        for one in watching:
            assert (await one.read()).status == SERVING
        unknown = watch(channel, "nobody")
        assert (await unknown.read()).status == UNKNOWN
        async with asyncio.timeout(SECONDS):
            await server.stop(grace=10 * SECONDS)
        for one in watching:
            assert (await one.read()).status == NOT_SERVING
            assert await one.read() is grpc.aio.EOF
        assert await unknown.read() is grpc.aio.EOF


async def test_a_watcher_that_does_not_read_keeps_nobody_waiting(database_url: str) -> None:
    server = await started(database_url)
    address = f"127.0.0.1:{server.port}"
    writer = await watch_without_reading(address)
    async with grpc.aio.insecure_channel(address) as channel:
        watching = watch(channel)
        assert (await watching.read()).status == SERVING
        async with asyncio.timeout(SECONDS):
            await server.stop(grace=0.5)
        assert (await watching.read()).status == NOT_SERVING
    writer.close()


async def test_all_services_are_listed(
    channel: grpc.aio.Channel, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    listed = await health_pb2_grpc.HealthStub(channel).List(health_pb2.HealthListRequest())
    assert {"", "rollbook.v1.UserService"} <= set(listed.statuses)
    assert {each.status for each in listed.statuses.values()} == {SERVING}


async def test_a_service_that_there_is_none_of_is_not_found(
    channel: grpc.aio.Channel, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    check = health_pb2_grpc.HealthStub(channel).Check
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await check(health_pb2.HealthCheckRequest(service="nobody"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_nothing_changes_after_the_end_has_begun() -> None:
    health = Health(["a"])
    health.report(serving=False)
    health.report(serving=True)
    health.end()
    health.report(serving=True)
    answer = await health.Check(health_pb2.HealthCheckRequest(service="a"), None)
    assert answer.status == NOT_SERVING
