"""`python -m service`: the identity service over gRPC."""

from __future__ import annotations

import os
import sys
from pathlib import Path  # noqa: TC003  # typer reads the annotation
from typing import Annotated

import pydantic
import structlog
import typer
import uvloop

from rollbook.settings_file import SettingsFileError, faults_of
from service import bootstrap, logs, workers
from service.settings import load_settings
from service.storage.migrations import MigrationError

log = structlog.get_logger(__name__)

HELP = """
Serves users and groups over gRPC, kept in PostgreSQL.

Settings are environment variables, or keys of the same name in lower case and without the
prefix in a YAML file; the environment wins.

\b
  ROLLBOOK_DATABASE_URL        postgresql://user:password@host/database (required)
  ROLLBOOK_GRPC_LISTEN         address to listen on, 127.0.0.1:50051
  ROLLBOOK_GRPC_SOCKET         Unix socket to listen on besides; worker n adds ".n"
  ROLLBOOK_GRPC_TLS_CERTIFICATE, ROLLBOOK_GRPC_TLS_KEY
                               PEM files of the server: with them, TLS and nothing else
  ROLLBOOK_GRPC_TLS_CLIENT_CA  PEM file of the authorities whose certificates clients show
  ROLLBOOK_GRPC_MTLS_LISTEN    second address, for clients that show certificates; without it
                               all have to
  ROLLBOOK_GATEWAY_SECRET      what gateways on other machines show, of 16 characters or more
  ROLLBOOK_ENCRYPTION_KEY      64 hexadecimal digits; else the key of secrets is in the database
  ROLLBOOK_ISSUER_REACH        where issuers of tokens may be: public, private or local
  ROLLBOOK_RUN_DIR             where workers share what they revoke, /dev/shm
  ROLLBOOK_BOOTSTRAP_TOKEN     an administrator's token, valid from the first start
  ROLLBOOK_WORKERS             processes to run, 1
  ROLLBOOK_RATE_LIMIT, ROLLBOOK_RATE_BURST
                               calls a second of each credential, 5000; and at once, 10000
  ROLLBOOK_TENANT_RATE_LIMIT, ROLLBOOK_TENANT_RATE_BURST
                               calls of each tenant, 10000 and 20000; 0 for any number
  ROLLBOOK_MAX_CONCURRENT_CALLS  calls that each process has open at once, 1000
  ROLLBOOK_DATABASE_CONNECTIONS  connections of each process, 10
  ROLLBOOK_LOG_FORMAT          auto, json or console
  ROLLBOOK_LOG_LEVEL           debug, info, warning or error

In the YAML file, scim: {enabled: true, auth: {type: basic, username: …, password: …}}
switches SCIM and gives SCIM clients a user name and password.

The database is migrated at the start; several instances may start at once.
"""


def main(
    config: Annotated[
        Path | None, typer.Option(help="The YAML file to read.  [default: rollbook.yaml]")
    ] = None,
    workers_: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes to run.")
    ] = None,
    listen: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
) -> None:
    """Prepare the database and serve until told to stop."""
    # An option is a variable said on the command line: it goes before the environment's.
    options = {"ROLLBOOK_WORKERS": workers_, "ROLLBOOK_GRPC_LISTEN": listen}
    os.environ.update({name: str(value) for name, value in options.items() if value is not None})
    try:
        settings = load_settings(config)
    except SettingsFileError as error:
        sys.exit(str(error))
    except pydantic.ValidationError as error:
        sys.exit(_explain(error))
    logs.configure(settings)
    try:
        token = uvloop.run(bootstrap.prepare(settings))
    except (MigrationError, OSError) as error:
        sys.exit(f"Cannot prepare the database: {error}")
    if token is not None:
        typer.echo(f"Token of the first administrator, shown this once: {token}")
    sys.exit(workers.serve(settings))


def _explain(error: pydantic.ValidationError) -> str:
    """What is wrong with the settings."""
    lines = (f"  {fault}" for fault in faults_of(error))
    return "\n".join(["These settings cannot be used:", *lines, "See python -m service --help."])


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(help=HELP)(main)
    app(prog_name="python -m service")
