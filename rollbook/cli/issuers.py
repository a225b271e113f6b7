"""`rollbook issuer …`: say whose tokens are taken for credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollbook.access import Scope  # noqa: TC001  typer reads annotations
from rollbook.cli.durations import parse_duration
from rollbook.cli.failures import usage
from rollbook.cli.listing import Limit, page_size, show
from rollbook.cli.naming import find_issuer
from rollbook.cli.session import Session, command
from rollbook.cli.several import for_each
from rollbook.v1.issuer_service_pb2 import Issuer, ScopeRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
            issuer.max_lifetime.FromTimedelta(parse_duration(max_lifetime))
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


@command(
    app,
    "update",
    examples="""\
rollbook issuer update ci --algorithm ES256
rollbook issuer update ci --audience rollbook --audience rollbook-next
rollbook issuer update ci --claim 'sub=acme/*' --claim ref=main --max-lifetime 15m""",
)
async def update(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="ISSUER", help="Id, name or URL.")],
    *,
    rename: Annotated[str | None, typer.Option(metavar="NAME", help="Call it so.")] = None,
    audiences: Annotated[
        list[str] | None, typer.Option("--audience", help="In the place of all there are.")
    ] = None,
    claims: Annotated[
        list[str] | None,
        typer.Option("--claim", metavar="NAME=VALUE", help="What a token has to say from now on."),
    ] = None,
    scopes: Annotated[
        list[Scope] | None, typer.Option("--scope", help="What such a token is good for from now.")
    ] = None,
    jwks_uri: Annotated[
        str | None, typer.Option(metavar="URL", help="Where its keys are; empty: by discovery.")
    ] = None,
    algorithms: Annotated[
        list[str] | None,
        typer.Option("--algorithm", help="Of signatures, in the place of all there are."),
    ] = None,
    max_lifetime: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long a token may live.")
    ] = None,
) -> None:
    """Change what is taken of an issuer, at once and on every instance.

    What its tokens were exchanged for ends, unless only the name changes.
    """
    issuer = await find_issuer(session.client, name)
    given = Issuer(
        id=issuer.id,
        name=rename or "",
        jwks_uri=jwks_uri or "",
        audiences=audiences or (),
        algorithms=algorithms or (),
    )
    mask = [field.name for field, _ in given.ListFields() if field.name != "id"]
    with usage():
        if jwks_uri == "":
            mask.append("jwks_uri")
        if claims or scopes:
            given.rules.append(_rule(issuer, claims or (), scopes or ()))
            mask.append("rules")
        if max_lifetime is not None:
            given.max_lifetime.FromTimedelta(parse_duration(max_lifetime))
            mask.append("max_lifetime")
        if not mask:
            raise ValueError("Say what to change.")
    updated = await session.client.issuers.update(given, mask, etag=issuer.etag)
    if session.output.as_json:
        session.output.message(updated)
    else:
        session.output.say(f"Changed {updated.name} ({updated.id}).")


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


def _rule(issuer: Issuer, claims: Sequence[str], scopes: Sequence[Scope]) -> ScopeRule:
    """The rule in the place of the one that there is, of which stays what is not given. Raises
    ValueError when there are several and it is not known which."""
    if len(issuer.rules) > 1 and not (claims and scopes):
        raise ValueError(
            f"{issuer.name} has {len(issuer.rules)} rules: give --claim and --scope both, and one "
            "takes the place of all."
        )
    rule = ScopeRule()
    rule.CopyFrom(issuer.rules[0])
    if claims:
        rule.claims.clear()
        rule.claims.update(claims_of(claims))
    if scopes:
        rule.ClearField("scopes")
        rule.scopes.extend(scopes)
    return rule


def _row(issuer: Issuer) -> tuple[str, ...]:
    rules = "; ".join(
        f"{' '.join(f'{name}={rule.claims[name]}' for name in sorted(rule.claims))}: "
        f"{' '.join(rule.scopes)}"
        for rule in issuer.rules
    )
    return (issuer.name, issuer.issuer, " ".join(issuer.audiences), rules, issuer.id)
