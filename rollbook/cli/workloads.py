"""`rollbook workload …`: say who is let in with a client certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollbook.access import Scope  # noqa: TC001  typer reads annotations
from rollbook.cli.listing import Limit, minute, page_size, show
from rollbook.cli.naming import find_holder_id, find_workload
from rollbook.cli.session import Session, command
from rollbook.cli.several import for_each

if TYPE_CHECKING:
    from rollbook.v1.workload_service_pb2 import CertificateIdentity

app = typer.Typer(no_args_is_help=True, help="Say who is let in with a client certificate.")

WorkloadNames = Annotated[
    list[str], typer.Argument(metavar="WORKLOAD...", help="Ids, names or patterns.")
]

_COLUMNS: Final = ("name", "certificates", "scopes", "last used (UTC)", "id")


@command(
    app,
    "add",
    examples="""\
rollbook workload add billing spiffe://acme.example/billing --scope directory.read
rollbook workload add batch 'spiffe://acme.example/batch/*' --scope directory.read""",
)
async def add(
    session: Session,
    name: Annotated[str, typer.Argument(help="What its changes are to be signed with.")],
    pattern: Annotated[
        str,
        typer.Argument(
            help="A SPIFFE id, one with /* behind it for all below it, or a DNS name: what the "
            "certificates name."
        ),
    ],
    *,
    scopes: Annotated[
        list[Scope], typer.Option("--scope", help="What it is good for; may be repeated.")
    ],
    principal: Annotated[
        str | None,
        typer.Option(
            metavar="WHO",
            help="The user or service account that they are, and end with, by id or name.",
        ),
    ] = None,
) -> None:
    """Let the holders of certificates in."""
    whose = await find_holder_id(session.client, principal) if principal else ""
    made = await session.client.workloads.create(name, pattern, scopes, principal_id=whose)
    if session.output.as_json:
        session.output.message(made)
    else:
        session.output.say(f"{made.name} ({made.id}) is let in as {made.pattern}.")


@command(app, "list", examples="rollbook workload list")
async def list_workloads(session: Session, *, limit: Limit = None) -> None:
    """List who is let in, the newest first."""
    listing = session.client.workloads.list(page_size=page_size(limit, session.output))
    await show(listing, session.output, limit=limit, columns=_COLUMNS, row=_row)


@command(app, "remove", examples="rollbook workload remove billing")
async def remove(session: Session, names: WorkloadNames) -> None:
    """Let them in no more, at once and on every instance."""

    async def act(name: str) -> None:
        identity = await find_workload(session.client, name)
        await session.client.workloads.delete(identity.id)
        session.output.say(f"Removed {identity.name} ({identity.id}).")

    await for_each(session, names, act)


def _row(identity: CertificateIdentity) -> tuple[str, ...]:
    if identity.HasField("revoke_time"):
        return (identity.name, identity.pattern, "ended", "", identity.id)
    used = minute(identity.last_use_time) if identity.HasField("last_use_time") else "never"
    return (identity.name, identity.pattern, " ".join(identity.scopes), used, identity.id)
