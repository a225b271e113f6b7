"""`rollbook service-account …`: find and change accounts of programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollbook.cli.failures import usage
from rollbook.cli.listing import Descending, Limit, Search, SortBy, page_size, show
from rollbook.cli.naming import find_service_account, find_user
from rollbook.cli.profile import ExternalId, ValidateOnly  # noqa: TC001  typer reads annotations
from rollbook.cli.session import Session, command
from rollbook.cli.several import Yes, confirm_deletion, for_each
from rollbook.client import ascending, descending, remove, replace, where
from rollbook.v1.service_account_pb2 import Owner, ServiceAccount
from rollbook.v1.user_pb2 import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.client import Change

app = typer.Typer(
    no_args_is_help=True, help="Find and change accounts of programs, and their keys."
)

AccountName = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Id or displayName.")]
AccountNames = Annotated[
    list[str], typer.Argument(metavar="ACCOUNT...", help="Ids or displayNames.")
]
Description = Annotated[str | None, typer.Option(help="What it is for.")]
OwnerName = Annotated[
    str | None, typer.Option("--owner", metavar="USER", help="The user who answers for it.")
]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        metavar="TYPE=VALUE",
        help="A role, e.g. account_type=admin; may be repeated.",
    ),
]

_COLUMNS: Final = ("displayName", "owner", "roles", "active", "id")


@command(
    app,
    "list",
    examples="""\
rollbook service-account list --search bot
rollbook service-account list --ownerless
rollbook service-account list --json | jq -r .displayName""",
)
async def list_accounts(
    session: Session,
    *,
    search: Search = None,
    ownerless: Annotated[
        bool, typer.Option("--ownerless", help="Only those whose owner is inactive or not there.")
    ] = False,
    sort: SortBy = None,
    descending_order: Descending = False,
    limit: Limit = None,
) -> None:
    """List service accounts."""
    accounts = session.client.service_accounts
    condition = where("displayName").contains(search) if search else None
    if ownerless:
        alone = ~where("owner.value").present() | (where("owner.active") == False)  # noqa: E712
        condition = alone if condition is None else condition & alone
    order_by = descending if descending_order else ascending
    with usage():
        order = order_by(sort) if sort else None
    listing = accounts.list(
        filter=condition, order_by=order, page_size=page_size(limit, session.output)
    )
    await show(
        listing,
        session.output,
        limit=limit,
        columns=_COLUMNS,
        row=_row,
        count=lambda: accounts.count(condition),
    )


def _row(account: ServiceAccount) -> tuple[str, ...]:
    roles = (f"{role.type}={role.value}" if role.type else role.value for role in account.roles)
    active = "yes" if account.active else "no"
    return account.display_name, _owner(account), " ".join(roles), active, account.id


def _owner(account: ServiceAccount) -> str:
    if not account.HasField("owner"):
        return ""
    name = account.owner.display or account.owner.value
    return name if account.owner.active else f"{name} (inactive)"


@command(app, "get", examples="rollbook service-account get ci-bot")
async def get_account(session: Session, name: AccountName) -> None:
    """Show all that is known of a service account; `key list` shows its keys."""
    session.output.message(await find_service_account(session.client, name))


@command(
    app,
    "create",
    examples="""\
rollbook service-account create ci-bot --description "Builds what was merged" --owner ada
rollbook service-account create okta-bot --role account_type=admin""",
)
async def create_account(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The displayName.")],
    *,
    description: Description = None,
    owner: OwnerName = None,
    roles: Roles = None,
    external_id: ExternalId = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Not to be used yet.")] = False,
    validate_only: ValidateOnly = False,
) -> None:
    """Create a service account; `key create` makes its first key."""
    with usage():
        assigned = [_role(text) for text in roles or ()]
    account = ServiceAccount(
        display_name=name,
        description=description,
        external_id=external_id,
        active=not inactive,
        roles=assigned,
    )
    if owner is not None:
        account.owner.CopyFrom(await _owner_of(session, owner))
    created = await session.client.service_accounts.create(account, validate_only=validate_only)
    session.output.message(created, "Valid; not created." if validate_only else "Created.")


@command(
    app,
    "update",
    examples="""\
