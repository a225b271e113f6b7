"""`rollbook token …`: make, list, replace and revoke API tokens."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer
from google.protobuf.json_format import MessageToDict

from rollbook.access import Scope
from rollbook.cli.durations import parse_duration
from rollbook.cli.failures import usage
from rollbook.cli.listing import Limit, minute, page_size, show
from rollbook.cli.naming import find_connection_id, find_holder_id, find_token
from rollbook.cli.session import Session, command
from rollbook.cli.several import for_each

if TYPE_CHECKING:
    from rollbook.cli.output import Output
    from rollbook.v1.credential_service_pb2 import Token

app = typer.Typer(no_args_is_help=True, help="Make, list, replace and revoke API tokens.")

TokenName = Annotated[str, typer.Argument(metavar="TOKEN", help="Id or name.")]
TokenNames = Annotated[list[str], typer.Argument(metavar="TOKEN...", help="Ids or names.")]

Scopes = Annotated[
    list[Scope], typer.Option("--scope", help="What it is good for; may be repeated.")
]
Lifetime = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="How long it is valid, e.g. 90d; else without end."),
]
ConnectionName = Annotated[
    str | None,
    typer.Option(help="The SCIM connection that it is for, by id or name; else the default."),
]
Ended = Annotated[bool, typer.Option("--ended", help="Also those that have ended.")]
Overlap = Annotated[str, typer.Option(metavar="TIME", help="How long the old one stays valid.")]

COLUMNS: Final = ("name", "scopes", "ends with", "last used (UTC)", "valid (UTC)", "id")


@command(
    app,
    "create",
    examples="""\
rollbook token create okta --scope scim --connection okta
rollbook token create billing --scope directory.read --lifetime 90d > token
rollbook token create "Grace's laptop" --scope directory.read --principal grace@acme.example
rollbook token create builds --scope directory.read --principal ci-bot""",
)
async def create(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    *,
    scopes: Scopes,
    lifetime: Lifetime = None,
    principal: Annotated[
        str | None,
        typer.Option(
            metavar="WHO",
            help="The user or service account whose it is: it ends when that one is deactivated or "
            "deleted.",
        ),
    ] = None,
    connection: ConnectionName = None,
) -> None:
    """Make a token and print its secret, which cannot be had again."""
    with usage():
        length = parse_duration(lifetime) if lifetime is not None else None
    whose = await _principal_id(session, principal)
    connection_id = await find_connection_id(session.client, connection)
    made = await session.client.tokens.create(
        name,
        scopes,
        lifetime=length,
        principal_id=whose,
        connection_id=connection_id,
    )
    show_secret(session.output, made.token, made.secret)


@command(app, "list", examples="rollbook token list --ended")
async def list_tokens(
    session: Session,
    *,
    ended: Ended = False,
    principal: Annotated[
        str | None, typer.Option(metavar="WHO", help="Only those of this user or service account.")
    ] = None,
    limit: Limit = None,
) -> None:
    """List tokens, the newest first, without their secrets."""
    listing = session.client.tokens.list(
        show_ended=ended,
        principal_id=await _principal_id(session, principal),
        page_size=page_size(limit, session.output),
    )
    await show(listing, session.output, limit=limit, columns=COLUMNS, row=token_row)


@command(
    app,
    "rotate",
    examples="""\
rollbook token rotate okta --overlap 2d
rollbook token rotate 019a8c1e-7b5f-7c3a-9d2e-4f6a8b0c1d2e > token""",
)
async def rotate(
    session: Session,
    name: TokenName,
    *,
    overlap: Overlap = "1d",
) -> None:
    """Make a token in the place of another and print its secret."""
    with usage():
        length = parse_duration(overlap)
    old = await find_token(session.client, name)
    made = await session.client.tokens.rotate(old.id, overlap=length)
    show_secret(session.output, made.token, made.secret)


@command(app, "revoke", examples="rollbook token revoke okta")
async def revoke(session: Session, names: TokenNames) -> None:
    """Make tokens invalid, at once and on every instance."""

    async def act(name: str) -> None:
        token = await find_token(session.client, name)
        await session.client.tokens.revoke(token.id)
        session.output.say(f"Revoked {token.name} ({token.id}).")

    await for_each(session, names, act)


async def _principal_id(session: Session, name: str | None) -> str:
    """The id of the user or service account of that name; empty without one."""
    return await find_holder_id(session.client, name) if name else ""


def show_secret(output: Output, token: Token, secret: str) -> None:
    """The secret alone on standard output, so that it can go straight to where it belongs."""
    if output.as_json:
        output.json({**MessageToDict(token), "secret": secret})
        return
    output.say(
        f"Made {token.name} ({token.id}), good for {', '.join(token.scopes)}, valid "
        f"{_end(token)}. Its secret is shown this once:"
    )
    print(secret, flush=True, file=sys.stdout)  # noqa: T201  # nothing may be wrapped into it


def token_row(token: Token) -> tuple[str, ...]:
    """What a table shows of a token, by `COLUMNS`."""
    used = minute(token.last_use_time) if token.HasField("last_use_time") else "never"
    ends = f"…{token.hint}" if token.hint else ""
    return (token.name, " ".join(token.scopes), ends, used, _end(token), token.id)


def _end(token: Token) -> str:
    if token.HasField("revoke_time"):
        return f"revoked {minute(token.revoke_time)}"
    if token.HasField("expire_time"):
        return f"until {minute(token.expire_time)}"
    return "without end"
