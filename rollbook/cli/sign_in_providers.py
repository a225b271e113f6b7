"""`rollbook sign-in-provider …`: let administrators sign in by OpenID providers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from rollbook.cli.failures import usage
from rollbook.cli.issuers import claims_of
from rollbook.cli.naming import find_sign_in_provider
from rollbook.cli.secrets import read_secret
from rollbook.cli.session import Session, command
from rollbook.cli.several import for_each
from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider, UserMatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook.cli.output import Output

app = typer.Typer(
    no_args_is_help=True, help="Let administrators sign in to this service's pages elsewhere."
)


class MatchName(StrEnum):
    """Which user somebody is whom a provider vouches for."""

    EMAIL = "email"
    EXTERNAL_ID = "external-id"


_MATCHES: Final = {
    MatchName.EMAIL: UserMatch.USER_MATCH_VERIFIED_EMAIL,
    MatchName.EXTERNAL_ID: UserMatch.USER_MATCH_EXTERNAL_ID,
}

Name = Annotated[str, typer.Argument(metavar="PROVIDER", help="Id or name.")]
Names = Annotated[list[str], typer.Argument(metavar="PROVIDER...", help="Ids or names.")]
DisplayName = Annotated[
    str | None, typer.Option(metavar="TEXT", help='What stands behind "Sign in with".')
]
Match = Annotated[
    MatchName | None,
    typer.Option(help="Users are found by a verified e-mail address, or by their externalId."),
]
Claim = Annotated[
    str | None, typer.Option(metavar="NAME", help="The claim that is the externalId; else sub.")
]
Required = Annotated[
    list[str] | None,
    typer.Option(
        "--require",
        metavar="NAME=VALUE",
        help="A claim that everybody has to have; may be repeated.",
    ),
]
Algorithms = Annotated[
    list[str] | None, typer.Option("--algorithm", help="Of signatures; else RS256 and ES256.")
]
SecretFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Has the client secret in its first line; - is standard input."
    ),
]

_COLUMNS: Final = ("provider", "enabled", "issuer", "users by", "redirect URI", "id")


@command(
    app,
    "add",
    examples="""\
rollbook sign-in-provider add okta https://acme.okta.com 0oa1b2c3d4 --match external-id
rollbook sign-in-provider add google https://accounts.google.com 12-ab.apps.googleusercontent.com \
--require hd=acme.example
rollbook sign-in-provider add keycloak https://sso.acme.example/realms/staff rollbook --public""",
)
async def add(
    session: Session,
    name: Annotated[str, typer.Argument(help="Part of the redirect URI, e.g. okta.")],
    issuer: Annotated[str, typer.Argument(help="Its URL, as in the claim iss.")],
    client_id: Annotated[str, typer.Argument(help="What it knows this service by.")],
    *,
    display_name: DisplayName = None,
    match: Match = None,
    claim: Claim = None,
    required: Required = None,
    algorithms: Algorithms = None,
    secret_file: SecretFile = None,
    public: Annotated[
        bool, typer.Option("--public", help="There is no client secret; PKCE is all there is.")
    ] = False,
) -> None:
    """Let administrators sign in by a provider; asks for the client secret at a terminal."""
    with usage():
        secret = (
            "" if public else read_secret(secret_file, "client secret", "--public does without")
        )
        given, _ = _changes(display_name, match, claim, required, algorithms)
    given.name, given.issuer, given.client_id = name, issuer, client_id
    made = await session.client.sign_in_providers.create(given, secret)
    _show(session.output, made, "Made. Register the redirect URI at the provider.")


@command(app, "list", examples="rollbook sign-in-provider list")
async def list_providers(session: Session) -> None:
    """List the providers, by name."""
    providers = await session.client.sign_in_providers.list()
    if session.output.as_json:
        for provider in providers:
            session.output.message(provider)
    else:
        session.output.table(_COLUMNS, map(_row, providers))


@command(app, "get", examples="rollbook sign-in-provider get okta")
async def get(session: Session, name: Name) -> None:
    """Show a provider, with the redirect URI to register there."""
    _show(session.output, await find_sign_in_provider(session.client, name), "")


