"""`rollbook group …`: find and change groups and their members."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollbook.cli.failures import usage
from rollbook.cli.listing import Descending, Limit, Search, SortBy, page_size, show
from rollbook.cli.naming import find_group, find_member_ids
from rollbook.cli.output import managed_by
from rollbook.cli.profile import ExternalId, ValidateOnly  # noqa: TC001  typer reads annotations
from rollbook.cli.session import Session, command
from rollbook.cli.several import Yes, confirm_deletion, for_each
from rollbook.client import ascending, descending, replace, where
from rollbook.client.groups import SUMMARY
from rollbook.v1.group_pb2 import Group

if TYPE_CHECKING:
    from rollbook.v1.group_pb2 import GroupMember

app = typer.Typer(no_args_is_help=True, help="Find and change groups and their members.")

GroupName = Annotated[str, typer.Argument(metavar="GROUP", help="Id or displayName.")]
GroupNames = Annotated[list[str], typer.Argument(metavar="GROUP...", help="Ids or displayNames.")]
Members = Annotated[
    list[str] | None,
    typer.Argument(metavar="USER...", help="Ids, userNames or e-mail addresses."),
]
MemberGroups = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="GROUP", help="A group as member; may be repeated."),
]
MemberAccounts = Annotated[
    list[str] | None,
    typer.Option(
        "--service-account", metavar="ACCOUNT", help="A service account; may be repeated."
    ),
]
MemberFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        help="A file with a user on each line; - reads standard input.",
    ),
]

_COLUMNS: Final = ("displayName", "externalId", "changed (UTC)", "managed by", "id")


@command(
    app,
    "list",
    examples="""\
rollbook group list --search eng --sort displayName
rollbook group list --json | jq -r .displayName""",
)
async def list_groups(
    session: Session,
    *,
    search: Search = None,
    sort: SortBy = None,
    descending_order: Descending = False,
    limit: Limit = None,
) -> None:
    """List groups, without their members."""
    groups = session.client.groups
    condition = where("displayName").contains(search) if search else None
    order_by = descending if descending_order else ascending
    with usage():
        order = order_by(sort) if sort else None
    listing = groups.list(
        filter=condition,
        order_by=order,
        page_size=page_size(limit, session.output),
        read_mask=SUMMARY,
    )
    await show(
        listing,
        session.output,
        limit=limit,
        columns=_COLUMNS,
        row=_row,
        count=lambda: groups.count(condition),
    )


def _row(group: Group) -> tuple[str, ...]:
    changed = group.meta.update_time.ToDatetime()
    return (
        group.display_name,
        group.external_id,
        f"{changed:%Y-%m-%d %H:%M}",
        managed_by(group.origin),
        group.id,
    )


@command(app, "get", examples="rollbook group get Engineering")
async def get_group(session: Session, name: GroupName) -> None:
    """Show a group without its members; `members` lists those."""
    session.output.message(await find_group(session.client, name))


@command(
    app,
    "create",
    examples="""\
rollbook group create Engineering
rollbook group create Engineering --member ada --member grace@acme.example""",
)
async def create_group(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The displayName.")],
    *,
    external_id: ExternalId = None,
    members: Annotated[
        list[str] | None,
        typer.Option("--member", metavar="USER", help="A first member; may be repeated."),
    ] = None,
    validate_only: ValidateOnly = False,
) -> None:
    """Create a group."""
    group = Group(display_name=name, external_id=external_id)
    for member_id in await find_member_ids(session.client, members or (), ()):
        group.members.add(value=member_id)
    created = await session.client.groups.create(group, validate_only=validate_only)
    session.output.message(created, "Valid; not created." if validate_only else "Created.")


@command(app, "rename", examples="rollbook group rename Engineering 'Research and Development'")
async def rename_group(
    session: Session,
    name: GroupName,
    new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", help="The new displayName.")],
) -> None:
    """Give a group another displayName; its id and members stay."""
    group = await find_group(session.client, name, read_mask=["id"])
    changes = [replace("displayName", new_name)]
    renamed = await session.client.groups.patch(group.id, changes, read_mask=SUMMARY)
    session.output.done("Renamed to", renamed)


@command(app, "delete", examples="rollbook group delete Engineering --yes")
async def delete_groups(session: Session, names: GroupNames, *, yes: Yes = False) -> None:
    """Delete groups, not their members."""
    confirm_deletion("groups", names, yes=yes)

    async def delete(name: str) -> None:
        group = await find_group(session.client, name, read_mask=["id", "display_name"])
        await session.client.groups.delete(group.id)
        session.output.done("Deleted", group)

    await for_each(session, names, delete)


@command(
    app,
    "members",
    examples="""\
rollbook group members Engineering
rollbook group members Engineering --json | jq -r .value""",
)
async def list_members(session: Session, name: GroupName, *, limit: Limit = None) -> None:
    """List the direct members of a group."""
    group = await find_group(session.client, name, read_mask=["id"])
    await show(
        session.client.groups.list_members(group.id, page_size=page_size(limit, session.output)),
        session.output,
        limit=limit,
        columns=("name", "type", "id"),
        row=_member_row,
    )


def _member_row(member: GroupMember) -> tuple[str, ...]:
    return member.display, member.type, member.value


@command(
    app,
    "add-member",
    examples="""\
rollbook group add-member Engineering ada grace@acme.example
rollbook group add-member Staff --group Engineering --service-account ci-bot
rollbook group add-member Staff --file staff.txt""",
)
async def add_members(
    session: Session,
    name: GroupName,
    users: Members = None,
    *,
    groups: MemberGroups = None,
    accounts: MemberAccounts = None,
    file: MemberFile = None,
) -> None:
    """Add members to a group; who is one already stays so."""
    group, member_ids = await _group_and_members(session, name, users, groups, accounts, file)
    answer = await session.client.groups.add_members(group.id, member_ids)
    _tell(session, group, "added", answer.added_count, len(member_ids))


@command(
    app,
    "remove-member",
    examples="rollbook group remove-member Engineering ada grace@acme.example",
)
async def remove_members(
    session: Session,
    name: GroupName,
    users: Members = None,
    *,
    groups: MemberGroups = None,
    accounts: MemberAccounts = None,
    file: MemberFile = None,
) -> None:
    """Remove members from a group."""
    group, member_ids = await _group_and_members(session, name, users, groups, accounts, file)
    answer = await session.client.groups.remove_members(group.id, member_ids)
    _tell(session, group, "removed", answer.removed_count, len(member_ids))


async def _group_and_members(
    session: Session,
    name: str,
    users: list[str] | None,
    groups: list[str] | None,
    accounts: list[str] | None,
    file: Path | None,
) -> tuple[Group, list[str]]:
    with usage():
        names = [*(users or ()), *(_lines(file) if file else ())]
        if not names and not groups and not accounts:
            raise ValueError("Name the members: users, --group, --service-account or --file.")
    group = await find_group(session.client, name, read_mask=["id", "display_name"])
    return group, await find_member_ids(session.client, names, groups or (), accounts or ())


def _lines(file: Path) -> list[str]:
    """The names in a file. Raises ValueError when it cannot be read."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: {error}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _tell(session: Session, group: Group, verb: str, changed: int, named: int) -> None:
    if session.output.as_json:
        session.output.json({"id": group.id, verb: changed})
    else:
        session.output.say(f"{group.display_name}: {changed} of {named} {verb}.")
