"""`rollbook oauth …`: register, list and remove clients of the authorization server."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  typer reads annotations
from typing import TYPE_CHECKING, Annotated, Final

import typer
from google.protobuf.json_format import MessageToDict

from rollbook.access import Scope
from rollbook.cli import oauth_grants
from rollbook.cli.failures import usage
from rollbook.cli.listing import Limit, page_size, show
from rollbook.cli.naming import find_connection_id
from rollbook.cli.session import Session, command
from rollbook.cli.several import for_each
from rollbook.v1.oauth_service_pb2 import OAuthClient, OAuthClientAuthentication

if TYPE_CHECKING:
    from rollbook.cli.output import Output
    from rollbook.v1.oauth_service_pb2 import CreateOAuthClientResponse

app = typer.Typer(no_args_is_help=True, help="Let clients in by OAuth 2.")
clients = typer.Typer(no_args_is_help=True, help="Register, list and remove clients of OAuth.")
app.add_typer(clients, name="client")
app.add_typer(oauth_grants.app, name="grant")

_COLUMNS: Final = ("name", "domain", "scopes", "id")


@command(
    clients,
    "add",
    examples="""\
rollbook oauth client add okta https://system-admin.okta.com
rollbook oauth client add console https://console.acme.example/callback --public
rollbook oauth client add sync --client-credentials --jwks keys.json""",
)
async def add(
    session: Session,
    name: Annotated[str, typer.Argument(help="What it is.")],
    redirect_uris: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DOMAIN...",
            help="Where browsers are sent back to: a domain or https://host, for every path "
            "there, or whole URIs.",
        ),
    ] = None,
    *,
    scopes: Annotated[
        list[Scope] | None,
        typer.Option("--scope", help="What it may be good for; may be repeated; else scim."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="It can keep no secret, and uses PKCE instead.")
    ] = False,
    client_credentials: Annotated[
        bool,
        typer.Option("--client-credentials", help="It may get tokens without anybody's consent."),
    ] = False,
    keep_refresh_tokens: Annotated[
        bool,
        typer.Option("--keep-refresh-tokens", help="Refresh tokens are for more than one use."),
    ] = False,
    connection: Annotated[
        str | None,
        typer.Option(help="The SCIM connection that it is for, by id or name; else the default."),
    ] = None,
    jwks: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A JWK Set: it signs, without a secret.")
    ] = None,
    jwks_uri: Annotated[
        str, typer.Option(metavar="URL", help="Where its JWK Set is instead.")
    ] = "",
) -> None:
    """Register a client and print its id and its secret, which cannot be had again."""
    with usage():
        keys = jwks.read_text("utf-8") if jwks else ""
    made = await session.client.oauth_clients.create(
        OAuthClient(
            name=name,
            redirect_uris=redirect_uris or [],
            scopes=scopes or [Scope.SCIM],
            authentication=_authentication(public=public, signs=bool(keys or jwks_uri)),
            client_credentials=client_credentials,
            connection_id=await find_connection_id(session.client, connection),
            jwks=keys,
            jwks_uri=jwks_uri,
        ),
        keep_refresh_tokens=keep_refresh_tokens,
    )
    _show(session.output, made)


@command(clients, "list", examples="rollbook oauth client list")
async def list_clients(session: Session, *, limit: Limit = None) -> None:
    """List clients, the newest first, without their secrets."""
    listing = session.client.oauth_clients.list(page_size=page_size(limit, session.output))
    await show(listing, session.output, limit=limit, columns=_COLUMNS, row=_row)


@command(clients, "remove", examples="rollbook oauth client remove 5f0c…")
async def remove(
    session: Session,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of clients.")],
) -> None:
    """Remove clients and revoke all that they got, at once and on every instance."""

    async def act(client_id: str) -> None:
        await session.client.oauth_clients.delete(client_id)
        session.output.say(f"Removed {client_id}.")

    await for_each(session, ids, act)


def _authentication(*, public: bool, signs: bool) -> OAuthClientAuthentication.ValueType:
    if public:
        return OAuthClientAuthentication.O_AUTH_CLIENT_AUTHENTICATION_NONE
    if signs:
        return OAuthClientAuthentication.O_AUTH_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT
    return OAuthClientAuthentication.O_AUTH_CLIENT_AUTHENTICATION_SECRET


def _show(output: Output, made: CreateOAuthClientResponse) -> None:
    """Id and secret alone on standard output."""
    if output.as_json:
        secret = {"secret": made.secret} if made.secret else {}
        output.json({**MessageToDict(made.client), **secret})
        return
    output.say(f"Registered {made.client.name}. The secret is shown this once.")
    lines = [f"Client ID:     {made.client.id}"]
    if made.secret:
        lines.append(f"Client secret: {made.secret}")
    print("\n".join(lines), flush=True, file=sys.stdout)  # noqa: T201  # nothing may be wrapped


def _row(client: OAuthClient) -> tuple[str, ...]:
    return (client.name, " ".join(client.redirect_uris), " ".join(client.scopes), client.id)
