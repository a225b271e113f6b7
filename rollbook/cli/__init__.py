"""The `rollbook` command: a plain gRPC client of the service for administrators and scripts."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from rollbook.cli import (
    access,
    basic_logins,
    connections,
    groups,
    issuers,
    oauth,
    passwords,
    role_catalogue,
    roles,
    schemas,
    service_account_keys,
    service_accounts,
    sign_in_providers,
    status,
    tenants,
    tokens,
    transfer,
    user_changes,
    users,
    workloads,
)
from rollbook.cli.failures import EXIT_CODES_HELP
from rollbook.cli.session import connection_callback
from rollbook.cli.version import print_version

_EPILOG = f"""\
[bold]First steps[/bold]
export ROLLBOOK_TOKEN=…              the token that `make run` prints
rollbook status                      is the service there, is the token good?
rollbook user list --search ada
rollbook user deactivate ada@acme.example

{EXIT_CODES_HELP}"""

app = typer.Typer(
    name="rollbook",
    no_args_is_help=True,
    rich_markup_mode="rich",
    # A traceback with its variables could show a token.
    pretty_exceptions_enable=False,
    epilog=_EPILOG,
)
for part in (user_changes.app, passwords.app, transfer.app):
    users.app.add_typer(part)
roles.app.add_typer(role_catalogue.app, name="catalogue")
roles.app.add_typer(role_catalogue.scopes_app, name="scope")
service_accounts.app.add_typer(service_account_keys.app, name="key")
for name, part in (
    ("user", users.app),
    ("group", groups.app),
    ("service-account", service_accounts.app),
    ("role", roles.app),
    ("access", access.app),
    ("schema", schemas.app),
    ("token", tokens.app),
    ("basic-login", basic_logins.app),
    ("tenant", tenants.app),
    ("workload", workloads.app),
    ("connection", connections.app),
    ("issuer", issuers.app),
    ("oauth", oauth.app),
    ("sign-in-provider", sign_in_providers.app),
    (None, status.app),
):
    app.add_typer(part, name=name)


@connection_callback(app)
def rollbook(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=print_version, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Manage users, groups and service accounts of the Rollbook identity service.

    Users go by id, userName or e-mail address, all else by id or displayName.
    The options of the connection may stand before or after the command.
    """


def main() -> None:
    """Run the command."""
    # gRPC tells of failed connections on standard error by itself, and the command does too.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    app()
