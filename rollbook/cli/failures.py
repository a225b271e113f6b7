"""What the command says and exits with when something goes wrong."""

from __future__ import annotations

from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import typer

from rollbook.errors import (
    AlreadyExistsError,
    ConflictError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RollbookError,
    UnauthenticatedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class ExitCode(IntEnum):
    """The exit codes of the command, for scripts."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NOT_FOUND = 3
    DENIED = 4
    CONFLICT = 5
    UNAVAILABLE = 6
    INTERRUPTED = 130


EXIT_CODES_HELP: Final = """\
[bold]Exit codes[/bold]
0  done
1  refused, or failed
2  wrong usage
3  there is no such resource or token
4  not allowed, or not authenticated
5  conflict: a name is taken, or someone else has changed it
6  the service cannot be reached, or took too long
130  interrupted"""

_EXIT_CODES: Final[dict[type[RollbookError], ExitCode]] = {
    NotFoundError: ExitCode.NOT_FOUND,
    UnauthenticatedError: ExitCode.DENIED,
    PermissionDeniedError: ExitCode.DENIED,
    AlreadyExistsError: ExitCode.CONFLICT,
    ConflictError: ExitCode.CONFLICT,
    UnavailableError: ExitCode.UNAVAILABLE,
    DeadlineExceededError: ExitCode.UNAVAILABLE,
}

_ADVICE_BY_REASON: Final = {
    "CREDENTIALS_MISSING": "Set ROLLBOOK_TOKEN, or name a file with --token-file.",
    "CREDENTIALS_INVALID": (
        "Check ROLLBOOK_TOKEN or --token-file. `make run` prints the first token when it starts "
        "on an empty data directory."
    ),
    "SCOPE_MISSING": "Use a token with that scope.",
    "ETAG_MISMATCH": "Someone else has changed it: look again, then repeat the command.",
    "CONFLICT": "Repeat the command.",
}

_ADVICE_BY_FIELD: Final = {
    ("UNIQUENESS", "userName"): (
        "See who has it with `rollbook user get`, change it with `rollbook user update`."
    ),
}

_ADVICE_BY_CLASS: Final[dict[type[RollbookError], str]] = {
    UnavailableError: (
        "Is the service running there? Start everything with `make run`, or name another address "
        "with --address or ROLLBOOK_ADDRESS. Only if it wants TLS, add --tls."
    ),
    DeadlineExceededError: (
        "A change may have happened or not: look before you repeat it. --timeout gives more time."
    ),
}


def exit_code(error: RollbookError) -> ExitCode:
    """The exit code for an error of the client."""
    return _EXIT_CODES.get(type(error), ExitCode.ERROR)


def advice(error: RollbookError) -> str:
    """What to do about an error; empty where its message says that itself."""
    return (
        _ADVICE_BY_FIELD.get((error.reason, error.field))
        or _ADVICE_BY_REASON.get(error.reason)
        or _ADVICE_BY_CLASS.get(type(error), "")
    )


def describe(error: RollbookError) -> str:
    """The error as a sentence, with the field at fault where the message leaves it out."""
    if isinstance(error, UnavailableError) and not error.reason:
        return f"The service does not answer: {error.message}"
    if isinstance(error, DeadlineExceededError) and not error.reason:
        return "The service took too long."
    if isinstance(error, InvalidRequestError) and error.field not in error.message:
        return f"{error.field}: {error.message}"
    return error.message


@contextmanager
def usage() -> Iterator[None]:
    """What is wrong with an option here is wrong usage. Raises BadParameter."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(str(error)) from error
