"""`rollbook connection …`: set up how identity providers provision the tenant over SCIM."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from rollbook.cli.naming import find_connection
from rollbook.cli.session import Session, command
from rollbook.cli.several import Yes, confirm_deletion, for_each
from rollbook.dialects import DIALECT_NAMES, UNKNOWN_ATTRIBUTES
from rollbook.v1.connection_pb2 import AdoptionPolicy, Connection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook.cli.output import Output

app = typer.Typer(
    no_args_is_help=True, help="Set up how identity providers provision users and groups."
)


class AdoptionName(StrEnum):
    """What becomes of accounts that no connection manages when one creates them."""

    REFUSE = "refuse"
    LINK = "link"


DialectName = StrEnum(  # type: ignore[misc]  # the names that there are
    "DialectName", {name: name for name in ("default", *DIALECT_NAMES)}
)

UnknownName = StrEnum(  # type: ignore[misc]  # likewise
    "UnknownName", {name: name for name in ("default", *UNKNOWN_ATTRIBUTES)}
)

Name = Annotated[str, typer.Argument(metavar="CONNECTION", help="Id or name.")]
Names = Annotated[list[str], typer.Argument(metavar="CONNECTION...", help="Ids or names.")]

Dialect = Annotated[
    DialectName | None,
    typer.Option(help="Which habits of clients are accepted; default is the gateway's setting."),
]
UnknownAttributes = Annotated[
    UnknownName | None,
    typer.Option(
        help="What becomes of attributes that no schema has; default is the gateway's setting."
    ),
]
EmailUserNames = Annotated[
    bool | None,
    typer.Option(
        "--email-user-names/--any-user-names", help="Refuse userNames that are no e-mail address."
    ),
]
Adoption = Annotated[
    AdoptionName | None,
    typer.Option(help="Refuse to create accounts that exist and nobody manages, or link them."),
]
RevokeRoles = Annotated[
    bool, typer.Option("--revoke-roles", help="Revoke the roles that they have given, too.")
]
Lock = Annotated[
    bool | None,
    typer.Option("--lock/--no-lock", help="Let nobody else change what it has provisioned."),
]
Administrators = Annotated[
    bool | None,
    typer.Option(
        "--administrators/--no-administrators", help="Let it make administrators of Rollbook."
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(metavar="NETWORK", help="Where requests may come from, e.g. 192.0.2.0/24."),
]
RedirectUris = Annotated[
    list[str] | None,
    typer.Option("--redirect-uri", metavar="URL", help="Where OAuth may send browsers back to."),
]

_COLUMNS: Final = ("connection", "enabled", "dialect", "adoption", "locked", "base URL", "id")


@command(
    app,
    "create",
    examples="""\
rollbook connection create okta --dialect okta --email-user-names
rollbook connection create entra --dialect entra --adoption link --allow 192.0.2.0/24""",
)
async def create(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    *,
    dialect: Dialect = None,
    email_user_names: EmailUserNames = None,
    adoption: Adoption = None,
    lock: Lock = None,
    allow: Allow = None,
    redirect_uris: RedirectUris = None,
    administrators: Administrators = None,
    unknown_attributes: UnknownAttributes = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Do not switch it on yet.")] = False,
) -> None:
    """Make a connection.

    `rollbook token create … --scope scim --connection …` makes a token for it.
    """
    made, _ = _changes(
        dialect,
        email_user_names,
        adoption,
        lock,
        allow,
        redirect_uris,
        administrators,
        unknown_attributes,
    )
    made.name = name
    made.enabled = not disabled
    _show(session.output, await session.client.connections.create(made), "Made.")


@command(app, "list", examples="rollbook connection list")
async def list_connections(session: Session) -> None:
    """List connections, the default first."""
    connections = await session.client.connections.list()
    if session.output.as_json:
        for connection in connections:
            session.output.message(connection)
    else:
        session.output.table(_COLUMNS, map(_row, connections))


@command(app, "get", examples="rollbook connection get okta")
async def get(session: Session, name: Name) -> None:
    """Show a connection, with the base URL to copy to the identity provider."""
    _show(session.output, await find_connection(session.client, name), "")


@command(
    app,
    "update",
    examples="""\
