"""Waiting for every process of a gateway, of which each connection reaches but one."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from standalone.addresses import Address
from standalone.readiness import MISS, answers_from_all, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def gateway(port: int, ready_at: float) -> AsyncIterator[int]:
    """One of several that share a port; ready from a moment of the monotonic clock on."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        status = "200 OK" if time.monotonic() >= ready_at else "503 Service Unavailable"
        writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, reuse_port=True)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("count", [1, 2, 4])
async def test_the_last_of_them_is_waited_for(count: int) -> None:
    ready_at = time.monotonic() + 0.3
    async with AsyncExitStack() as running:
        port = await running.enter_async_context(gateway(0, ready_at))
        for _ in range(count - 1):
            await running.enter_async_context(gateway(port, 0.0))
        await wait_until_ready(Address("127.0.0.1", port), count)
    assert time.monotonic() >= ready_at


@pytest.mark.parametrize("workers", [2, 4, 16])
def test_hardly_ever_is_one_not_asked(workers: int) -> None:
    missed = workers * (1 - 1 / workers) ** answers_from_all(workers)
    assert missed <= MISS * 1.01


def test_one_is_asked_once() -> None:
    assert answers_from_all(1) == 1
