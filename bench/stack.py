"""Everything that is measured, running: an embedded PostgreSQL with the settings of production,
one service, one gateway, and their competitors."""

from __future__ import annotations

import itertools
import shutil
import socket
import tempfile
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.error import URLError

from bench.processes import Program
from standalone.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOKEN: Final = "rbk_bench-2f9d6c81e04b4b7fa3"


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Stack:
    """The running programs. As a context manager it stops them all."""

    workers: int = 1
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="rbk-bench-")))
    _held: ExitStack = field(default_factory=ExitStack)
    _logs: Iterator[int] = field(default_factory=itertools.count)

    def __enter__(self) -> Self:
        self._held.callback(shutil.rmtree, self.directory, ignore_errors=True)
        try:
            self._start()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._held.close()

    def _start(self) -> None:
        data = self.directory / "data"
        self._postgres = self._held.enter_context(EmbeddedPostgres(data))
        self.database_url = self._postgres.url
        self.grpc_targets = [f"unix:{self.directory}/service.{n}" for n in range(self.workers)]
        self.grpc_target = self.grpc_targets[0]
        self.service = self.start(
            "service",
            environment={
                "ROLLBOOK_DATABASE_URL": self.database_url,
                "ROLLBOOK_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
                "ROLLBOOK_GRPC_SOCKET": f"{self.directory}/service",
                "ROLLBOOK_BOOTSTRAP_TOKEN": TOKEN,
                "ROLLBOOK_WORKERS": str(self.workers),
                "ROLLBOOK_LOG_LEVEL": "warning",
            },
        )
        self.http_port = free_port()
        self.gateway = self.start(
            "gateway",
            environment={
                "ROLLBOOK_HTTP_LISTEN": f"127.0.0.1:{self.http_port}",
                "ROLLBOOK_GRPC_TARGET": self.grpc_target,
                "ROLLBOOK_LOG_LEVEL": "warning",
            },
        )
        self.gateway.wait_until(lambda: _answers(f"http://127.0.0.1:{self.http_port}/readyz"))

    def start(
        self,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Program:
        """Starts another program, which ends with the stack."""
        log = self.directory / f"{next(self._logs)}.log"
        program = Program(module, *arguments, log=log, environment=environment, stdin=stdin)
        self._held.callback(program.stop)
        return program

    @property
    def processes(self) -> dict[str, int]:
        """The process ids of Rollbook's parts."""
        return {
            "gateway": self.gateway.id,
            "service": self.service.id,
            "postgres": self.postgres_id,
        }

    @property
    def postgres_id(self) -> int:
        """The process id of the database server, from the file that it keeps."""
        pid_file = self.directory / "data" / "cluster" / "postmaster.pid"
        return int(pid_file.read_text().splitlines()[0])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == HTTPStatus.OK)
    except (URLError, OSError):
        return False
