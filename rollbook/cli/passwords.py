"""`rollbook user set-password`: a password for a user that leaves no trace on the command line."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from rollbook.cli.failures import usage
from rollbook.cli.naming import find_user
from rollbook.cli.session import Session, command
from rollbook.cli.users import UserName  # noqa: TC001  typer reads annotations

app = typer.Typer()


@command(
    app,
    "set-password",
    examples="""\
rollbook user set-password ada@acme.example
rollbook user set-password ada@acme.example --remove""",
)
async def set_password(
    session: Session,
    name: UserName,
    *,
    file: Annotated[
        Path | None,
        typer.Option(help="Read it from the first line of a file, - for standard input."),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Let the user have no password any more.")
    ] = False,
) -> None:
    """Set the password that a user logs in with; asks for it at a terminal."""
    with usage():
        password = None if remove else _read(file)
    user = await find_user(session.client, name, read_mask=["id", "user_name"])
    await session.client.passwords.set(password, user_id=user.id)
    session.output.done("Removed the password of" if remove else "Set the password of", user)


def _read(file: Path | None) -> str:
    """The password. Raises ValueError when it cannot be had."""
    if file is None and sys.stdin.isatty():
        return _asked()
    try:
        text = sys.stdin.read() if file in {None, Path("-")} else file.read_text()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"The password cannot be read: {error}") from error
    if password := text.partition("\n")[0].rstrip("\r"):
        return password
    raise ValueError("The password is empty; --remove takes a password away.")


def _asked() -> str:
    """What somebody types twice. Raises ValueError when it is not the same."""
    password = getpass.getpass("New password: ", stream=sys.stderr)
    if password and password == getpass.getpass("Once more: ", stream=sys.stderr):
        return password
    raise ValueError("The two are not the same." if password else "The password is empty.")