@command(
    app,
    "update",
    examples="""\
rollbook sign-in-provider update okta --display-name "Acme's Okta"
rollbook sign-in-provider update okta --new-secret""",
)
async def update(
    session: Session,
    name: Name,
    *,
    issuer: Annotated[
        str | None, typer.Option(metavar="URL", help="Its URL, as in the claim iss.")
    ] = None,
    client_id: Annotated[
        str | None, typer.Option(metavar="ID", help="What it knows this service by.")
    ] = None,
    display_name: DisplayName = None,
    match: Match = None,
    claim: Claim = None,
    required: Required = None,
    require_nothing: Annotated[
        bool, typer.Option("--require-nothing", help="Forget all claims that were required.")
    ] = False,
    algorithms: Algorithms = None,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Ask for another client secret.")
    ] = False,
    secret_file: SecretFile = None,
    public: Annotated[
        bool, typer.Option("--public", help="There is no client secret any more.")
    ] = False,
) -> None:
    """Change a provider: what is named, and nothing else. Whom it has signed in is signed out."""
    secret = "" if public else None
    with usage():
        if new_secret or secret_file:
            secret = read_secret(secret_file, "client secret", "--public does without")
        changed, mask = _changes(display_name, match, claim, required, algorithms)
    for field, value in (("issuer", issuer), ("client_id", client_id)):
        if value is not None:
            setattr(changed, field, value)
            mask.append(field)
    mask += ["required_claims"] if require_nothing else []
    if not mask and secret is None:
        raise typer.BadParameter("Say what to change; see --help.")
    changed.id = (await find_sign_in_provider(session.client, name)).id
    updated = await session.client.sign_in_providers.update(changed, mask, client_secret=secret)
    _show(session.output, updated, "Changed.")


@command(app, "enable", examples="rollbook sign-in-provider enable okta")
async def enable(session: Session, names: Names) -> None:
    """Let providers sign people in again."""
    await _switch(session, names, enabled=True)


@command(app, "disable", examples="rollbook sign-in-provider disable okta")
async def disable(session: Session, names: Names) -> None:
    """Let providers sign nobody in, and sign out whom they have."""
    await _switch(session, names, enabled=False)


@command(app, "remove", examples="rollbook sign-in-provider remove okta")
async def remove(session: Session, names: Names) -> None:
    """Remove providers, and sign out whom they have signed in."""

    async def act(name: str) -> None:
        provider = await find_sign_in_provider(session.client, name)
        await session.client.sign_in_providers.delete(provider.id)
        session.output.say(f"Removed {provider.name} ({provider.id}).")

    await for_each(session, names, act)


async def _switch(session: Session, names: list[str], *, enabled: bool) -> None:
    async def act(name: str) -> None:
        provider = await find_sign_in_provider(session.client, name)
        changed = SignInProvider(id=provider.id, enabled=enabled)
        await session.client.sign_in_providers.update(changed, ["enabled"])
        session.output.say(f"{'Enabled' if enabled else 'Disabled'} {provider.name}.")

    await for_each(session, names, act)


def _changes(
    display_name: str | None,
    match: MatchName | None,
    claim: str | None,
    required: list[str] | None,
    algorithms: list[str] | None,
) -> tuple[SignInProvider, list[str]]:
    """What the options set, and the mask that names it. Raises ValueError."""
    given: dict[str, Any] = {
        "display_name": display_name,
        "user_match": None if match is None else _MATCHES[match],
        "user_claim": claim,
        "required_claims": claims_of(required) if required else None,
        "algorithms": algorithms or None,
    }
    said = {name: value for name, value in given.items() if value is not None}
    return SignInProvider(**said), list(said)


def _show(output: Output, provider: SignInProvider, headline: str) -> None:
    if output.as_json:
        output.message(provider)
        return
    if headline:
        output.say(headline)
    output.pairs(_details(provider))


def _details(provider: SignInProvider) -> Iterator[tuple[str, str]]:
    yield "name", provider.name
    yield "id", provider.id
    yield "redirect URI", provider.redirect_uri
    yield "enabled", _yes(provider.enabled)
    yield "button", f"Sign in with {provider.display_name}"
    yield "issuer", provider.issuer
    yield "client id", provider.client_id
    yield "client secret", "kept" if provider.has_client_secret else "none"
    yield "users by", _users_by(provider)
    for name, value in sorted(provider.required_claims.items()):
        yield "required", f"{name}={value}"
    yield "algorithms", " ".join(provider.algorithms)


def _row(provider: SignInProvider) -> tuple[str, ...]:
    return (
        provider.name,
        _yes(provider.enabled),
        provider.issuer,
        _users_by(provider),
        provider.redirect_uri,
        provider.id,
    )


def _users_by(provider: SignInProvider) -> str:
    if provider.user_match == UserMatch.USER_MATCH_EXTERNAL_ID:
        return f"externalId = {provider.user_claim}"
    return "verified e-mail"


def _yes(value: bool) -> str:  # noqa: FBT001
    return "yes" if value else "no"
