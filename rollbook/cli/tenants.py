"""`rollbook tenant …`: make, list, suspend and delete tenants."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer
from google.protobuf.json_format import MessageToDict

from rollbook.access import EVERY_SCOPE, Scope
from rollbook.cli.listing import Limit, page_size, show
from rollbook.cli.session import Session, command
from rollbook.cli.several import Yes, confirm_deletion, for_each
from rollbook.v1.tenant_pb2 import RateLimit, Tenant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rollbook.cli.output import Output

app = typer.Typer(no_args_is_help=True, help="Make, list, suspend and delete tenants.")

Name = Annotated[str, typer.Argument(metavar="TENANT", help="Id or name.")]
Names = Annotated[list[str], typer.Argument(metavar="TENANT...", help="Ids or names.")]
Hosts = Annotated[
    list[str] | None,
    typer.Option(
        "--host", help="A host name of the SCIM gateway that is its own; may be repeated."
    ),
]

PerSecond = Annotated[
    int | None,
    typer.Option(
        "--requests-per-second",
        min=0,
        help="How often its credentials, all together, may call; 0 for any number. Without it, as "
        "the settings of the service say.",
    ),
]
Burst = Annotated[
    int | None,
    typer.Option(min=1, help="How often at once after a pause; else as often as in two seconds."),
]

_COLUMNS: Final = ("name", "display name", "state", "requests/s", "hosts", "id")

_SLOW: Final = 600.0
"""Seconds that a deletion may take."""


@command(
    app,
    "create",
    examples="""\
rollbook tenant create acme --display-name "Acme Inc." --admin-token admin > token
rollbook --tenant acme token create okta --scope scim""",
)
async def create(
    session: Session,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As it stands in URLs: a-z, 0-9 and -.")
    ],
    *,
    display_name: Annotated[str, typer.Option(help="What people call it.")] = "",
    hosts: Hosts = None,
    requests_per_second: PerSecond = None,
    burst: Burst = None,
    admin_token: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Make an administrator's token of that name too, and print its secret, which "
            "cannot be had again.",
        ),
    ] = None,
) -> None:
    """Make a tenant, and its first administrator's token."""
    made = await session.client.tenants.create(
        name,
        display_name=display_name,
        hosts=hosts or (),
        rate_limit=_rate_limit(requests_per_second, burst),
    )
    if admin_token is None:
        _show(session.output, made, "Made.")
        return
    async with session.client.acting_in(made.id) as inside:
        first = await inside.tokens.create(admin_token, EVERY_SCOPE - {Scope.PLATFORM})
    _show(session.output, made, "Made. Its administrator's token is shown this once:", first.secret)


@command(app, "list", examples="rollbook tenant list")
async def list_tenants(session: Session, *, limit: Limit = None) -> None:
    """List the tenants, the oldest first."""
    listing = session.client.tenants.list(page_size=page_size(limit, session.output))
    await show(listing, session.output, limit=limit, columns=_COLUMNS, row=_row)


@command(app, "get", examples="rollbook tenant get acme")
async def get(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="TENANT", help="Id or name; else one's own.")] = "",
) -> None:
    """Show a tenant."""
    _show(session.output, await session.client.tenants.get(name), "")


@command(
    app,
    "update",
    examples="""\
rollbook tenant update acme --display-name "Acme Ltd."
rollbook tenant update acme --host scim.acme.example
rollbook tenant update acme --requests-per-second 200 --burst 1000""",
)
async def update(
    session: Session,
    name: Name,
    *,
    display_name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    hosts: Hosts = None,
    no_hosts: Annotated[bool, typer.Option("--no-hosts", help="Take its hosts away.")] = False,
    requests_per_second: PerSecond = None,
    burst: Burst = None,
    default_rate: Annotated[
        bool, typer.Option("--default-rate", help="Take its own rate limit away.")
    ] = False,
) -> None:
    """Change what a tenant is called, all of its hosts, or how often it may call."""
    if no_hosts and hosts:
        raise typer.BadParameter("Give --host or --no-hosts, not both.")
    rate_limit = _rate_limit(requests_per_second, burst)
    if default_rate and rate_limit:
        raise typer.BadParameter("Give --requests-per-second or --default-rate, not both.")
    given = [] if no_hosts else hosts
    if display_name is None and given is None and not (rate_limit or default_rate):
        raise typer.BadParameter(
            "Say what to change: --display-name, --host, --no-hosts, --requests-per-second or "
            "--default-rate."
        )
    changed = await session.client.tenants.update(
        name,
        display_name=display_name,
        hosts=given,
        rate_limit="default" if default_rate else rate_limit,
    )
    _show(session.output, changed, "Changed.")


@command(app, "suspend", examples="rollbook tenant suspend acme")
async def suspend(session: Session, names: Names) -> None:
    """Make all credentials of tenants good for nothing, at once, and keep everything."""
    await _each(session, names, session.client.tenants.suspend, "Suspended")


@command(app, "resume", examples="rollbook tenant resume acme")
async def resume(session: Session, names: Names) -> None:
    """Let suspended tenants be what they were."""
    await _each(session, names, session.client.tenants.resume, "Resumed")


@command(app, "delete", examples="rollbook tenant delete acme --yes")
async def delete(session: Session, name: Name, *, yes: Yes = False) -> None:
    """Delete a tenant with everything in it, for good."""
    tenant = await session.client.tenants.get(name)
    confirm_deletion("everything in the tenant", [tenant.name], yes=yes)
    await session.client.tenants.delete(tenant.id, confirm_name=tenant.name, timeout=_SLOW)
    session.output.say(f"Deleted {tenant.name} ({tenant.id}).")


async def _each(
    session: Session, names: list[str], act: Callable[[str], Awaitable[Tenant]], done: str
) -> None:
    async def one(name: str) -> None:
        tenant = await act(name)
        session.output.say(f"{done} {tenant.name} ({tenant.id}).")

    await for_each(session, names, one)


def _show(output: Output, tenant: Tenant, note: str, secret: str = "") -> None:
    if output.as_json:
        output.json({**MessageToDict(tenant), **({"secret": secret} if secret else {})})
        return
    if secret:
        output.say(f"{tenant.name} ({tenant.id}): {note}")
        print(secret, flush=True, file=sys.stdout)  # noqa: T201  # nothing may be wrapped into it
        return
    output.table(_COLUMNS, [_row(tenant)])
    if note:
        output.say(note)


def _rate_limit(per_second: int | None, burst: int | None) -> RateLimit | None:
    if per_second is not None:
        return RateLimit(requests_per_second=per_second, burst=burst)
    if burst is not None:
        raise typer.BadParameter("--burst takes --requests-per-second.")
    return None


def _row(tenant: Tenant) -> tuple[str, ...]:
    state = Tenant.State.Name(tenant.state).removeprefix("STATE_").lower()
    hosts = " ".join(tenant.hosts)
    return (tenant.name, tenant.display_name, state, _rate(tenant), hosts, tenant.id)


def _rate(tenant: Tenant) -> str:
    if not tenant.HasField("rate_limit"):
        return "default"
    limit = tenant.rate_limit
    if not limit.requests_per_second:
        return "any"
    return f"{limit.requests_per_second}, {limit.burst} at once"
