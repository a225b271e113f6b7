"""`rollbook user …`: create, change and delete users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rollbook.attributes import USER
from rollbook.cli.attributes import setting, unsetting
from rollbook.cli.failures import usage
from rollbook.cli.naming import find_user
from rollbook.cli.profile import (
    Assignments,
    Department,
    DisplayName,
    ExternalId,
    FamilyName,
    GivenName,
    PasswordStdin,
    PrimaryEmail,
    Title,
    ValidateOnly,
    assignments,
    read_password,
)
from rollbook.cli.session import Session, command
from rollbook.cli.several import UserNames, Yes, confirm_deletion, for_each
from rollbook.cli.users import UserName, primary_email
from rollbook.client import add, replace, where
from rollbook.client.partial import set_attribute
from rollbook.v1.user_pb2 import Email, User

if TYPE_CHECKING:
    from rollbook.client import Change

app = typer.Typer()


@command(
    app,
    "create",
    examples="""\
rollbook user create ada@acme.example --given-name Ada --family-name Lovelace
rollbook user create bot-7 --inactive --set userType=Service --json""",
)
async def create_user(
    session: Session,
    user_name: Annotated[str, typer.Argument(metavar="USERNAME", help="Name to log in with.")],
    *,
    given_name: GivenName = None,
    family_name: FamilyName = None,
    display_name: DisplayName = None,
    email: PrimaryEmail = None,
    external_id: ExternalId = None,
    title: Title = None,
    department: Department = None,
    assigned: Assignments = None,
    password_stdin: PasswordStdin = False,
    inactive: Annotated[bool, typer.Option("--inactive", help="Not to be used yet.")] = False,
    validate_only: ValidateOnly = False,
) -> None:
    """Create a user; many at once by `import`."""
    user = User(user_name=user_name, active=not inactive)
    if email:
        user.emails.add(value=email, type="work", primary=True)
    with usage():
        for path, value in assignments(
            assigned,
            given_name=given_name,
            family_name=family_name,
            display_name=display_name,
            external_id=external_id,
            title=title,
            department=department,
        ):
            set_attribute(user, USER, path, value)
    if password_stdin:
        user.password = read_password()
    created = await session.client.users.create(user, validate_only=validate_only)
    session.output.message(created, "Valid; not created." if validate_only else "Created.")


@command(
    app,
    "update",
    examples="""\
rollbook user update ada@acme.example --title CTO --department Research
rollbook user update ada@acme.example --unset phoneNumbers --set locale=en-GB
rollbook user update ada@acme.example --user-name ada.king@acme.example""",
)
async def update_user(
    session: Session,
    name: UserName,
    *,
    user_name: Annotated[str | None, typer.Option(help="New name to log in with.")] = None,
    given_name: GivenName = None,
    family_name: FamilyName = None,
    display_name: DisplayName = None,
    email: PrimaryEmail = None,
    external_id: ExternalId = None,
    title: Title = None,
    department: Department = None,
    assigned: Assignments = None,
    unset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ATTRIBUTE",
            rich_help_panel="Attributes",
            help="Leave an attribute without a value; may be repeated.",
        ),
    ] = None,
    password_stdin: PasswordStdin = False,
    validate_only: ValidateOnly = False,
) -> None:
    """Change what you name of a user, nothing else.

    --set replaces all values of an attribute that has several. --email
    changes the primary address and leaves the others.
    """
    with usage():
        changes = [
            *(unsetting(attribute) for attribute in unset or ()),
            *(
                setting(path, value)
                for path, value in assignments(
                    assigned,
                    user_name=user_name,
                    given_name=given_name,
                    family_name=family_name,
                    display_name=display_name,
                    external_id=external_id,
                    title=title,
                    department=department,
                )
            ),
        ]
        if not changes and not email and not password_stdin:
            raise ValueError("Say what to change, e.g. --title CTO.")
    if password_stdin:
        changes.append(replace("password", read_password()))
    user = await find_user(session.client, name)
    if email:
        changes.append(_email_change(user, email))
    changed = await session.client.users.patch(user.id, changes, validate_only=validate_only)
    session.output.message(changed, "Valid; not changed." if validate_only else "Changed.")


def _email_change(user: User, address: str) -> Change:
    """The operation that makes an address the primary one, instead of the one that is."""
    former = primary_email(user)
    if not former:
        return add("emails", Email(value=address, type="work", primary=True))
    return replace("emails.value", address, where=where("value") == former, target_required=True)


@command(app, "deactivate", examples="rollbook user deactivate ada@acme.example grace")
async def deactivate_users(session: Session, names: UserNames) -> None:
    """Forbid the use of accounts, at once and on every path.

    Their tokens and OAuth grants are revoked; nothing else is lost, and `activate` lets
    them be used again.
    """

    async def deactivate(name: str) -> None:
        user = await find_user(session.client, name, read_mask=["id"])
        session.output.done("Deactivated", await session.client.users.deactivate(user.id))

    await for_each(session, names, deactivate)


@command(app, "activate", examples="rollbook user activate ada@acme.example")
async def activate_users(session: Session, names: UserNames) -> None:
    """Let accounts be used again."""

    async def activate(name: str) -> None:
        user = await find_user(session.client, name, read_mask=["id"])
        session.output.done("Activated", await session.client.users.activate(user.id))

    await for_each(session, names, activate)


@command(app, "delete", examples="rollbook user delete ada@acme.example --yes")
async def delete_users(
    session: Session,
    names: UserNames,
    *,
    yes: Yes = False,
) -> None:
    """Delete users with their memberships, for good.

    Of a leaver whose record is to be kept, `deactivate` the account.
    """
    confirm_deletion("users", names, yes=yes)

    async def delete(name: str) -> None:
        user = await find_user(session.client, name, read_mask=["id", "user_name"])
        await session.client.users.delete(user.id)
        session.output.done("Deleted", user)

    await for_each(session, names, delete)
