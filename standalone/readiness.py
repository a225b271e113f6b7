"""Waiting for the gateway to say that requests can be served."""

from __future__ import annotations

import asyncio
import math
import ssl
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from standalone.addresses import Address

POLL_SECONDS: Final = 0.1

ANSWER_SECONDS: Final = 5.0

MISS: Final = 1e-6
"""How likely it may be that a process of the gateway was not asked."""


async def wait_until_ready(gateway: Address, workers: int = 1, *, https: bool = False) -> None:
    """Returns once `/readyz` answers 200: the gateway answers, and the service serves.

    Which of its processes answers is up to the kernel, and each finds the service by itself, so
    with several `workers` as many answers in a row have to be 200 as make sure that all were
    asked. There is no limit of time: a database may take long to recover or to be migrated, and
    meanwhile whoever waits can stop.
    """
    context = _unverified() if https else None
    wanted, got = answers_from_all(workers), 0
    while got < wanted:
        if await _is_ready(gateway, context):
            got += 1
        else:
            got = 0
            await asyncio.sleep(POLL_SECONDS)


def answers_from_all(workers: int) -> int:
    """How many connections reach every one of several processes, each with the same chance."""
    return 1 if workers == 1 else math.ceil(workers * math.log(workers / MISS))


def _unverified() -> ssl.SSLContext:
    """For asking one's own gateway by its address, which its certificate need not name; nothing
    secret is sent or learnt."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _is_ready(gateway: Address, context: ssl.SSLContext | None) -> bool:
    try:
        status_line = await asyncio.wait_for(_ask(gateway, context), ANSWER_SECONDS)
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status_line


async def _ask(gateway: Address, context: ssl.SSLContext | None) -> bytes:
    reader, writer = await asyncio.open_connection(*gateway.reached_at, ssl=context)
    try:
        writer.write(
            f"GET /readyz HTTP/1.1\r\nHost: {gateway}\r\nConnection: close\r\n\r\n".encode()
        )
        return await reader.readline()
    finally:
        writer.close()
