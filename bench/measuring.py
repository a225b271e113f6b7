"""How requests are measured: closed loops, in rounds in which every competitor has its turn.

The machine may be noisy and grow slower or faster meanwhile. So competitors are compared round by
round, and a ratio is the median of the ratios of the rounds.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bench.processes import processor_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Call = Callable[[int, int], Awaitable[None]]
"""Makes the request of a number on the connection of a worker; raises when the answer is wrong."""

_WARM_UP: Final = 60
"""Requests before the first round; they also tell how many make a round."""

_FEWEST: Final = 20


@dataclass(frozen=True)
class Target:
    """One competitor. `against` names those it is compared with. `reset` runs after a round."""

    name: str
    call: Call
    processes: Mapping[str, int]
    against: tuple[str, ...] = ()
    reset: Callable[[], Awaitable[None]] | None = None
    most: int = 1_000_000


@dataclass(frozen=True)
class Scenario:
    """One kind of request, with so many at a time."""

    title: str
    concurrency: int
    targets: Sequence[Target]


@dataclass
class Round:
    """What one turn of a competitor gave: seconds of each request, of all, and of processors."""

    latencies: list[float]
    seconds: float
    processors: dict[str, float]

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return len(self.latencies) / self.seconds


@dataclass
class Measurement:
    """All rounds of a competitor."""

    target: Target
    rounds: list[Round] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """How many requests there were."""
        return sum(len(each.latencies) for each in self.rounds)

    @property
    def per_second(self) -> float:
        """The median of the rounds."""
        return statistics.median(each.per_second for each in self.rounds)

    def quantile(self, share: float) -> float:
        """The seconds within which this share of all requests was answered."""
        latencies = sorted(itertools.chain.from_iterable(each.latencies for each in self.rounds))
        return latencies[min(len(latencies) - 1, int(share * len(latencies)))]

    def processors(self) -> dict[str, float]:
        """Seconds of processor time for one request, by process."""
        names = self.rounds[0].processors
        return {
            name: sum(each.processors[name] for each in self.rounds) / self.requests
            for name in names
        }


async def measure(
    scenario: Scenario, rounds: int, seconds: float, on_round: Callable[[], None]
) -> list[Measurement]:
    """Measures every competitor in every round, each for about so many seconds."""
    measurements = [Measurement(target) for target in scenario.targets]
    numbers = {target.name: itertools.count() for target in scenario.targets}
    sizes = {}
    for target in scenario.targets:
        warm_up = await _run(target, numbers[target.name], _WARM_UP, scenario.concurrency)
        wanted = int(warm_up.per_second * seconds)
        sizes[target.name] = max(_FEWEST, min(wanted, target.most))
    for turn in range(rounds):
        order = measurements[turn % len(measurements) :] + measurements[: turn % len(measurements)]
        for measurement in order:
            target = measurement.target
            measurement.rounds.append(
                await _run(target, numbers[target.name], sizes[target.name], scenario.concurrency)
            )
            on_round()
    _compare(measurements)
    return measurements


async def _run(target: Target, numbers: Iterator[int], size: int, concurrency: int) -> Round:
    todo = itertools.islice(numbers, size)
    latencies: list[float] = []

    async def work(worker: int) -> None:
        for number in todo:
            start = time.perf_counter()
            await target.call(worker, number)
            latencies.append(time.perf_counter() - start)

    before = _used(target)
    start = time.perf_counter()
    await asyncio.gather(*(work(worker) for worker in range(concurrency)))
    seconds = time.perf_counter() - start
    used = {name: after - before[name] for name, after in _used(target).items()}
    if target.reset is not None:
        await target.reset()
    return Round(latencies, seconds, used)


def _used(target: Target) -> dict[str, float]:
    used = {name: processor_seconds(each) for name, each in target.processes.items()}
    return {**used, "load": time.process_time()}


def _compare(measurements: Sequence[Measurement]) -> None:
    by_name = {each.target.name: each for each in measurements}
    for measurement in measurements:
        for name in measurement.target.against:
            measurement.ratios[name] = statistics.median(
                mine.per_second / theirs.per_second
                for mine, theirs in zip(measurement.rounds, by_name[name].rounds, strict=True)
            )
