"""`rollbook issuer …`: say whose tokens are taken for credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer
from google.protobuf.duration_pb2 import Duration

from rollbook.access import Scope  # noqa: TC001  typer reads annotations
from rollbook.cli.durations import parse_duration
from rollbook.cli.failures import usage
from rollbook.cli.listing import Limit, page_size, show
from rollbook.cli.naming import find_issuer
from rollbook.cli.session import Session, command
from rollbook.cli.several import for_each
from rollbook.v1.issuer_service_pb2 import Issuer, ScopeRule

if TYPE_CHECKING:
    from collections.abc import Iterable

app = typer.Typer(no_args_is_help=True, help="Say whose tokens are taken for credentials.")

IssuerNames = Annotated[list[str], typer.Argument(metavar="ISSUER...", help="Ids, names or URLs.")]

_COLUMNS: Final = ("name", "issuer", "audiences", "who: what for", "id")


@command(
    app,
    "add",
    examples="""\
rollbook issuer add ci https://ci.example --audience rollbook --claim 'sub=acme/*' --scope scim""",
)
async def add(
    session: Session,
    name: Annotated[str, typer.Argument(help="What the changes of its tokens are signed with.")],
    url: Annotated[str, typer.Argument(help="Its URL, as in the claim iss.")],
    *,
    audiences: Annotated[
        list[str], typer.Option("--audience", help="A value of aud that means this tenant.")
    ],
    claims: Annotated[
        list[str],
        typer.Option(
            "--claim",
            metavar="NAME=VALUE",
            help="What a token has to say; VALUE may end in *. All have to fit.",
        ),
    ],
    scopes: Annotated[list[Scope], typer.Option("--scope", help="What such a token is good for.")],
    jwks_uri: Annotated[
        str, typer.Option(metavar="URL", help="Where its keys are, if not where discovery says.")
    ] = "",
    algorithms: Annotated[
        list[str] | None,
        typer.Option("--algorithm", help="Of signatures; else RS256 and ES256."),
    ] = None,
    max_lifetime: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long a token may live; else 1h.")
    ] = None,
) -> None:
    """Trust an issuer."""
    issuer = Issuer(
        name=name,
        issuer=url,
        jwks_uri=jwks_uri,
        audiences=audiences,
        algorithms=algorithms or (),
    )
    with usage():
        issuer.rules.append(ScopeRule(claims=claims_of(claims), scopes=scopes))
        if max_lifetime is not None:
            length = Duration()
            length.FromTimedelta(parse_duration(max_lifetime))
            issuer.max_lifetime.CopyFrom(length)
    made = await session.client.issuers.create(issuer)
    if session.output.as_json:
        session.output.message(made)
    else:
        session.output.say(f"Tokens of {made.issuer} are taken ({made.name}, {made.id}).")


@command(app, "list", examples="rollbook issuer list")
async def list_issuers(session: Session, *, limit: Limit = None) -> None:
    """List the issuers, the newest first."""
    listing = session.client.issuers.list(page_size=page_size(limit, session.output))
    await show(listing, session.output, limit=limit, columns=_COLUMNS, row=_row)


@command(app, "remove", examples="rollbook issuer remove ci")
async def remove(session: Session, names: IssuerNames) -> None:
    """Trust issuers no more, at once and on every instance."""

    async def act(name: str) -> None:
        issuer = await find_issuer(session.client, name)
        await session.client.issuers.delete(issuer.id)
        session.output.say(f"Removed {issuer.name} ({issuer.id}).")

    await for_each(session, names, act)


def claims_of(texts: Iterable[str]) -> dict[str, str]:
    """Names and values. Raises ValueError."""
    pairs = [text.partition("=") for text in texts]
    if fault := [name for name, equals, value in pairs if not (name and equals and value)]:
        raise ValueError(f"{fault[0]!r} is no claim with a value, as sub=repo:acme/*.")
    return {name: value for name, _, value in pairs}


def _row(issuer: Issuer) -> tuple[str, ...]:
    rules = "; ".join(
        f"{' '.join(f'{name}={rule.claims[name]}' for name in sorted(rule.claims))}: "
        f"{' '.join(rule.scopes)}"
        for rule in issuer.rules
    )
    return (issuer.name, issuer.issuer, " ".join(issuer.audiences), rules, issuer.id)
