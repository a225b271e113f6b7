"""Sends generated requests, several at a time, and judges the answers."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from tests.fuzz.judging import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.fuzz.requests import Request
    from tests.fuzz.resources import Targets

MAX_SECONDS: Final = 1.0
"""How long an answer may take."""

_CONCURRENCY: Final = 4
_RESTORE_EVERY: Final = 500
_SLOWEST: Final = 10
_GIVE_UP_SECONDS: Final = 20
_AUTOMATIC_HEADERS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass
class Report:
    """What came of a campaign."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest: list[tuple[float, int]] = field(default_factory=list)
    """Seconds and the number of the request."""
    findings: list[tuple[int, str]] = field(default_factory=list)
    """The number of the request and what is wrong with its answer."""

    def add(self, number: int, status: int, seconds: float) -> None:
        """Counts an answer."""
        self.statuses[status] += 1
        heapq.heappush(self.slowest, (seconds, number))
        if len(self.slowest) > _SLOWEST:
            heapq.heappop(self.slowest)


class Campaign:
    """Requests of one generator against one gateway."""

    def __init__(
        self,
        base_url: str,
        generate: Callable[[int], Request],
        targets: Targets,
        *,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self._base_url = base_url
        self._generate = generate
        self._targets = targets
        self._max_seconds = max_seconds
        self.report = Report()

    async def run(self, numbers: Iterable[int], progress: Callable[[], None]) -> Report:
        """Sends the requests with these numbers; `progress` is called after each."""
        timeout = ClientTimeout(total=_GIVE_UP_SECONDS)
        async with ClientSession(skip_auto_headers=_AUTOMATIC_HEADERS, timeout=timeout) as session:
            for batch in _batches(numbers):
                await self._targets.restore()
                waiting = iter(batch)
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(_CONCURRENCY):
                        tasks.create_task(self._work(session, waiting, progress))
            await self._judge_slow(session)
        return self.report

    async def _work(
        self, session: ClientSession, waiting: Iterable[int], progress: Callable[[], None]
    ) -> None:
        for number in waiting:
            status, seconds = await self._send(session, number)
            self.report.add(number, status, seconds)
            progress()

    async def _send(self, session: ClientSession, number: int) -> tuple[int, float]:
        """The status, and the seconds to the last byte of the answer."""
        request = self._generate(number).filled(self._targets.variables)
        start = time.perf_counter()
        try:
            status, headers, body = await self._exchange(session, request)
        except (ClientError, TimeoutError, OSError) as error:
            self.report.findings.append((number, f"no answer: {error!r}"))
            return 0, time.perf_counter() - start
        seconds = time.perf_counter() - start
        self.report.findings += [(number, each) for each in faults(request, status, headers, body)]
        return status, seconds

    async def _exchange(
        self, session: ClientSession, request: Request
    ) -> tuple[int, Mapping[str, str], bytes]:
        async with session.request(
            request.method,
            URL(self._base_url + request.target, encoded=True),
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
        ) as response:
            return response.status, response.headers, await response.read()

    async def _judge_slow(self, session: ClientSession) -> None:
        """A slow answer counts if it is slow again with nothing else going on: other programs
        of this machine may have been in its way."""
        for seconds, number in sorted(self.report.slowest, reverse=True):
            if seconds <= self._max_seconds:
                return
            again = min([(await self._send(session, number))[1] for _ in range(2)])
            if again > self._max_seconds:
                self.report.findings.append((number, f"took {seconds:.2f} s, then {again:.2f} s"))


def _batches(numbers: Iterable[int]) -> Iterable[list[int]]:
    waiting = iter(numbers)
    while batch := list(itertools.islice(waiting, _RESTORE_EVERY)):
        yield batch
