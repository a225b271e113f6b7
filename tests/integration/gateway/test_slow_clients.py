"""Clients that keep the gateway waiting, or are too many: others are served all the same."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from typing import TYPE_CHECKING, Final

from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import ListUsersResponse
from tests.harness.gateway import assert_error, running_gateway

if TYPE_CHECKING:
    import pytest

    from tests.harness.fake_service import FakeService
    from tests.harness.gateway import Client

CREATE: Final = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"}
LIST: Final = b"GET /scim/v2/Users HTTP/1.1\r\nHost: h\r\n\r\n"
BODY_BEGUN: Final = b"POST /scim/v2/Users HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{"
LARGE: Final = ListUsersResponse(
    users=[User(id=str(number), user_name="x" * 100_000) for number in range(160)], total_size=160
)
"""More than the system keeps for a connection by itself."""

SECONDS: Final = 10


async def connected(client: Client) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that reads no more than it is asked to."""
    host, port = client.url.removeprefix("http://").split(":")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
    return await asyncio.open_connection(sock=sock, limit=4_096)


async def status_of(reader: asyncio.StreamReader) -> int:
    line = await asyncio.wait_for(reader.readline(), SECONDS)
    return int(line.split()[1])


async def is_cut(reader: asyncio.StreamReader) -> bool:
    """Whether the connection has ended; waits for that a while."""
    try:
        async with asyncio.timeout(SECONDS):
            while await reader.read(1_000_000):
                pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


async def called(fake: FakeService, times: int) -> None:
    async with asyncio.timeout(SECONDS):
        while len(fake.calls) < times:  # noqa: ASYNC110  # what a service was asked is a list
            await asyncio.sleep(0.01)


async def test_who_does_not_read_an_answer_is_cut(fake: FakeService) -> None:
    fake.answers["ListUsers"] = LARGE
    async with running_gateway(fake.address, http_write_timeout=0.3) as client:
        reader, writer = await connected(client)
        writer.write(LIST)
        assert await status_of(reader) == 200
        await asyncio.sleep(1)
        assert await is_cut(reader)
        writer.close()


async def test_who_reads_slowly_makes_room_for_others(fake: FakeService) -> None:
    """Of four requests one may wait for its client to read."""
    fake.answers["ListUsers"] = LARGE
    async with running_gateway(fake.address, http_max_requests=4) as client:
        connections = []
        for _ in range(3):
            reader, writer = await connected(client)
            writer.write(LIST)
            assert await status_of(reader) == 200
            connections.append((reader, writer))
        assert await is_cut(connections[0][0])
        assert await is_cut(connections[1][0])
        assert (await client.send("GET", "/Users/1")).status == 200
        for _, writer in connections:
            writer.close()


async def test_who_sends_slowly_makes_room_for_others(fake: FakeService) -> None:
    """Of eight requests two may wait for their bodies."""
    async with running_gateway(fake.address, http_max_requests=8) as client:
        connections = [await connected(client) for _ in range(6)]
        for _, writer in connections:
            writer.write(BODY_BEGUN)
        answers = [asyncio.create_task(status_of(reader)) for reader, _ in connections]
        for number, answered in enumerate(asyncio.as_completed(answers)):
            assert await answered == 408
            if number == 3:
                break
        for _ in range(3):
            assert (await client.send("POST", "/Users", CREATE)).status == 201
        for answer in answers:
            answer.cancel()
        for _, writer in connections:
            writer.close()


async def test_what_bodies_hold_makes_room_for_others(
    fake: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.slow_clients.MAX_HELD_BYTES", 100_000)
    async with running_gateway(fake.address) as client:
        connections = [await connected(client) for _ in range(3)]
        for _, writer in connections:
            writer.write(BODY_BEGUN.replace(b"1000", b"60000") + b" " * 50_000)
        assert await status_of(connections[0][0]) == 408
        assert (await client.send("POST", "/Users", CREATE)).status == 201
        for _, writer in connections:
            writer.close()


async def test_a_request_too_many_is_503_at_once(fake: FakeService) -> None:
    fake.delay = 1
    async with running_gateway(fake.address, http_max_requests=3) as client:
        answers = await asyncio.gather(*(client.send("GET", "/Users/1") for _ in range(20)))
        assert Counter(answer.status for answer in answers) == {200: 3, 503: 17}
        refused = next(answer for answer in answers if answer.status == 503)
        assert_error(refused, 503)
        assert refused.headers["Retry-After"] == "1"
        fake.delay = 0
        assert (await client.send("GET", "/Users/1")).status == 200


async def test_a_busy_process_says_that_it_is_alive(fake: FakeService) -> None:
    fake.delay = 1
    async with running_gateway(fake.address, http_max_requests=1) as client:
        busy = asyncio.create_task(client.send("GET", "/Users/1"))
        await called(fake, 1)
        assert (await client.send("GET", "/Users/1")).status == 503
        assert (await client.send("GET", "/healthz", prefix="")).status == 200
        assert (await busy).status == 200


async def test_a_connection_too_many_closes_the_one_longest_at_rest(fake: FakeService) -> None:
    async with running_gateway(fake.address, http_max_connections=5) as client:
        connections = []
        for number in range(20):
            reader, writer = await connected(client)
            # Some say nothing, some begin a head, some have had an answer.
            writer.write((b"", b"GET /scim/v2/Us", LIST)[number % 3])
            if number % 3 == 2:
                assert await status_of(reader) == 200
            connections.append((reader, writer))
        for reader, _ in connections[:14]:
            assert await is_cut(reader)
        assert (await client.send("GET", "/Users/1")).status == 200
        for _, writer in connections:
            writer.close()


async def test_connections_that_are_busy_are_not_closed_for_others(fake: FakeService) -> None:
    fake.delay = 1
    async with running_gateway(fake.address, http_max_connections=2) as client:
        busy = [asyncio.create_task(client.send("GET", "/Users/1")) for _ in range(2)]
        await called(fake, 2)
        reader, writer = await connected(client)
        assert await is_cut(reader)
        writer.close()
        assert [(await one).status for one in busy] == [200, 200]
