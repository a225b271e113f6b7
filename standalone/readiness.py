"""Waiting for the gateway to say that requests can be served."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from standalone.addresses import Address

POLL_SECONDS: Final = 0.1

ANSWER_SECONDS: Final = 5.0


async def wait_until_ready(gateway: Address) -> None:
    """Returns once `/readyz` answers 200: the gateway answers, and the service serves.

    There is no limit of time: a database may take long to recover or to be migrated, and
    meanwhile whoever waits can stop.
    """
    while not await _is_ready(gateway):  # noqa: ASYNC110 - another process has to be asked
        await asyncio.sleep(POLL_SECONDS)


async def _is_ready(gateway: Address) -> bool:
    try:
        status_line = await asyncio.wait_for(_ask(gateway), ANSWER_SECONDS)
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status_line


async def _ask(gateway: Address) -> bytes:
    reader, writer = await asyncio.open_connection(*gateway.reached_at)
    try:
        writer.write(
            f"GET /readyz HTTP/1.1\r\nHost: {gateway}\r\nConnection: close\r\n\r\n".encode()
        )
        return await reader.readline()
    finally:
        writer.close()
