"""`rollbook user set-password`: a password for a user that leaves no trace on the command line."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import Annotated

import typer

from rollbook.cli.failures import usage
from rollbook.cli.naming import find_user
from rollbook.cli.secrets import read_secret
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
        password = (
            None if remove else read_secret(file, "password", "--remove takes a password away")
        )
    user = await find_user(session.client, name, read_mask=["id", "user_name"])
    await session.client.passwords.set(password, user_id=user.id)
    session.output.done("Removed the password of" if remove else "Set the password of", user)
