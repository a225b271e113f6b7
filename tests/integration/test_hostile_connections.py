"""Clients that are slow, or speak no HTTP: they are answered or cut off, and others are served."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest

from tests.harness.instance import TOKEN, running_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BODY_SECONDS: Final = 0.4
IDLE_SECONDS: Final = 0.6
BODY_BYTES: Final = 65_536

HEAD: Final = f"Host: h\r\nAuthorization: Bearer {TOKEN}\r\n"
POST: Final = f"POST /scim/v2/Users HTTP/1.1\r\n{HEAD}Content-Type: application/scim+json\r\n"


@pytest.fixture(scope="module")
async def impatient(service: str) -> AsyncIterator[tuple[str, int]]:
    """Host and port of a gateway that waits no longer than this module can."""
    async with running_gateway(
        service,
        http_body_timeout=BODY_SECONDS,
        http_idle_timeout=IDLE_SECONDS,
        http_max_body_bytes=BODY_BYTES,
    ) as url:
        address = urlsplit(url)
        assert address.hostname
        assert address.port
        yield address.hostname, address.port


async def talk(address: tuple[str, int], *parts: str | bytes, seconds: float = 5) -> bytes:
    """The first answer to bytes sent as they are; empty when the gateway closes without one."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        for part in parts:
            writer.write(part.encode() if isinstance(part, str) else part)
        return await asyncio.wait_for(answer_from(reader), seconds)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def answer_from(reader: asyncio.StreamReader) -> bytes:
    """One answer with its head. The connection may stay open a while for what is on the way."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as closed:
        return closed.partial
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


def status_of(answer: bytes) -> int:
    return int(answer[9:12])


async def assert_serves(address: tuple[str, int]) -> None:
    answer = await talk(
        address, f"GET /scim/v2/Users?count=0 HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n"
    )
    assert status_of(answer) == 200


async def test_a_body_that_does_not_come_is_408(impatient: tuple[str, int]) -> None:
    answer = await talk(impatient, f'{POST}Content-Length: 100\r\n\r\n{{"userName":')
    assert status_of(answer) == 408
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == "408"


async def test_a_body_that_trickles_is_408(impatient: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*impatient)
    writer.write(f"{POST}Content-Length: 1000\r\n\r\n".encode())
    answer = asyncio.create_task(answer_from(reader))
    start = time.monotonic()
    while not answer.done() and time.monotonic() - start < 5:
        writer.write(b" ")
        await asyncio.sleep(0.05)
    writer.close()
    assert status_of(await answer) == 408
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("sent", ["", "GET", "GET /scim/v2/Users HTTP/1.1\r\nHost"])
async def test_a_head_that_does_not_come_ends_the_connection(
    sent: str, impatient: tuple[str, int]
) -> None:
    answer = await talk(impatient, sent)
    assert not answer or status_of(answer) == 408
    await assert_serves(impatient)


async def test_a_head_that_trickles_ends_the_connection(impatient: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*impatient)
    writer.write(b"GET /scim/v2/Users HTTP/1.1\r\n")
    ended = asyncio.create_task(reader.read())
    start = time.monotonic()
    number = 0
    while not ended.done() and time.monotonic() - start < 3:
        number += 1
        writer.write(f"X-{number}: y\r\n".encode())
        await asyncio.sleep(0.05)
    writer.close()
    assert ended.done(), f"after {number} fields the connection is open"
    await assert_serves(impatient)


async def test_a_head_has_an_end(impatient: tuple[str, int]) -> None:
    fields = "".join(f"X-{number}: y\r\n" for number in range(100_000))
    answer = await talk(impatient, f"GET /scim/v2/Users HTTP/1.1\r\n{HEAD}{fields}\r\n")
    assert not answer or 400 <= status_of(answer) < 500
    await assert_serves(impatient)


async def test_a_connection_without_a_request_is_closed(impatient: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*impatient)
    writer.write(f"GET /scim/v2/Users?count=0 HTTP/1.1\r\n{HEAD}\r\n".encode())
    assert status_of(await answer_from(reader)) == 200
    start = time.monotonic()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    assert time.monotonic() - start > IDLE_SECONDS / 2
    writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"\x00" * 100, id="zeros"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"GET /scim/v2/Users HTTP/9.9\r\n\r\n", id="version"),
        pytest.param(b"GET /scim/v2/Users\r\n\r\n", id="no version"),
        pytest.param(b"GET http://[ HTTP/1.1\r\nHost: h\r\n\r\n", id="malformed address"),
        pytest.param(b"GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", id="control character"),
        pytest.param(f"{POST}Content-Length: -1\r\n\r\n".encode(), id="negative length"),
        pytest.param(f"{POST}Content-Length: ten\r\n\r\n".encode(), id="length is a word"),
        pytest.param(f"{POST}Content-Length: {'9' * 100}\r\n\r\n".encode(), id="long length"),
        pytest.param(
            f"{POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}} ".encode(), id="two lengths"
        ),
        pytest.param(
            f"{POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
            id="length and chunks",
        ),
        pytest.param(
            f"{POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n".encode(),
            id="malformed chunk",
        ),
        pytest.param(
            f"{POST}Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!".encode(),
            id="no gzip",
        ),
        pytest.param(b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", id="long line"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", id="long field"
        ),
    ],
)
async def test_what_is_no_http_is_a_client_error(sent: bytes, impatient: tuple[str, int]) -> None:
    answer = await talk(impatient, sent)
    assert not answer or 400 <= status_of(answer) < 500, answer
    await assert_serves(impatient)


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
async def test_a_body_over_the_limit_is_413(*, declared: bool, impatient: tuple[str, int]) -> None:
    size = BODY_BYTES + 1
    if declared:
        answer = await talk(impatient, f"{POST}Content-Length: {size}\r\n\r\n")
    else:
        chunk = b"%x\r\n" % size + b" " * size + b"\r\n0\r\n\r\n"
        answer = await talk(impatient, f"{POST}Transfer-Encoding: chunked\r\n\r\n", chunk)
    assert status_of(answer) == 413
    assert str(BODY_BYTES).encode() in answer


async def test_a_small_body_that_unpacks_to_a_large_one_is_413(
    impatient: tuple[str, int],
) -> None:
    packed = gzip.compress(b'{"userName":"' + b"x" * 50_000_000 + b'"}')
    assert len(packed) < BODY_BYTES
    head = f"{POST}Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    answer = await talk(impatient, head, packed)
    assert status_of(answer) == 413


async def test_many_idle_connections_leave_others_served(impatient: tuple[str, int]) -> None:
    writers = [(await asyncio.open_connection(*impatient))[1] for _ in range(200)]
    for writer in writers:
        writer.write(POST.encode())
    await assert_serves(impatient)
    for writer in writers:
        writer.close()


async def test_clients_that_leave_early_leave_others_served(impatient: tuple[str, int]) -> None:
    request = f"GET /scim/v2/Users HTTP/1.1\r\n{HEAD}\r\n".encode()
    for _ in range(50):
        _, writer = await asyncio.open_connection(*impatient)
        writer.write(request)
        writer.transport.abort()
    await assert_serves(impatient)
