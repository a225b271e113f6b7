"""What clients see when they call too often, too much at once, or what is not there."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import aiohttp
import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from rollbook.client import RollbookClient
from rollbook.errors import LimitExceededError
from rollbook.v1.user_service_pb2 import ListUsersRequest
from rollbook.v1.user_service_pb2_grpc import UserServiceStub
from service.rpc.gate.attempts import PAIR_LIMIT
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.processes import service_process

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg

AUTHORIZED = (("authorization", f"Bearer {TOKEN}"),)


def detail(error: grpc.aio.AioRpcError, kind: Any) -> Any:
    status = rpc_status.from_call(error)
    assert status is not None
    for packed in status.details:
        if packed.Is(kind.DESCRIPTOR):
            packed.Unpack(found := kind())
            return found
    raise AssertionError(f"no {kind.__name__} in {status}")


async def test_no_call_is_cancelled_for_want_of_a_reason(
    database_url: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    """gRPC itself would cancel what comes while more than a thousand calls are not looked at."""
    async with (
        running_service(database_url, max_concurrent_calls=300) as address,
        AsyncExitStack() as opened,
    ):
        channels = [await opened.enter_async_context(plain_channel(address)) for _ in range(16)]
        got = await asyncio.gather(*(flood(channel, 250) for channel in channels))
        refused = [error for errors in got for error in errors if error]
        assert {error.code() for error in refused} <= {grpc.StatusCode.UNAVAILABLE}
        assert {detail(error, ErrorInfo).reason for error in refused} <= {"UNAVAILABLE"}
        assert await flood(channels[0], 1) == [None]


async def flood(channel: grpc.aio.Channel, calls: int) -> list[grpc.aio.AioRpcError | None]:
    """What becomes of calls at once."""

    async def one() -> grpc.aio.AioRpcError | None:
        try:
            await UserServiceStub(channel).ListUsers(
                ListUsersRequest(), metadata=AUTHORIZED, timeout=60
            )
        except grpc.aio.AioRpcError as error:
            return error
        return None

    return list(await asyncio.gather(*(one() for _ in range(calls))))


def plain_channel(address: str) -> grpc.aio.Channel:
    """One that repeats nothing by itself, over a connection of its own."""
    return grpc.aio.insecure_channel(
        address, options=[("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
    )


async def test_who_calls_too_often_is_told_when_to_come_back(
    database_url: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with (
        running_service(database_url, rate_limit=20, rate_burst=40) as address,
        plain_channel(address) as channel,
    ):
        got = await flood(channel, 200)
        refused = [error for error in got if error]
        assert 40 <= len(got) - len(refused) < 100
        assert {error.code() for error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        info = detail(refused[0], ErrorInfo)
        assert (info.reason, info.domain) == ("RATE_LIMITED", "rollbook")
        assert (detail(refused[0], RetryInfo)).retry_delay.seconds >= 1
        async with running_gateway(address) as url, aiohttp.ClientSession() as session:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            answers = []
            for _ in range(60):
                async with session.get(f"{url}/Users?count=0", headers=headers) as response:
                    answers.append((response.status, response.headers.get("Retry-After")))
                    if response.status == 429:
                        body = await response.json(content_type=None)
                        assert body["status"] == "429"
                        break
            assert answers[-1][0] == 429
            assert int(answers[-1][1] or 0) >= 1
            await asyncio.sleep(int(answers[-1][1] or 0))
            async with session.get(f"{url}/Users?count=0", headers=headers) as response:
                assert response.status == 200


async def test_one_credential_leaves_the_others_their_calls(
    database_url: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with running_service(database_url, rate_limit=20, rate_burst=40) as address:
        async with RollbookClient(address, token=TOKEN) as admin:
            other = (await admin.tokens.create("other", ["directory.read"])).secret
        async with plain_channel(address) as channel:
            assert any(await flood(channel, 100))
        async with RollbookClient(address, token=other) as client:
            assert await client.users.count() == 0


async def test_workers_of_a_machine_count_together(database_url: str, tmp_path: Path) -> None:
    settings = {"ROLLBOOK_RATE_LIMIT": "20", "ROLLBOOK_RATE_BURST": "100"}
    with service_process(database_url, tmp_path, 2, **settings) as (_, addresses):
        let_in = 0
        start = time.monotonic()
        for address in addresses:
            async with plain_channel(address) as channel:
                got = await flood(channel, 150)
                let_in += sum(error is None for error in got)
        seconds = time.monotonic() - start
    assert 100 <= let_in <= 110 + 20 * seconds


async def test_workers_of_a_machine_count_wrong_passwords_together(
    database_url: str, tmp_path: Path
) -> None:
    with service_process(database_url, tmp_path, 2) as (_, addresses):
        async with AsyncExitStack() as opened:
            workers = [
                await opened.enter_async_context(RollbookClient(address, token=TOKEN))
                for address in addresses
            ]

            async def reason(number: int, user_name: str) -> str:
                """Of one attempt at one user from one address, at each worker in turn."""
                try:
                    user_id = await workers[number % 2].passwords.verify(
                        f"wrong {number}", user_name=user_name, client_address="192.0.2.7"
                    )
                except LimitExceededError as error:
                    return error.reason
                assert user_id is None
                return ""

            reasons = [await reason(number, "ada") for number in range(14)]
            assert reasons == [""] * PAIR_LIMIT + ["RATE_LIMITED"] * (14 - PAIR_LIMIT)
            assert await reason(0, "bob") == ""


async def test_too_many_calls_at_once_are_refused_at_once_and_the_others_answered(
    database_url: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with (
        running_service(database_url, max_concurrent_calls=3, database_connections=2) as address,
        plain_channel(address) as channel,
    ):
        got = await flood(channel, 80)
        refused = [error for error in got if error]
        assert 3 <= len(got) - len(refused) < 80
        assert {error.code() for error in refused} == {grpc.StatusCode.UNAVAILABLE}
        assert (detail(refused[0], ErrorInfo)).reason == "UNAVAILABLE"
        assert (detail(refused[0], RetryInfo)).retry_delay.seconds >= 1
        assert ("grpc-retry-pushback-ms", "1000") in tuple(refused[0].trailing_metadata())
        check = health_pb2_grpc.HealthStub(channel).Check
        assert (await check(health_pb2.HealthCheckRequest(), timeout=5)).status == 1
        assert await flood(channel, 1) == [None]
        async with running_gateway(address) as url, aiohttp.ClientSession() as session:

            async def get() -> tuple[int, str | None]:
                async with session.get(
                    f"{url}/Users", headers={"Authorization": f"Bearer {TOKEN}"}
                ) as response:
                    return response.status, response.headers.get("Retry-After")

            answers = Counter(await asyncio.gather(*(get() for _ in range(60))))
        assert set(answers) <= {(200, None), (503, "1")}
        assert answers[200, None] >= 3


@pytest.mark.parametrize(
    "method",
    [
        "rollbook.v1.UserService/Nope",
        "rollbook.v2.UserService/ListUsers",
        "rollbook.v1.Nope/ListUsers",
        "rollbook.v1.UserService/",
        "x",
        "rollbook.v1.UserService/" + "x" * 3_000,
    ],
)
async def test_a_method_that_is_not_there_is_refused_as_everything_is(
    method: str, channel: grpc.aio.Channel
) -> None:
    async def code(calling: Any) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await calling
        assert (detail(caught.value, ErrorInfo)).reason == "UNIMPLEMENTED"
        return caught.value.code().name

    async def bodies() -> Any:
        for _ in range(3):
            yield b"x"

    async def streamed(call: Any) -> None:
        async for _ in call:
            pass

    path = f"/{method}"
    plain: Any = channel
    assert await code(plain.unary_unary(path)(b"\xff", timeout=5)) == "UNIMPLEMENTED"
    assert await code(plain.stream_unary(path)(bodies(), timeout=5)) == "UNIMPLEMENTED"
    assert await code(streamed(plain.unary_stream(path)(b"", timeout=5))) == "UNIMPLEMENTED"
    # Without a word of the caller's, too.
    assert await code(streamed(plain.stream_stream(path)(timeout=5))) == "UNIMPLEMENTED"


@pytest.mark.parametrize("size", [15_000, 40_000, 400_000])
async def test_much_metadata_is_refused_and_the_connection_stays(
    size: int, service: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with plain_channel(service) as channel:
        call = UserServiceStub(channel).ListUsers
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(ListUsersRequest(), metadata=(("authorization", "x" * size),), timeout=10)
        assert caught.value.code() in {
            grpc.StatusCode.UNAUTHENTICATED,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            grpc.StatusCode.UNAVAILABLE,
        }
        assert await flood(channel, 1) == [None]


async def test_pings_without_end_end_the_connection_and_no_other(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    host, port = service.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
    ping = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + ping * 50)
    received = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert b"too_many_pings" in received
    async with plain_channel(service) as channel:
        assert await flood(channel, 1) == [None]
