"""`python -m standalone`, which is `make run`: everything on one machine."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from standalone.addresses import Address, free_address
from standalone.announcement import announce
from standalone.directory_lock import DirectoryLock
from standalone.errors import StandaloneError
from standalone.first_token import FirstToken, first_token
from standalone.identity import prepare_directory
from standalone.postgres import EmbeddedPostgres
from standalone.readiness import wait_until_ready
from standalone.settings import Settings, read_settings
from standalone.socket_directory import private_socket_directory
from standalone.supervisor import Program, Supervisor

if TYPE_CHECKING:
    from pathlib import Path

HELP: Final = """
Starts PostgreSQL, the identity service and the SCIM gateway on this machine and runs until
Ctrl-C or SIGTERM; a second Ctrl-C stops at once. When one of them ends, all are stopped.

Settings are environment variables, or keys of the same name in lower case and without the
prefix in rollbook.yaml; the environment wins.

  ROLLBOOK_DATA_DIR         embedded database and state, .rollbook
  ROLLBOOK_DATABASE_URL     a PostgreSQL server to use instead of an embedded one
  ROLLBOOK_GRPC_LISTEN      where the service listens, 127.0.0.1:50051
  ROLLBOOK_HTTP_LISTEN      where the gateway listens, 127.0.0.1:8080
  ROLLBOOK_BOOTSTRAP_TOKEN  an administrator's token; made and printed once when not set

Port 0 means any free port. Service and gateway have settings of their own, which they read
from the same places: python -m service --help, python -m gateway --help.
"""

INTERRUPTED: Final = 130
"""The exit status of a program that Ctrl-C ended."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything is, once it is known that it can be there."""

    settings: Settings
    grpc: Address
    http: Address
    sockets: Path
    database_url: str
    token: FirstToken

    @property
    def scim_base_url(self) -> str:
        here = f"{self.settings.http_scheme}://{self.http.reached_at}"
        origin = self.settings.http_public_url or here
        return f"{origin.rstrip('/')}/{self.settings.http_prefix.strip('/')}"

    def programs(self) -> list[Program]:
        """Service and gateway; within this machine they talk over Unix sockets."""
        service = {
            "ROLLBOOK_DATABASE_URL": self.database_url,
            "ROLLBOOK_GRPC_LISTEN": str(self.grpc),
            "ROLLBOOK_GRPC_SOCKET": str(self._socket),
        }
        if self.token.value is not None:
            service["ROLLBOOK_BOOTSTRAP_TOKEN"] = self.token.value
        targets = (f"unix:{self._socket}.{n}" for n in range(self.settings.workers))
        gateway = {
            "ROLLBOOK_HTTP_LISTEN": str(self.http),
            "ROLLBOOK_GRPC_TARGET": ",".join(targets),
        }
        return [_module("service", service), _module("gateway", gateway)]

    @property
    def _socket(self) -> Path:
        return self.sockets / "grpc"


def run(settings: Settings) -> None:
    """Runs everything until it is stopped. Raises StandaloneError when it cannot go on."""
    data_dir = settings.data_dir.resolve()
    with ExitStack() as held:
        identity = prepare_directory(data_dir)
        lock = held.enter_context(DirectoryLock(data_dir))
        grpc = free_address("ROLLBOOK_GRPC_LISTEN", settings.grpc_listen)
        http = free_address("ROLLBOOK_HTTP_LISTEN", settings.http_listen)
        sockets = held.enter_context(private_socket_directory(data_dir, identity))
        database, url = _database(settings, data_dir, held)
        token = first_token(settings.bootstrap_token, data_dir)
        plan = Plan(settings, grpc, http, sockets, url, token)
        asyncio.run(_supervise(plan, database, lock))


def _database(
    settings: Settings, data_dir: Path, held: ExitStack
) -> tuple[EmbeddedPostgres | None, str]:
    """The embedded server, if one is to run, and the URL of whichever there is."""
    if settings.database_url is not None:
        return None, settings.database_url.get_secret_value()
    server = held.enter_context(EmbeddedPostgres(data_dir / "postgres"))
    return server, server.url


async def _supervise(plan: Plan, database: EmbeddedPostgres | None, lock: DirectoryLock) -> None:
    async def announce_when_ready() -> None:
        await wait_until_ready(
            plan.http, plan.settings.http_workers, https=plan.settings.http_scheme == "https"
        )
        announce(plan.scim_base_url, plan.grpc, plan.token)
        plan.token.shown()

    supervisor = Supervisor(plan.programs(), database=database, kept_open=[lock.descriptor])
    await supervisor.run(announce_when_ready)


def _module(name: str, environment: dict[str, str]) -> Program:
    return Program(name, (sys.executable, "-m", name), environment)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    """The exit status: 0 when stopped, 1 when something ended by itself or could not start."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m standalone", None, HELP, formatter_class=formatter)
    parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        run(read_settings())
    except StandaloneError as error:
        print(f"Rollbook cannot run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
