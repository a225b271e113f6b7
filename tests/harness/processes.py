"""The service and the gateway as processes of their own, as they are deployed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.harness.instance import BASIC_PASSWORD, BASIC_USER, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
_SECONDS: Final = 30


@dataclass(frozen=True)
class Running:
    """A process and the file that it writes to."""

    process: subprocess.Popen[bytes]
    output: Path

    def wait_for(self, event: str, times: int = 1) -> None:
        """Returns when an event has been logged; AssertionError when the process ends before."""
        deadline = time.monotonic() + _SECONDS
        while self.output.read_text().count(f'"{event}"') < times:
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.02)

    def processes(self) -> tuple[str, ...]:
        """The ids of the process and its children."""
        pid = self.process.pid
        return (str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    def command_lines(self) -> str:
        """What everyone on the machine can read of the process and its children."""
        return "".join(Path(f"/proc/{one}/cmdline").read_text() for one in self.processes())


@contextmanager
def service_process(
    database_url: str, directory: Path, workers: int = 1, **settings: str
) -> Iterator[tuple[Running, list[str]]]:
    """The service, and for each of its workers the address that leads to that one."""
    socket = directory / "grpc"
    environment = {
        "ROLLBOOK_DATABASE_URL": database_url,
        "ROLLBOOK_GRPC_LISTEN": "127.0.0.1:0",
        "ROLLBOOK_GRPC_SOCKET": str(socket),
        "ROLLBOOK_BOOTSTRAP_TOKEN": TOKEN,
        "ROLLBOOK_WORKERS": str(workers),
        "ROLLBOOK_LOG_FORMAT": "json",
        # The same as those of other services over the database, who would lose theirs.
        "ROLLBOOK_SCIM__AUTH__USERNAME": BASIC_USER,
        "ROLLBOOK_SCIM__AUTH__PASSWORD": BASIC_PASSWORD,
        **settings,
    }
    with _process("service", directory, environment) as running:
        running.wait_for("service.ready", workers)
        yield running, [f"unix:{socket}.{worker}" for worker in range(workers)]


@contextmanager
def gateway_process(
    service: str, directory: Path, **settings: str
) -> Iterator[tuple[Running, str]]:
    """The gateway before the service at an address, and its SCIM base URL."""
    environment = {
        "ROLLBOOK_GRPC_TARGET": service,
        "ROLLBOOK_HTTP_LISTEN": "127.0.0.1:0",
        "ROLLBOOK_LOG_FORMAT": "json",
        **settings,
    }
    with _process("gateway", directory, environment) as running:
        running.wait_for("listening")
        port = running.output.read_text().partition('"port": ')[2].partition(",")[0]
        yield running, f"http://127.0.0.1:{port}/scim/v2"


@contextmanager
def _process(module: str, directory: Path, environment: dict[str, str]) -> Iterator[Running]:
    output = directory / f"{module}.log"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(process, output)
    finally:
        process.terminate()
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
