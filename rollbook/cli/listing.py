"""What the listing commands share: which, in what order, how many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from google.protobuf.json_format import MessageToDict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

    from rollbook.cli.output import Output
    from rollbook.client import Listing

TABLE_ROWS: Final = 50
"""How many rows a table has when nobody says."""

_LARGE_PAGE: Final = 500

Search = Annotated[
    str | None,
    typer.Option("--search", "-s", metavar="TEXT", help="Only those that have it in a name."),
]
SortBy = Annotated[
    str | None,
    typer.Option("--sort", metavar="ATTRIBUTE", help="The order, e.g. userName; else by age."),
]
Descending = Annotated[bool, typer.Option("--descending", help="Turn the order round.")]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        min=0,
        help=f"How many at most, 0 for all. By default a table has {TABLE_ROWS}, JSON all.",
    ),
]

M = TypeVar("M", bound="Message")


def minute(time: Timestamp) -> str:
    """A time as a column shows it, in UTC."""
    return f"{time.ToDatetime():%Y-%m-%d %H:%M}"


def page_size(limit: int | None, output: Output) -> int:
    """How many to ask for at once so as to show `limit` of them."""
    wanted = _wanted(limit, output)
    # One more tells whether there are others.
    return min(wanted + 1, _LARGE_PAGE) if wanted else _LARGE_PAGE


def _wanted(limit: int | None, output: Output) -> int:
    """How many to show, 0 for all."""
    if limit is not None:
        return limit
    return 0 if output.as_json else TABLE_ROWS


async def show(
    listing: Listing[Any, M],
    output: Output,
    *,
    limit: int | None,
    columns: Sequence[str],
    row: Callable[[M], Sequence[str]],
    count: Callable[[], Awaitable[int]] | None = None,
) -> None:
    """Print a listing: JSON as it comes, a table when it is complete, with a word on how many
    `count` there are in all when it leaves some out."""
    wanted = _wanted(limit, output)
    if output.as_json:
        async for item in _first(listing, wanted):
            output.json(MessageToDict(item))
        return
    rows = [row(item) async for item in _first(listing, wanted + 1 if wanted else 0)]
    shown = rows[:wanted] if wanted else rows
    if not rows:
        output.say("There are none.")
        return
    output.table(columns, shown)
    if len(rows) > len(shown):
        total = f" of {await count():,}" if count else ""
        output.say(f"{len(shown)}{total} shown; --limit 0 shows all.")


async def _first(listing: Listing[Any, M], wanted: int) -> AsyncIterator[M]:
    """The first items of a listing; all when `wanted` is 0."""
    number = 0
    async for item in listing:
        yield item
        number += 1
        if number == wanted:
            return
