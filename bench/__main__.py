"""`python -m bench`: measures Rollbook on this machine."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import grpc
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import competitors as other_servers
from bench.clients import GrpcClient, HttpClient
from bench.measuring import measure
from bench.report import table_of, write_json
from bench.scenarios import READERS, Competitors, Rollbook, scenarios
from bench.seed import CANDIDATES, SMALL_GROUPS, SMALL_SIZE, Seed, seed
from bench.stack import TOKEN, Stack
from rollbook.v1.group_service_pb2_grpc import GroupServiceStub
from rollbook.v1.user_service_pb2 import GetUserRequest
from rollbook.v1.user_service_pb2_grpc import UserServiceStub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measuring import Measurement, Scenario

MEMBERS: Final = 100_000
_WIDTH: Final = 135
"""Columns that the tables need."""

METADATA: Final = (("authorization", f"Bearer {TOKEN}"),)


_LEGEND: Final = """
Ratios are of requests/s, the median of the rounds. The chains answer the same JSON without
credentials, projection, groups or etags; constant servers answer the same bytes to everyone.
10 and large are the members of the group, large is {members:,}. Every round: {output}"""


def main() -> None:
    options = _options()
    console = Console()
    if console.width < _WIDTH:
        console = Console(width=_WIDTH)
    with Stack() as stack, _progress(console) as progress:
        results = uvloop.run(_measure(stack, options, progress))
    for scenario, measurements in results:
        console.print()
        console.print(table_of(scenario, measurements))
    settings = {"rounds": options.rounds, "seconds": options.seconds, "members": options.members}
    write_json(options.output, settings, results)
    console.print(_LEGEND.format(members=options.members, output=options.output))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute, less exact")
    parser.add_argument("--only", default="", help="scenarios whose title has this text")
    parser.add_argument("--rounds", type=int, help="turns of every competitor [5, quick: 3]")
    parser.add_argument("--seconds", type=float, help="of one turn, about [2, quick: 0.4]")
    parser.add_argument(
        "--members", type=int, default=MEMBERS, help=f"of the large group [{MEMBERS}]"
    )
    parser.add_argument("--output", type=Path, default=Path("bench-results.json"))
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 5)
    options.seconds = options.seconds or (0.4 if options.quick else 2.0)
    return options


def _progress(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description:<45}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=not sys.stdout.isatty())


async def _measure(
    stack: Stack, options: argparse.Namespace, progress: Progress
) -> list[tuple[Scenario, Sequence[Measurement]]]:
    async with grpc.aio.insecure_channel(stack.grpc_target, options=_UNLIMITED) as channel:
        groups = GroupServiceStub(channel)
        total = 2 * options.members + CANDIDATES + SMALL_GROUPS * SMALL_SIZE
        task = progress.add_task("users and members", total=total)
        made = await seed(
            stack.database_url,
            groups,
            METADATA,
            options.members,
            lambda step: progress.advance(task, step),
        )
        http = await HttpClient.open(stack.http_port, READERS, TOKEN)
        ours = Rollbook(http, GrpcClient(channel, TOKEN), groups, METADATA, made, stack.processes)
        others = await _competitors(stack, http, made, channel)
        return await _run(options, progress, list(scenarios(ours, others)))


_UNLIMITED: Final = (("grpc.max_receive_message_length", -1),)


async def _competitors(
    stack: Stack, http: HttpClient, made: Seed, channel: grpc.aio.Channel
) -> Competitors:
    documents = [await http.get(f"/Users/{each}") for each in made.users]
    message = await UserServiceStub(channel).GetUser(
        GetUserRequest(id=made.users[0]), metadata=METADATA
    )
    await other_servers.fill_table(stack.database_url, documents)
    http_ceiling = other_servers.start_http_ceiling(stack, documents[0])
    grpc_ceiling = other_servers.start_grpc_ceiling(stack, message.SerializeToString())
    chains = []
    for chain in other_servers.start_chains(stack):
        client = await HttpClient.open(chain.port, READERS, TOKEN)
        theirs = await client.get(f"/Users/{made.users[0]}")
        other_servers.check_same(documents[0], theirs, f"the {chain.form} chain")
        chains.append((chain, client))
    return Competitors(
        (http_ceiling, await HttpClient.open(int(http_ceiling.address), READERS, TOKEN)),
        (grpc_ceiling, GrpcClient(grpc.aio.insecure_channel(grpc_ceiling.address), TOKEN)),
        chains,
    )


async def _run(
    options: argparse.Namespace, progress: Progress, chosen: Sequence[Scenario]
) -> list[tuple[Scenario, Sequence[Measurement]]]:
    results: list[tuple[Scenario, Sequence[Measurement]]] = []
    for scenario in chosen:
        if options.only not in scenario.title:
            continue
        turns = options.rounds * len(scenario.targets)
        task = progress.add_task(scenario.title, total=turns)
        found = await measure(
            scenario, options.rounds, options.seconds, partial(progress.advance, task)
        )
        results.append((scenario, found))
    return results


if __name__ == "__main__":
    main()
