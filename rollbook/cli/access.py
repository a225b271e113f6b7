"""`rollbook access …`: who may do what, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer
from google.protobuf.json_format import MessageToDict
from rich.tree import Tree

from rollbook.cli.listing import Limit, page_size, show
from rollbook.cli.naming import find_principal_id
from rollbook.cli.output import printable
from rollbook.cli.session import Session, command
from rollbook.v1.access_pb2 import AccessReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.timestamp_pb2 import Timestamp

    from rollbook.v1.access_pb2 import AccessGrant, AccessPath, EffectiveRole, PrincipalWithRole
    from rollbook.v1.access_service_pb2 import ExplainAccessResponse

app = typer.Typer(no_args_is_help=True, help="Ask who may do what, and why.")

Who = Annotated[
    str,
    typer.Argument(
        metavar="WHO", help="Id, userName or e-mail address of a user, or name of another."
    ),
]
Type = Annotated[str, typer.Argument(metavar="TYPE", help='E.g. workspace_prod; "" for none.')]
Value = Annotated[str, typer.Argument(metavar="VALUE", help="E.g. owner.")]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", help="At that moment instead of now, in UTC."),
]

DENIED: Final = 1
"""The exit code of a check that comes out badly."""

_REASONS: Final = {
    AccessReason.ACCESS_REASON_GRANTED: "yes",
    AccessReason.ACCESS_REASON_NOT_GRANTED: "no: the role was given neither to it nor to a group "
    "that it belongs to",
    AccessReason.ACCESS_REASON_PRINCIPAL_INACTIVE: "no: it is inactive",
    AccessReason.ACCESS_REASON_PRINCIPAL_NOT_FOUND: "no: there is no such principal",
}


@command(
    app,
    "check",
    examples="""\
rollbook access check ada@acme.example workspace_prod viewer
rollbook access check ada@acme.example workspace_prod viewer --as-of 2026-01-31T12:00:00""",
)
async def check(
    session: Session, who: Who, type_: Type, value: Value, *, as_of: AsOf = None
) -> None:
    """Tell whether somebody has a role; if not, the exit code is 1."""
    principal_id = await find_principal_id(session.client, who)
    answer = await session.client.access.check(
        principal_id, value, type_=type_, as_of=_moment(as_of)
    )
    if session.output.as_json:
        session.output.json({"allowed": answer.allowed, "reason": _reason_name(answer.reason)})
    else:
        session.output.say(_REASONS[answer.reason].capitalize() + ".")
    if not answer.allowed:
        raise typer.Exit(DENIED)


@command(app, "explain", examples="rollbook access explain ada@acme.example workspace_prod viewer")
async def explain(
    session: Session,
    who: Who,
    type_: Type,
    value: Value,
    *,
    as_of: AsOf = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many ways.")] = 100,
) -> None:
    """Draw every way in which somebody has a role."""
    principal_id = await find_principal_id(session.client, who)
    answer = await session.client.access.explain(
        principal_id, value, type_=type_, as_of=_moment(as_of), max_paths=limit
    )
    if session.output.as_json:
        session.output.json(MessageToDict(answer, always_print_fields_with_no_presence=True))
    elif answer.allowed:
        session.output.tree(tree_of(answer))
        if answer.truncated:
            session.output.say(f"There may be more than these {len(answer.paths)} ways: --limit.")
    else:
        session.output.say(_REASONS[answer.reason].capitalize() + ".")
    if not answer.allowed:
        raise typer.Exit(DENIED)


@command(
    app,
    "list",
    examples="""\
rollbook access list ada@acme.example
rollbook access list ada@acme.example --type workspace_prod""",
)
async def list_roles(
    session: Session,
    who: Who,
    *,
    type_: Annotated[
        str | None, typer.Option("--type", help="Only roles of this type, with what covers it.")
    ] = None,
    limit: Limit = None,
) -> None:
    """List the roles that somebody has in the end."""
    listing = session.client.access.list_roles(
        await find_principal_id(session.client, who),
        type_=type_,
        page_size=page_size(limit, session.output),
    )
    columns = ("type", "value", "from", "until (UTC)")
    await show(listing, session.output, limit=limit, columns=columns, row=_role_row)


@command(
    app,
    "who-has",
    examples="rollbook access who-has workspace_prod owner --only User",
)
async def who_has(
    session: Session,
    type_: Type,
    value: Value,
    *,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only this resource type, e.g. User; may be repeated."),
    ] = None,
    limit: Limit = None,
) -> None:
    """List all who have a role, themselves or through groups."""
    listing = session.client.access.list_principals(
        value,
        type_=type_,
        principal_types=only or (),
        page_size=page_size(limit, session.output),
    )
    columns = ("name", "kind", "from", "id")
    await show(listing, session.output, limit=limit, columns=columns, row=_principal_row)


def tree_of(answer: ExplainAccessResponse) -> Tree:
    """The paths as a tree that grows from the principal to the assignments."""
    tree = Tree(_label(answer.principal.display, answer.principal.id, answer.principal.type))
    branches: dict[tuple[str, ...], Tree] = {(answer.principal.id,): tree}
    for path in answer.paths:
        _branch(path, branches).add(_grant_label(path.grant))
    return tree


def _branch(path: AccessPath, branches: dict[tuple[str, ...], Tree]) -> Tree:
    """Where a path ends; what it has in common with others is there once."""
    way: tuple[str, ...] = (path.nodes[0].id,)
    branch = branches[way]
    for node in path.nodes[1:]:
        way = (*way, node.id)
        if way not in branches:
            branches[way] = branch.add(_label(node.display, node.id, node.type))
        branch = branches[way]
    return branch


def _label(display: str, identifier: str, kind: str) -> str:
    return printable(f"{display or identifier} ({kind})")


def _grant_label(grant: AccessGrant) -> str:
    role = f"{grant.type} {grant.value}".strip()
    until = f", until {_time(grant.expire_time)}" if grant.HasField("expire_time") else ""
    since = _time(grant.create_time)
    return printable(f"{role} from {grant.source}, by {grant.granted_by}, since {since}{until}")


def _role_row(role: EffectiveRole) -> Sequence[str]:
    until = _time(role.expire_time) if role.HasField("expire_time") else ""
    origin = "itself" if role.direct else "groups"
    return role.type, role.value, f"{origin}, implied" if role.implied else origin, until


def _principal_row(principal: PrincipalWithRole) -> Sequence[str]:
    origin = "itself" if principal.direct else "groups"
    return principal.display, principal.type, origin, principal.id


def _moment(as_of: datetime | None) -> datetime | None:
    return None if as_of is None else as_of.replace(tzinfo=UTC)


def _time(time: Timestamp) -> str:
    return time.ToDatetime().strftime("%Y-%m-%d %H:%M")


def _reason_name(reason: AccessReason.ValueType) -> str:
    return AccessReason.Name(reason).removeprefix("ACCESS_REASON_")
