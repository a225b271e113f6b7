"""`python -m tests.fuzz`: many hostile requests against a service and a gateway.

Exits with 1 when an answer is a 5xx, takes a second or is not what an answer has to be, when the
memory of a process grows, or when the directory is not sound afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.fuzz.campaign import MAX_SECONDS, Campaign, Report
from tests.fuzz.generation import Generator
from tests.fuzz.memory import MemoryWatch
from tests.fuzz.processes import running
from tests.fuzz.requests import load_corpus, shown
from tests.fuzz.resources import Bystanders, Targets
from tests.fuzz.soundness import unsoundness
from tests.harness.database import OwnedServer
from tests.harness.instance import TOKEN
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.fuzz.processes import Processes
    from tests.harness.database import DatabaseServer

_console: Final = Console(highlight=False)


def arguments_of(command_line: Sequence[str] | None = None) -> argparse.Namespace:
    """What to send."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="how many (%(default)s)")
    parser.add_argument("--seed", default="1", help="another one, other requests (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first request")
    parser.add_argument("--show", action="store_true", help="print the requests, send none")
    return parser.parse_args(command_line)


async def attack(server: DatabaseServer, generate: Generator, numbers: Sequence[int]) -> bool:
    """Whether everything was as it should be."""
    async with server.database() as url:
        with running(url) as processes:
            async with ScimClient(processes.base_url, TOKEN) as client:
                database = await asyncpg.connect(url)
                try:
                    return await _attack(processes, client, database, generate, numbers)
                finally:
                    await database.close()


async def _attack(
    processes: Processes,
    client: ScimClient,
    database: asyncpg.Connection[Any],
    generate: Generator,
    numbers: Sequence[int],
) -> bool:
    bystanders = Bystanders(client)
    await bystanders.make()
    campaign = Campaign(client.base_url, generate, Targets(client))
    memory = MemoryWatch({"service": processes.service, "gateway": processes.gateway})
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=_console,
    ) as bar:
        task = bar.add_task("hostile requests", total=len(numbers))

        def progress() -> None:
            bar.advance(task)
            memory.sample(sum(campaign.report.statuses.values()) / len(numbers))

        report = await campaign.run(numbers, progress)
    wrong = [*memory.growth(), *await bystanders.changes(), *await unsoundness(client, database)]
    for line in _lines(report, generate, memory, wrong):
        _console.print(line, markup=False)
    return not report.findings and not wrong


def _lines(
    report: Report, generate: Generator, memory: MemoryWatch, wrong: Sequence[str]
) -> Iterator[str]:
    yield "statuses: " + ", ".join(f"{s} × {n}" for s, n in sorted(report.statuses.items()))
    yield f"slowest (at most {MAX_SECONDS:g} s alone): " + ", ".join(
        f"{seconds:.3f} s (request {number})" for seconds, number in sorted(report.slowest)[::-1]
    )
    yield memory.summary()
    for number, what in report.findings[:50]:
        yield f"\nRequest {number} (send it alone: --first {number} --requests 1): {what}"
        yield "  " + shown(generate(number))
    yield f"{len(report.findings)} findings in answers"
    yield from wrong


def main() -> int:
    """The exit status."""
    arguments = arguments_of()
    generate = Generator(load_corpus(), arguments.seed)
    numbers = range(arguments.first, arguments.first + arguments.requests)
    if arguments.show:
        for number in numbers:
            _console.print(f"{number}: {shown(generate(number))}", markup=False)
        return 0
    server = OwnedServer()
    try:
        return 0 if asyncio.run(attack(server.running(), generate, numbers)) else 1
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
