"""`rollbook oauth grant …`: see what clients were given by whom, and take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollbook.cli.listing import Limit, minute, page_size, show
from rollbook.cli.naming import find_principal_id
from rollbook.cli.session import Session, command
from rollbook.cli.several import for_each
from rollbook.cli.tokens import Ended  # noqa: TC001  typer reads annotations
from rollbook.v1.oauth_service_pb2 import OAuthGrantState

if TYPE_CHECKING:
    from rollbook.v1.oauth_service_pb2 import OAuthGrant

app = typer.Typer(no_args_is_help=True, help="See what clients were given, and take it back.")

_COLUMNS: Final = ("client", "scopes", "by", "since (UTC)", "refreshed (UTC)", "valid (UTC)", "id")


@command(
    app,
    "list",
    examples="""\
rollbook oauth grant list
rollbook oauth grant list --principal ada@acme.example --ended""",
)
async def list_grants(
    session: Session,
    *,
    client: Annotated[
        str, typer.Option(metavar="ID", help="Only those of the client with this id.")
    ] = "",
    principal: Annotated[
        str | None, typer.Option(metavar="USER", help="Only what this user consented to.")
    ] = None,
    ended: Ended = False,
    limit: Limit = None,
) -> None:
    """List what administrators have consented to, the newest first."""
    whose = await find_principal_id(session.client, principal) if principal else ""
    listing = session.client.oauth_grants.list(
        client_id=client,
        principal_id=whose,
        show_ended=ended,
        page_size=page_size(limit, session.output),
    )
    await show(listing, session.output, limit=limit, columns=_COLUMNS, row=_row)


@command(app, "revoke", examples="rollbook oauth grant revoke 019a8c1e-7b5f-7c3a-9d2e-4f6a8b0c1d2e")
async def revoke(
    session: Session,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of grants.")],
) -> None:
    """End all tokens that clients got by a consent, at once and on every instance."""

    async def act(grant_id: str) -> None:
        await session.client.oauth_grants.revoke(grant_id)
        session.output.say(f"Revoked {grant_id}.")

    await for_each(session, ids, act)


def _row(grant: OAuthGrant) -> tuple[str, ...]:
    refreshed = minute(grant.refresh_time) if grant.HasField("refresh_time") else "never"
    return (
        grant.client_name,
        " ".join(grant.scopes),
        grant.granted_by,
        minute(grant.create_time),
        refreshed,
        _validity(grant),
        grant.id,
    )


def _validity(grant: OAuthGrant) -> str:
    if grant.HasField("revoke_time"):
        return f"revoked {minute(grant.revoke_time)}"
    if not grant.HasField("expire_time"):
        return ""
    has_ended = grant.state == OAuthGrantState.O_AUTH_GRANT_STATE_EXPIRED
    return f"{'ended' if has_ended else 'until'} {minute(grant.expire_time)}"
