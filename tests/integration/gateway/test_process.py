"""`python -m gateway` as a process: how it starts, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession

from tests.harness.samples import ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.fake_service import FakeService


class Running:
    """A gateway process and where it listens."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.url = ""

    async def event(self, name: str) -> dict[str, Any]:
        """The next line of the log that tells of an event."""
        assert self.process.stderr is not None
        while line := await asyncio.wait_for(self.process.stderr.readline(), 20):
            found: dict[str, Any] = json.loads(line)
            if found["event"] == name:
                return found
        raise AssertionError(f"The process ended without {name}.")

    async def status(self, path: str = f"/scim/v2/Users/{ID}") -> int:
        async with ClientSession() as session, session.get(self.url + path) as response:
            return response.status

    async def exit_code(self) -> int:
        return await asyncio.wait_for(self.process.wait(), 20)


@asynccontextmanager
async def process(fake: FakeService, *arguments: str, **settings: str) -> AsyncIterator[Running]:
    environment = {
        "PATH": os.environ["PATH"],
        "ROLLBOOK_GRPC_TARGET": fake.address,
        "ROLLBOOK_HTTP_LISTEN": "127.0.0.1:0",
        "ROLLBOOK_LOG_FORMAT": "json",
        **{f"ROLLBOOK_{name}": value for name, value in settings.items()},
    }
    command = (sys.executable, "-m", "gateway", *arguments)
    started = await asyncio.create_subprocess_exec(*command, env=environment, stderr=PIPE)
    running = Running(started)
    try:
        yield running
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


@asynccontextmanager
async def listening(fake: FakeService, *arguments: str, **settings: str) -> AsyncIterator[Running]:
    async with process(fake, *arguments, **settings) as running:
        where = await running.event("listening")
        running.url = f"http://{where['host']}:{where['port']}"
        yield running


async def test_a_request_that_runs_when_the_process_is_told_to_stop_is_answered(
    fake: FakeService,
) -> None:
    fake.delay = 0.5
    async with listening(fake) as running:
        request = asyncio.create_task(running.status())
        while not fake.calls:  # noqa: ASYNC110 - it is a list
            await asyncio.sleep(0.01)
        running.process.send_signal(signal.SIGTERM)
        assert await request == 200
        assert await running.exit_code() == 0


async def test_a_process_that_stops_is_not_ready_while_it_can_still_be_asked(
    fake: FakeService,
) -> None:
    async with listening(fake, HTTP_DRAIN_DELAY="1") as running:
        assert await running.status("/readyz") == 200
        running.process.send_signal(signal.SIGINT)
        await running.event("draining")
        assert await running.status("/readyz") == 503
        assert await running.status() == 200
        assert await running.exit_code() == 0


async def test_a_worker_that_dies_is_replaced_and_all_stop_together(fake: FakeService) -> None:
    async with listening(fake, "--workers", "2") as running:
        await running.event("listening")
        (worker, _) = children(running.process.pid)
        os.kill(worker, signal.SIGKILL)
        assert (await running.event("worker_died"))["pid"] == worker
        await running.event("listening")
        assert await running.status() == 200
        workers = children(running.process.pid)
        running.process.send_signal(signal.SIGTERM)
        assert await running.exit_code() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


async def test_workers_do_not_outlive_the_process_that_started_them(fake: FakeService) -> None:
    async with listening(fake, "--workers", "2") as running:
        await running.event("listening")
        running.process.kill()
        await running.event("stopped")
        await running.event("stopped")


async def test_an_address_in_use_is_told_and_is_no_reason_to_share_it(fake: FakeService) -> None:
    async with listening(fake) as first:
        address = first.url.removeprefix("http://")
        for arguments in ((), ("--workers", "2")):
            async with process(fake, *arguments, HTTP_LISTEN=address) as second:
                assert second.process.stderr is not None
                message = (await second.process.stderr.read()).decode()
                assert await second.exit_code() == 2
                assert message.startswith(f"gateway: Cannot listen on {address}:")


async def test_settings_that_are_wrong_are_named(fake: FakeService) -> None:
    async with process(fake, HTTP_LISTEN="8080") as running:
        assert running.process.stderr is not None
        assert b"ROLLBOOK_HTTP_LISTEN" in await running.process.stderr.read()
        assert await running.exit_code() == 2


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