rollbook connection update default --rename okta --dialect okta
rollbook connection update okta --allow 192.0.2.0/24 --allow 2001:db8::/32
rollbook connection update okta --allow-all --lock""",
)
async def update(
    session: Session,
    name: Name,
    *,
    rename: Annotated[str | None, typer.Option(metavar="NAME", help="Call it so.")] = None,
    dialect: Dialect = None,
    email_user_names: EmailUserNames = None,
    adoption: Adoption = None,
    lock: Lock = None,
    allow: Allow = None,
    allow_all: Annotated[
        bool, typer.Option("--allow-all", help="Let requests come from everywhere.")
    ] = False,
    redirect_uris: RedirectUris = None,
    no_redirect_uris: Annotated[
        bool, typer.Option("--no-redirect-uris", help="Forget all redirect URIs.")
    ] = False,
    administrators: Administrators = None,
    unknown_attributes: UnknownAttributes = None,
) -> None:
    """Change a connection: what is named, and nothing else."""
    changed, mask = _changes(
        dialect,
        email_user_names,
        adoption,
        lock,
        allow,
        redirect_uris,
        administrators,
        unknown_attributes,
    )
    if rename is not None:
        changed.name = rename
        mask.append("name")
    mask += ["ip_allow_list"] if allow_all else []
    mask += ["redirect_uris"] if no_redirect_uris else []
    if not mask:
        raise typer.BadParameter("Say what to change; see --help.")
    changed.id = (await find_connection(session.client, name)).id
    updated = await session.client.connections.update(changed, mask=mask)
    _show(session.output, updated, "Changed.")


@command(app, "enable", examples="rollbook connection enable okta")
async def enable(session: Session, names: Names) -> None:
    """Switch SCIM on for connections, at once."""
    await _switch(session, names, enabled=True)


@command(app, "disable", examples="rollbook connection disable okta")
async def disable(session: Session, names: Names) -> None:
    """Switch SCIM off for connections, at once.

    What they have provisioned stays as it is and can be changed by hand.
    """
    await _switch(session, names, enabled=False)


@command(app, "delete", examples="rollbook connection delete okta --yes")
async def delete(
    session: Session, names: Names, *, revoke_roles: RevokeRoles = False, yes: Yes = False
) -> None:
    """Delete connections and revoke their tokens; what they have provisioned stays.

    Roles that they have given are from then on as if given by hand.
    """
    confirm_deletion("the connection", names, yes=yes)

    async def act(name: str) -> None:
        connection = await find_connection(session.client, name)
        await session.client.connections.delete(connection.id, revoke_roles=revoke_roles)
        session.output.say(f"Deleted {connection.name} ({connection.id}).")

    await for_each(session, names, act)


async def _switch(session: Session, names: list[str], *, enabled: bool) -> None:
    async def act(name: str) -> None:
        connection = await find_connection(session.client, name)
        changed = Connection(id=connection.id, enabled=enabled)
        await session.client.connections.update(changed, mask=["enabled"])
        session.output.say(f"{'Enabled' if enabled else 'Disabled'} {connection.name}.")

    await for_each(session, names, act)


def _changes(
    dialect: StrEnum | None,
    email_user_names: bool | None,  # noqa: FBT001  as typer gives them
    adoption: AdoptionName | None,
    lock: bool | None,  # noqa: FBT001
    allow: list[str] | None,
    redirect_uris: list[str] | None,
    administrators: bool | None,  # noqa: FBT001
    unknown_attributes: StrEnum | None,
) -> tuple[Connection, list[str]]:
    """What the options set, and the mask that names it."""
    given: dict[str, Any] = {
        "dialect": _or_default(dialect),
        "require_email_user_names": email_user_names,
        "adoption": None if adoption is None else f"ADOPTION_POLICY_{adoption.name}",
        "lock_synced": lock,
        "ip_allow_list": allow or None,
        "redirect_uris": redirect_uris or None,
        "makes_administrators": administrators,
        "unknown_attributes": _or_default(unknown_attributes),
    }
    said = {name: value for name, value in given.items() if value is not None}
    return Connection(**said), list(said)


def _or_default(chosen: StrEnum | None) -> str | None:
    """What was chosen, empty for the default of the gateway."""
    return "" if chosen == "default" else chosen


def _show(output: Output, connection: Connection, headline: str) -> None:
    if output.as_json:
        output.message(connection)
        return
    if headline:
        output.say(headline)
    output.pairs(_details(connection))


def _details(connection: Connection) -> Iterator[tuple[str, str]]:
    yield "name", connection.name + (" (the default)" if connection.is_default else "")
    yield "id", connection.id
    yield "base URL", connection.base_url
    yield "enabled", _yes(connection.enabled)
    yield "dialect", _dialect(connection)
    yield "unknown attributes", connection.unknown_attributes or "as the gateway is set to"
    yield "userNames", "e-mail addresses" if connection.require_email_user_names else "any"
    yield "adoption", _adoption(connection)
    yield "locked", _yes(connection.lock_synced)
    yield "administrators", "may be made" if connection.makes_administrators else "are not made"
    yield "requests from", ", ".join(connection.ip_allow_list) or "everywhere"
    for uri in connection.redirect_uris:
        yield "redirect URI", uri


def _row(connection: Connection) -> tuple[str, ...]:
    return (
        connection.name + (" (default)" if connection.is_default else ""),
        _yes(connection.enabled),
        _dialect(connection),
        _adoption(connection),
        _yes(connection.lock_synced),
        connection.base_url,
        connection.id,
    )


def _dialect(connection: Connection) -> str:
    return connection.dialect or "the gateway's"


def _adoption(connection: Connection) -> str:
    name = AdoptionPolicy.Name(connection.adoption)
    return name.removeprefix("ADOPTION_POLICY_").lower()


def _yes(value: bool) -> str:  # noqa: FBT001
    return "yes" if value else "no"
