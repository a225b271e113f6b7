"""Progress of long work, shown at a terminal only."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook.cli.output import Output


@contextmanager
def progress_bar(
    title: str, total: float | None, output: Output
) -> Iterator[Callable[[float], None]]:
    """Show a bar on standard error; the function it gives is told how much is done. Without a
    total the bar tells only that work goes on."""
    columns = (TextColumn(title), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    hidden = not output.errors.is_terminal
    with Progress(*columns, console=output.errors, transient=True, disable=hidden) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)
