"""Programs that run together: started in order, stopped in reverse, and all when one ends.

Nothing is restarted: whoever runs this (a terminal, systemd, a container) sees it end with a
message and a status, and decides. Children get SIGTERM when this process is killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from standalone.child import bound_to_parent
from standalone.errors import StandaloneError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable, Mapping, Sequence

STOP_SECONDS: Final = 40.0
"""How long a child may take to finish what it is doing when it is told to stop."""

WATCH_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Program:
    """A command and what it needs in its environment besides that of this process."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


class Database(Protocol):
    """What is watched of the embedded database; the caller starts and stops it."""

    def poll(self) -> int | None: ...

    def log_tail(self) -> str: ...

    def kill(self) -> None: ...


class Supervisor:
    """Runs programs until SIGINT or SIGTERM, or until one of them or the database ends.

    Every program holds the descriptors of `kept_open`. They write to standard error: standard
    output is for what this process has to say.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        database: Database | None = None,
        kept_open: Sequence[int] = (),
    ) -> None:
        self._programs = programs
        self._database = database
        self._kept_open = kept_open
        self._children: list[tuple[Program, Process]] = []
        self._stop = asyncio.Event()

    async def run(self, when_started: Callable[[], Awaitable[None]]) -> None:
        """Starts everything, calls `when_started`, and returns when all has been stopped.

        Raises StandaloneError when a program or the database ended by itself.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        try:
            for program in self._programs:
                self._children.append((program, await self._start(program)))
            await self._until_an_end(when_started)
        finally:
            for _, child in reversed(self._children):
                await _stop(child)

    async def _start(self, program: Program) -> Process:
        return await asyncio.create_subprocess_exec(
            *bound_to_parent(program.command, signal.SIGTERM),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            env=os.environ | program.environment,
            pass_fds=self._kept_open,
            start_new_session=True,
        )

    async def _until_an_end(self, when_started: Callable[[], Awaitable[None]]) -> None:
        ends = [
            asyncio.ensure_future(self._stop.wait()),
            asyncio.ensure_future(_then_wait(when_started)),
            asyncio.ensure_future(self._watch_database()),
            *(asyncio.ensure_future(_watch(*child)) for child in self._children),
        ]
        try:
            ended, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not self._stop.is_set():
                ended.pop().result()
        finally:
            for end in ends:
                end.cancel()

    async def _watch_database(self) -> None:
        """Polls, since the database is not a child of the event loop's making."""
        while self._database is None or self._database.poll() is None:  # noqa: ASYNC110
            await asyncio.sleep(WATCH_SECONDS)
        raise StandaloneError(f"PostgreSQL ended; its last words:\n{self._database.log_tail()}")

    def _on_signal(self) -> None:
        """The first signal stops all in order, the second at once."""
        if not self._stop.is_set():
            self._stop.set()
            return
        for _, child in self._children:
            _kill(child)
        if self._database is not None:
            self._database.kill()


async def _then_wait(action: Callable[[], Awaitable[None]]) -> None:
    await action()
    await asyncio.Event().wait()


async def _watch(program: Program, child: Process) -> None:
    status = await child.wait()
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    raise StandaloneError(f"The {program.name} {how}; its messages are above.")


async def _stop(child: Process) -> None:
    if child.returncode is None:
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), STOP_SECONDS)
    except TimeoutError:
        _kill(child)
        await child.wait()


def _kill(child: Process) -> None:
    """Ends a child at once, with the processes that it has made."""
    if child.returncode is None:
        os.killpg(child.pid, signal.SIGKILL)
