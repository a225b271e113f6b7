"""`rollbook user …`: find users."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollbook.cli.attributes import WHERE_HELP, parse_condition, parse_path
from rollbook.cli.failures import usage
from rollbook.cli.listing import Descending, Limit, Search, SortBy, page_size, show
from rollbook.cli.naming import find_user
from rollbook.cli.output import managed_by
from rollbook.cli.session import Session, command
from rollbook.client import where
from rollbook.v1.filter_pb2 import OrderBy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.client import Condition
    from rollbook.v1.user_pb2 import User

app = typer.Typer(no_args_is_help=True, help="Find and change users.")

UserName = Annotated[str, typer.Argument(metavar="USER", help="Id, userName or e-mail address.")]
Conditions = Annotated[
    list[str] | None, typer.Option("--where", "-w", metavar="CONDITION", help=WHERE_HELP)
]
OnlyActive = Annotated[bool | None, typer.Option("--active/--inactive", help="Only such accounts.")]

_COLUMNS: Final = ("userName", "name", "e-mail", "active", "managed by", "id")
_LISTED: Final = ("id", "user_name", "name", "display_name", "emails", "active", "origin")


@command(
    app,
    "list",
    examples="""\
rollbook user list --search ada
rollbook user list --where department=Research --inactive
rollbook user list --where 'meta.lastModified>=2026-01-01' --sort userName
rollbook user list --json | jq -r .userName""",
)
async def list_users(
    session: Session,
    *,
    search: Search = None,
    conditions: Conditions = None,
    active: OnlyActive = None,
    sort: SortBy = None,
    descending: Descending = False,
    limit: Limit = None,
) -> None:
    """List users, all or those that meet every condition."""
    with usage():
        condition = condition_of(search, conditions or (), active)
        order = OrderBy(path=parse_path(sort), descending=descending) if sort else None
    users = session.client.users
    listing = users.list(
        filter=condition,
        order_by=order,
        page_size=page_size(limit, session.output),
        read_mask=() if session.output.as_json else _LISTED,
    )
    await show(
        listing,
        session.output,
        limit=limit,
        columns=_COLUMNS,
        row=_row,
        count=lambda: users.count(condition),
    )


def condition_of(
    search: str | None,
    conditions: Iterable[str],
    active: bool | None,  # noqa: FBT001
) -> Condition | None:
    """The condition that the options make together. Raises ValueError when one is not valid."""
    terms = [parse_condition(text) for text in conditions]
    if active is not None:
        terms.append(where("active") == active)
    if search:
        names = ("userName", "displayName", "name.formatted", "name.givenName", "name.familyName")
        found = (where(name).contains(search) for name in (*names, "emails.value"))
        terms.append(reduce(lambda one, other: one | other, found))
    return reduce(lambda one, other: one & other, terms) if terms else None


def _row(user: User) -> tuple[str, ...]:
    name = f"{user.name.given_name} {user.name.family_name}".strip()
    return (
        user.user_name,
        user.display_name or user.name.formatted or name,
        primary_email(user),
        "yes" if user.active else "no",
        managed_by(user.origin),
        user.id,
    )


def primary_email(user: User) -> str:
    """The primary e-mail address, else the first, else none."""
    primary = [email.value for email in user.emails if email.primary]
    return next(iter([*primary, *(email.value for email in user.emails)]), "")


@command(
    app,
    "get",
    examples="""\
rollbook user get ada@acme.example
rollbook user get 019a8c1e-7b5f-7c3a-9d2e-4f6a8b0c1d2e --json""",
)
async def get_user(session: Session, name: UserName) -> None:
    """Show all that is known of a user, its groups too."""
    session.output.message(await find_user(session.client, name))


@command(
    app,
    "lookup",
    examples="""\
rollbook user lookup --external-id 00u1a2b3c4
rollbook user lookup --email ada@acme.example --json | jq -r .id""",
)
async def lookup_user(
    session: Session,
    *,
    user_name: Annotated[str | None, typer.Option(help="The userName, in any case.")] = None,
    external_id: Annotated[str | None, typer.Option(help="The externalId, exactly.")] = None,
    email: Annotated[str | None, typer.Option(help="One of the addresses, in any case.")] = None,
) -> None:
    """Show the one user that has a key.

    `get` tries id, userName and e-mail address in turn; this looks at
    nothing but the key that you name.
    """
    with usage():
        request = session.client.users.lookup(
            user_name=user_name, external_id=external_id, email=email
        )
        user = await request
    session.output.message(user)
