"""The options that say what a user is like, of `user create` and `user update`."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rollbook.cli.attributes import parse_assignment, parse_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.client.partial import Scalar
    from rollbook.v1.filter_pb2 import AttributePath

_PANEL: Final = "Attributes"

GivenName = Annotated[str | None, typer.Option(rich_help_panel=_PANEL, help="Given name.")]
FamilyName = Annotated[str | None, typer.Option(rich_help_panel=_PANEL, help="Family name.")]
DisplayName = Annotated[
    str | None, typer.Option(rich_help_panel=_PANEL, help="Name to show to people.")
]
PrimaryEmail = Annotated[
    str | None, typer.Option("--email", rich_help_panel=_PANEL, help="Primary e-mail address.")
]
ExternalId = Annotated[
    str | None, typer.Option(rich_help_panel=_PANEL, help="Id in the provisioning system.")
]
Title = Annotated[str | None, typer.Option(rich_help_panel=_PANEL, help="Job title.")]
Department = Annotated[str | None, typer.Option(rich_help_panel=_PANEL, help="Department.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="ATTRIBUTE=VALUE",
        rich_help_panel=_PANEL,
        help="Any attribute, e.g. name.middleName=King or enterprise.costCenter=7; "
        "may be repeated.",
    ),
]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        rich_help_panel=_PANEL,
        help="Read a password from standard input; asks for it at a terminal.",
    ),
]
ValidateOnly = Annotated[
    bool, typer.Option("--validate-only", help="Check everything, but change nothing.")
]

_SHORTHANDS: Final = {
    "user_name": "userName",
    "given_name": "name.givenName",
    "family_name": "name.familyName",
    "display_name": "displayName",
    "external_id": "externalId",
    "title": "title",
    "department": "enterprise.department",
}


def assignments(
    texts: Iterable[str] | None, **options: str | None
) -> list[tuple[AttributePath, Scalar]]:
    """What the options and each --set assign. Raises ValueError when one is not valid."""
    written: list[tuple[AttributePath, Scalar]] = [
        (parse_path(_SHORTHANDS[name]), value)
        for name, value in options.items()
        if value is not None
    ]
    return [*written, *map(parse_assignment, texts or ())]


def read_password() -> str:
    """The password, without its line end."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ", stream=sys.stderr)
    return sys.stdin.readline().rstrip("\r\n")