rollbook service-account update ci-bot --name cd-bot --owner grace
rollbook service-account update ci-bot --no-owner --role workspace_prod=editor""",
)
async def update_account(
    session: Session,
    name: AccountName,
    *,
    new_name: Annotated[str | None, typer.Option("--name", help="The new displayName.")] = None,
    description: Description = None,
    owner: OwnerName = None,
    no_owner: Annotated[bool, typer.Option("--no-owner", help="Take the owner away.")] = False,
    roles: Roles = None,
    no_roles: Annotated[bool, typer.Option("--no-roles", help="Take all roles away.")] = False,
    external_id: ExternalId = None,
    validate_only: ValidateOnly = False,
) -> None:
    """Change what you name of a service account, nothing else.

    --role replaces the roles that were given it by hand; those of
    identity providers stay.
    """
    with usage():
        changes = _changes(new_name, description, external_id, roles or ())
        changes += [
            remove(each) for each, is_gone in (("owner", no_owner), ("roles", no_roles)) if is_gone
        ]
        if not changes and owner is None:
            raise ValueError("Say what to change, e.g. --description.")
    if owner is not None:
        changes.append(replace("owner", await _owner_of(session, owner)))
    account = await find_service_account(session.client, name, read_mask=["id"])
    changed = await session.client.service_accounts.patch(
        account.id, changes, validate_only=validate_only
    )
    session.output.message(changed, "Valid; not changed." if validate_only else "Changed.")


def _changes(
    name: str | None, description: str | None, external_id: str | None, roles: Iterable[str]
) -> list[Change]:
    """The operations that the options ask for. Raises ValueError."""
    values = {"displayName": name, "description": description, "externalId": external_id}
    changes = [
        replace(attribute, value) for attribute, value in values.items() if value is not None
    ]
    if assigned := [_role(text) for text in roles]:
        changes.append(replace("roles", assigned))
    return changes


def _role(text: str) -> Role:
    kind, equals, value = text.partition("=")
    if not equals or not kind or not value:
        raise ValueError(f"{text!r} is no role; write it as account_type=admin.")
    return Role(type=kind, value=value)


async def _owner_of(session: Session, name: str) -> Owner:
    return Owner(value=(await find_user(session.client, name, read_mask=["id"])).id)


@command(app, "deactivate", examples="rollbook service-account deactivate ci-bot")
async def deactivate_accounts(session: Session, names: AccountNames) -> None:
    """Forbid the use of accounts and revoke their keys, at once and for good.

    `activate` lets them be used again, with new keys.
    """

    async def deactivate(name: str) -> None:
        account = await find_service_account(session.client, name, read_mask=["id"])
        done = await session.client.service_accounts.deactivate(account.id)
        session.output.done("Deactivated", done)

    await for_each(session, names, deactivate)


@command(app, "activate", examples="rollbook service-account activate ci-bot")
async def activate_accounts(session: Session, names: AccountNames) -> None:
    """Let accounts be used again."""

    async def activate(name: str) -> None:
        account = await find_service_account(session.client, name, read_mask=["id"])
        session.output.done("Activated", await session.client.service_accounts.activate(account.id))

    await for_each(session, names, activate)


@command(app, "delete", examples="rollbook service-account delete ci-bot --yes")
async def delete_accounts(session: Session, names: AccountNames, *, yes: Yes = False) -> None:
    """Delete service accounts with their keys and memberships, for good."""
    confirm_deletion("service accounts", names, yes=yes)

    async def delete(name: str) -> None:
        account = await find_service_account(session.client, name, read_mask=["id", "display_name"])
        await session.client.service_accounts.delete(account.id)
        session.output.done("Deleted", account)

    await for_each(session, names, delete)
