"""What the command prints: tables for people, JSON for programs.

Names come from the directory and may hold anything, so nothing of them reaches the terminal
that it could take for a command.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.json_format import MessageToDict
from rich import box
from rich.console import Console
from rich.table import Table

from rollbook.cli.naming import is_id
from rollbook.v1.user_pb2 import User

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from google.protobuf.message import Message
    from rich.tree import Tree

    from rollbook.v1.group_pb2 import Group
    from rollbook.v1.origin_pb2 import Origin
    from rollbook.v1.service_account_pb2 import ServiceAccount

_UNLIMITED_WIDTH: Final = 10_000


class Output:
    """Standard output and standard error. With `as_json` results are one JSON object each, on a
    line of its own; messages for people go to standard error either way."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.errors = _console(stderr=True)
        self._results = _console(stderr=False)

    def json(self, value: Mapping[str, Any]) -> None:
        """Print one JSON object."""
        line = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
        self._results.out(printable_json(line), highlight=False)

    def message(self, message: Message, headline: str = "") -> None:
        """Print one resource, below a headline when people read it."""
        if self.as_json:
            self.json(MessageToDict(message))
            return
        if headline:
            self.say(headline)
        self.pairs(details(MessageToDict(message)))

    def done(self, verb: str, resource: User | Group | ServiceAccount) -> None:
        """Tell what was done to one resource; in JSON, how it is now."""
        if self.as_json:
            self.json(MessageToDict(resource))
            return
        name = resource.user_name if isinstance(resource, User) else resource.display_name
        self.say(f"{verb} {name} ({resource.id}).")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table. Nothing is cut off, as it may be copied; but the last column, the id, is
        left out where the terminal is too narrow for whole lines."""
        cells = [[printable(cell) for cell in row] for row in rows]
        table = _table(columns, cells)
        unlimited = self._results.options.update(width=_UNLIMITED_WIDTH)
        if self._results.measure(table, options=unlimited).maximum > self._results.width:
            table = _table(columns[:-1], cells)
        self._results.print(table)

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Print names and values below each other."""
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, value in pairs:
            table.add_row(printable(name), printable(value))
        self._results.print(table)

    def tree(self, tree: Tree) -> None:
        """Print a tree."""
        self._results.print(tree)

    def say(self, text: str) -> None:
        """Tell a person how it went."""
        self.errors.print(printable(text), soft_wrap=True)

    def error(self, text: str, advice: str = "") -> None:
        """Tell a person what went wrong and what to do."""
        self.errors.print("Error:", style="bold red", end=" ")
        self.errors.print(printable(text), soft_wrap=True)
        if advice:
            self.errors.print(advice, soft_wrap=True)


def _table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table of the given columns; what rows have beyond them is not shown."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row[: len(table.columns)])
    return table


def _console(*, stderr: bool) -> Console:
    """A console that takes text as it is; in a file or pipe lines are as long as they are."""
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _UNLIMITED_WIDTH
    return console


def printable(text: str) -> str:
    """The text with control characters, and those that turn or hide others, written out."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def printable_json(line: str) -> str:
    """The same JSON with such characters as escapes."""
    if line.isprintable():
        return line
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in line)


def details(resource: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The attributes of a resource in JSON as paths and texts, an element on each line."""
    for name, value in resource.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from details(value, f"{path}.")
        elif isinstance(value, list):
            yield from ((path, _element(element)) for element in value)
        else:
            yield path, _scalar(value)


def _element(element: Mapping[str, Any]) -> str:
    """One element of a multi-valued attribute: its value, then the rest. Of one that refers to
    another resource, its name goes before its id."""
    refers = "display" in element and is_id(str(element.get("value")))
    first = "display" if refers else "value"
    rest = [
        name if value is True else _scalar(value)
        for name, value in element.items()
        if name != first and value is not False
    ]
    head = [_scalar(element[first])] if first in element else []
    return "  ".join([*head, *([f"({', '.join(rest)})"] if rest else [])])


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def managed_by(origin: Origin) -> str:
    """Who manages a resource, in a word or two; a connection by its name."""
    if not origin.origin.startswith("scim:"):
        return origin.origin
    name = origin.connection_name or "a connection that is gone"
    return name if origin.synced else f"was {name}"
