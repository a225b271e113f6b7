"""Calls of which too much arrives, or too little, or too late."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from rollbook.errors import error_from_rpc
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest, ListUsersRequest
from tests.harness.calls import Calls
from tests.harness.instance import TOKEN, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

CREATE = "/rollbook.v1.UserService/CreateUser"
AUTHORIZED = (("authorization", f"Bearer {TOKEN}"),)


async def failure(call: Any) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code().name, error_from_rpc(caught.value).reason


def call(
    channel: grpc.aio.Channel, messages: AsyncIterator[bytes], credentials: Any = AUTHORIZED
) -> Any:
    plain: Any = channel
    return plain.stream_unary(CREATE)(messages, metadata=credentials, timeout=30)


async def sent(*messages: bytes, after: float = 0) -> AsyncIterator[bytes]:
    await asyncio.sleep(after)
    for message in messages:
        yield message


async def test_a_message_over_the_limit_is_refused_with_the_limit(database_url: str) -> None:
    async with (
        running_service(database_url, max_request_bytes=65_536) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        calls = Calls(channel, TOKEN)
        error = await calls.failure(CreateUserRequest(user=User(title="x" * 66_000)))
        assert (error.reason, error.metadata["limitBytes"]) == ("PAYLOAD_TOO_LARGE", "65536")
        assert error.retry_after is None
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await calls(CreateUserRequest(user=User(title="x" * 5_000_000)))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await calls(ListUsersRequest())


async def test_metadata_over_the_limit_is_refused_with_the_limit(
    channel: grpc.aio.Channel, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    plain: Any = channel
    metadata = (*AUTHORIZED, *((f"x-{number}", "y" * 1_000) for number in range(20)))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plain.unary_unary(CREATE)(b"", metadata=metadata)
    error = error_from_rpc(caught.value)
    assert (error.reason, error.metadata["limitBytes"]) == ("PAYLOAD_TOO_LARGE", "16384")
    assert error.retry_after is None


async def test_a_call_without_a_message_is_answered(
    channel: grpc.aio.Channel, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    assert await failure(call(channel, sent())) == ("INVALID_ARGUMENT", "INVALID_SYNTAX")


async def test_a_message_that_does_not_come_is_not_waited_for(database_url: str) -> None:
    async with (
        running_service(database_url, message_timeout=0.3) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        waiting = call(channel, sent(b"", after=20))
        assert await failure(waiting) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")


async def test_who_says_nothing_keeps_out_nobody_else(database_url: str) -> None:
    """Three calls may wait for their messages; whoever waits longest makes room."""
    async with (
        running_service(database_url, max_concurrent_calls=3) as address,
        grpc.aio.insecure_channel(address) as channel,
        grpc.aio.insecure_channel(address) as other,
    ):
        silent = [asyncio.ensure_future(call(channel, sent(after=20))) for _ in range(10)]
        for _ in range(20):
            await Calls(other, TOKEN)(ListUsersRequest())
        waiting = set(silent)
        while len(waiting) > 3:
            ended, waiting = await asyncio.wait(
                waiting, timeout=10, return_when=asyncio.FIRST_COMPLETED
            )
            assert ended, f"{len(waiting)} calls wait"
            for one in ended:
                assert await failure(one) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        for one in waiting:
            one.cancel()


async def test_connections_that_are_too_many_are_closed(database_url: str) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04" + bytes(5)
    async with running_service(database_url, max_connections=5) as address:
        host, port = address.split(":")
        writers = []

        async def until_closed() -> None:
            try:
                reader, writer = await asyncio.open_connection(host, int(port))
                writers.append(writer)
                writer.write(preface)
                while await reader.read(1_000):
                    pass
            except ConnectionError:
                pass

        connections = [asyncio.create_task(until_closed()) for _ in range(20)]
        for number, closed in enumerate(asyncio.as_completed(connections, timeout=20), start=1):
            await closed
            if number == 15:
                break
        for connection in connections:
            connection.cancel()
        for writer in writers:
            writer.close()
