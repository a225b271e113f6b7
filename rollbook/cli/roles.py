"""`rollbook role …`: grant, revoke and list roles."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer
from google.protobuf.json_format import MessageToDict

from rollbook.cli.durations import parse_duration
from rollbook.cli.failures import usage
from rollbook.cli.listing import Limit, minute, page_size, show
from rollbook.cli.naming import find_group, find_user, is_id
from rollbook.cli.profile import ValidateOnly  # noqa: TC001  typer reads annotations
from rollbook.cli.session import Session, command

if TYPE_CHECKING:
    from rollbook.v1.role_pb2 import RoleAssignment

app = typer.Typer(no_args_is_help=True, help="Say what roles there are, and who has which.")

Type = Annotated[str, typer.Argument(metavar="TYPE", help="E.g. workspace_prod.")]
Value = Annotated[str, typer.Argument(metavar="VALUE", help="E.g. owner.")]
User = Annotated[
    str | None, typer.Option("--user", "-u", help="Id, userName or e-mail address of a user.")
]
Group = Annotated[str | None, typer.Option("--group", "-g", help="Id or name of a group.")]
Principal = Annotated[
    str | None, typer.Option("--id", help="Id of a user, group or service account.")
]
Source = Annotated[
    str, typer.Option("--source", help="Who says so: manual, import or product:<name>.")
]

_COLUMNS: Final = ("type", "value", "of", "source", "granted by", "since (UTC)", "until (UTC)")


@command(
    app,
    "grant",
    examples="""\
rollbook role grant workspace_prod owner --user ada@acme.example
rollbook role grant all_workspaces viewer --group Staff --for 90d""",
)
async def grant(
    session: Session,
    type_: Type,
    value: Value,
    *,
    user: User = None,
    group: Group = None,
    principal: Principal = None,
    length: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="For how long, e.g. 90d; else without end."),
    ] = None,
    source: Source = "manual",
    validate_only: ValidateOnly = False,
) -> None:
    """Give a user, group or service account a role."""
    with usage():
        until = datetime.now(UTC) + parse_duration(length) if length else None
    granted = await session.client.roles.grant(
        await _principal_id(session, user, group, principal),
        value,
        type_=type_,
        source=source,
        expire_time=until,
        validate_only=validate_only,
    )
    if session.output.as_json:
        session.output.json(MessageToDict(granted))
        return
    waits = ", which waits for its scope to be registered" if granted.pending else ""
    done = "Could grant" if validate_only else "Granted"
    session.output.say(f"{done} {granted.type} {granted.value}{waits}.")


@command(
    app,
    "revoke",
    examples="rollbook role revoke all_workspaces viewer --group Staff",
)
async def revoke(
    session: Session,
    type_: Type,
    value: Value,
    *,
    user: User = None,
    group: Group = None,
    principal: Principal = None,
    source: Source = "manual",
) -> None:
    """Take a role away that one source has given."""
    principal_id = await _principal_id(session, user, group, principal)
    await session.client.roles.revoke_role(principal_id, value, type_=type_, source=source)
    if session.output.as_json:
        session.output.json({"principalId": principal_id, "type": type_, "value": value})
    else:
        session.output.say(f"Revoked {type_} {value}.")


@command(
    app,
    "list",
    examples="""\
rollbook role list --user ada@acme.example
rollbook role list --type workspace_prod --source product:""",
)
async def list_roles(
    session: Session,
    *,
    user: User = None,
    group: Group = None,
    principal: Principal = None,
    type_: Annotated[str, typer.Option("--type", help="Only roles of this type.")] = "",
    value: Annotated[str, typer.Option("--value", help="Only roles of this value.")] = "",
    source: Annotated[
        str, typer.Option("--source", help="Only from this source; scim: is any of SCIM.")
    ] = "",
    limit: Limit = None,
) -> None:
    """List who was given which roles directly, by whom and since when."""
    whose = ""
    if user or group or principal:
        whose = await _principal_id(session, user, group, principal)
    listing = session.client.roles.list_assignments(
        principal_id=whose,
        type_=type_,
        value=value,
        source=source,
        page_size=page_size(limit, session.output),
    )
    await show(listing, session.output, limit=limit, columns=_COLUMNS, row=_row)


async def _principal_id(
    session: Session, user: str | None, group: str | None, principal: str | None
) -> str:
    """The id of the one who is named. Raises BadParameter unless one is."""
    if sum(name is not None for name in (user, group, principal)) != 1:
        raise typer.BadParameter("Name one of --user, --group and --id.")
    if user is not None:
        return user if is_id(user) else (await find_user(session.client, user)).id
    if group is not None:
        return group if is_id(group) else (await find_group(session.client, group)).id
    return principal or ""


def _row(assignment: RoleAssignment) -> tuple[str, ...]:
    until = minute(assignment.expire_time) if assignment.HasField("expire_time") else ""
    return (
        assignment.type,
        assignment.value,
        f"{assignment.principal_type.lower()} {assignment.principal_id}",
        assignment.source,
        assignment.granted_by,
        minute(assignment.create_time),
        f"{until} (pending)".strip() if assignment.pending else until,
    )
