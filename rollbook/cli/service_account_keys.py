"""`rollbook service-account key …`: make, list, replace and revoke the keys of service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rollbook.cli.durations import parse_duration
from rollbook.cli.failures import usage
from rollbook.cli.listing import Limit, page_size, show
from rollbook.cli.naming import find_connection_id, find_service_account, find_token
from rollbook.cli.service_accounts import AccountName  # noqa: TC001  typer reads annotations
from rollbook.cli.session import Session, command
from rollbook.cli.several import for_each
from rollbook.cli.tokens import (
    COLUMNS,
    ConnectionName,
    Ended,
    Lifetime,
    Overlap,
    Scopes,
    show_secret,
    token_row,
)

if TYPE_CHECKING:
    from rollbook.v1.service_account_pb2 import ServiceAccount

app = typer.Typer(no_args_is_help=True, help="Make, list, replace and revoke API keys.")

KeyName = Annotated[str, typer.Argument(metavar="KEY", help="Id or name.")]
KeyNames = Annotated[list[str] | None, typer.Argument(metavar="KEY...", help="Ids or names.")]


@command(
    app,
    "create",
    examples="""\
rollbook service-account key create okta-bot --scope scim > key
rollbook service-account key create ci-bot --scope directory.read --lifetime 90d --name nightly""",
)
async def create(
    session: Session,
    account: AccountName,
    *,
    scopes: Scopes,
    name: Annotated[
        str | None, typer.Option(help="What it is for; else it is called as the account is.")
    ] = None,
    lifetime: Lifetime = None,
    connection: ConnectionName = None,
) -> None:
    """Make a key and print its secret, which cannot be had again.

    Of the scopes that change something it is good for those that the
    roles of the account grant, as account_type=admin does.
    """
    with usage():
        length = parse_duration(lifetime) if lifetime is not None else None
    whose = await _account(session, account)
    connection_id = await find_connection_id(session.client, connection)
    made = await session.client.tokens.create(
        name or whose.display_name,
        scopes,
        lifetime=length,
        principal_id=whose.id,
        connection_id=connection_id,
    )
    show_secret(session.output, made.token, made.secret)


@command(app, "list", examples="rollbook service-account key list ci-bot --ended")
async def list_keys(
    session: Session,
    account: AccountName,
    *,
    ended: Ended = False,
    limit: Limit = None,
) -> None:
    """List the keys of an account, the newest first, without their secrets."""
    whose = await _account(session, account)
    if whose.HasField("owner") and not whose.owner.active:
        session.output.say(f"The owner of {whose.display_name} is inactive; its keys are valid.")
    listing = session.client.tokens.list(
        show_ended=ended,
        principal_id=whose.id,
        page_size=page_size(limit, session.output),
    )
    await show(listing, session.output, limit=limit, columns=COLUMNS, row=token_row)


@command(app, "rotate", examples="rollbook service-account key rotate ci-bot nightly --overlap 2d")
async def rotate(
    session: Session,
    account: AccountName,
    key: KeyName,
    *,
    overlap: Overlap = "1d",
) -> None:
    """Make a key in the place of another and print its secret."""
    with usage():
        length = parse_duration(overlap)
    whose = await _account(session, account)
    old = await find_token(session.client, key, whose.id)
    made = await session.client.tokens.rotate(old.id, overlap=length)
    show_secret(session.output, made.token, made.secret)


@command(
    app,
    "revoke",
    examples="""\
rollbook service-account key revoke ci-bot nightly
rollbook service-account key revoke ci-bot --all""",
)
async def revoke(
    session: Session,
    account: AccountName,
    keys: KeyNames = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Make keys invalid, at once and on every instance."""
    with usage():
        if bool(keys) == every:
            raise ValueError("Name the keys, or give --all.")
    whose = await _account(session, account)
    names = keys or [token.id async for token in session.client.tokens.list(principal_id=whose.id)]

    async def act(name: str) -> None:
        token = await find_token(session.client, name, whose.id)
        await session.client.tokens.revoke(token.id)
        session.output.say(f"Revoked {token.name} ({token.id}).")

    await for_each(session, names, act)


async def _account(session: Session, name: str) -> ServiceAccount:
    mask = ["id", "display_name", "owner"]
    return await find_service_account(session.client, name, read_mask=mask)
