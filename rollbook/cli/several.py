"""Commands that take several names and do the same to each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rollbook.cli.failures import ExitCode, advice, describe, exit_code
from rollbook.errors import (
    PermissionDeniedError,
    RollbookError,
    UnauthenticatedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from rollbook.cli.session import Session

UserNames = Annotated[
    list[str], typer.Argument(metavar="USER...", help="Ids, userNames or e-mail addresses.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

HOPELESS = (UnavailableError, UnauthenticatedError, PermissionDeniedError)
"""Errors that the next name would meet too."""


async def for_each(
    session: Session, names: Iterable[str], act: Callable[[str], Awaitable[None]]
) -> None:
    """Do it to each; one that fails does not keep the others from being done. Raises Exit with
    the exit code of the last that failed."""
    failed = ExitCode.OK
    for name in names:
        try:
            await act(name)
        except HOPELESS:
            raise
        except RollbookError as error:
            session.output.error(describe(error), advice(error))
            failed = exit_code(error)
    if failed:
        raise typer.Exit(failed)


def confirm_deletion(what: str, names: Sequence[str], *, yes: bool) -> None:
    """Ask whether to delete, unless that is said already. Raises Abort when the answer is no,
    BadParameter when nobody is there to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("Deletion cannot be undone: confirm it.", param_hint="--yes")
    typer.confirm(f"Delete {what} {', '.join(names)} for good?", abort=True, err=True)
