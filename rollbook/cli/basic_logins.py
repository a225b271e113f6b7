"""`rollbook basic-login …`: user names with passwords, for clients that can do nothing else."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import TYPE_CHECKING, Annotated, Final

import typer
from google.protobuf.json_format import MessageToDict

from rollbook.access import Scope  # noqa: TC001  typer reads annotations
from rollbook.cli.failures import usage
from rollbook.cli.listing import Limit, page_size, show
from rollbook.cli.naming import find_basic_login, find_connection_id
from rollbook.cli.secrets import read_secret
from rollbook.cli.session import Session, command
from rollbook.cli.several import for_each

if TYPE_CHECKING:
    from rollbook.v1.credential_service_pb2 import BasicLogin

app = typer.Typer(
    no_args_is_help=True,
    help="User names with passwords, for clients that can do nothing else.",
)

LoginNames = Annotated[list[str], typer.Argument(metavar="LOGIN...", help="Ids or user names.")]

_COLUMNS: Final = ("user name", "scopes", "connection", "last used (UTC)", "id")


@command(
    app,
    "create",
    examples="""\
rollbook basic-login create pingfederate --connection ping
rollbook basic-login create determined --password-file password.txt""",
)
async def create(
    session: Session,
    user_name: Annotated[str, typer.Argument(help="The user name, without a colon.")],
    *,
    connection: Annotated[
        str | None,
        typer.Option(help="The SCIM connection that it is for, by id or name; else the default."),
    ] = None,
    scopes: Annotated[
        list[Scope] | None,
        typer.Option("--scope", help="What it is good for; may be repeated; else scim."),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Has the password as its first line, - for standard input; else one is made up.",
        ),
    ] = None,
) -> None:
    """Let a client in by user name and password, and print a password that is made up, which
    cannot be had again."""
    with usage():
        password = read_secret(password_file, "password", "") if password_file else ""
    connection_id = await find_connection_id(session.client, connection)
    made = await session.client.basic_logins.create(
        user_name, password, scopes=scopes or (), connection_id=connection_id
    )
    if session.output.as_json:
        session.output.json({**MessageToDict(made.login), "password": made.password})
        return
    session.output.say(
        f"Made {made.login.user_name} ({made.login.id}), good for {', '.join(made.login.scopes)}."
    )
    if made.password:
        session.output.say("Its password is shown this once:")
        print(made.password, flush=True, file=sys.stdout)  # noqa: T201  # nothing may be wrapped into it


@command(app, "list", examples="rollbook basic-login list")
async def list_logins(session: Session, *, limit: Limit = None) -> None:
    """List who gets in by user name and password, the newest first."""
    listing = session.client.basic_logins.list(page_size=page_size(limit, session.output))
    await show(listing, session.output, limit=limit, columns=_COLUMNS, row=_row)


@command(app, "delete", examples="rollbook basic-login delete pingfederate")
async def delete(session: Session, names: LoginNames) -> None:
    """Let them in no more, at once and on every instance."""

    async def act(name: str) -> None:
        login = await find_basic_login(session.client, name)
        await session.client.basic_logins.delete(login.id)
        session.output.say(f"Deleted {login.user_name} ({login.id}).")

    await for_each(session, names, act)


def _row(login: BasicLogin) -> tuple[str, ...]:
    used = (
        f"{login.last_use_time.ToDatetime():%Y-%m-%d %H:%M}"
        if login.HasField("last_use_time")
        else "never"
    )
    connection = login.connection_id or ("default (settings)" if login.from_settings else "default")
    return (login.user_name, " ".join(login.scopes), connection, used, login.id)
