"""Service and gateway as processes of their own, so that their memory can be watched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import urlopen

from standalone.addresses import free_address
from standalone.child import bound_to_parent
from tests.harness.instance import BASIC_PASSWORD, BASIC_USER, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_SECONDS: Final = 30
_STOP_SECONDS: Final = 20
_LISTEN: Final = "127.0.0.1:0"


@dataclass(frozen=True)
class Processes:
    """What runs: the SCIM base URL, and the process ids of the service and the gateway."""

    base_url: str
    service: int
    gateway: int


@contextmanager
def running(database_url: str) -> Iterator[Processes]:
    """A service over a database and a gateway before it; both end with this process at the
    latest."""
    grpc, http = (str(free_address(name, _LISTEN)) for name in ("grpc", "http"))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ROLLBOOK_")},
        "ROLLBOOK_DATABASE_URL": database_url,
        "ROLLBOOK_BOOTSTRAP_TOKEN": TOKEN,
        "ROLLBOOK_SCIM__AUTH__USERNAME": BASIC_USER,
        "ROLLBOOK_SCIM__AUTH__PASSWORD": BASIC_PASSWORD,
        "ROLLBOOK_GRPC_LISTEN": grpc,
        "ROLLBOOK_HTTP_LISTEN": http,
        "ROLLBOOK_LOG_FORMAT": "json",
    }
    with ExitStack() as stack:
        log = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "log"
        service = stack.enter_context(_started("service", environment, log))
        gateway = stack.enter_context(_started("gateway", environment, log))
        _wait_until_ready(f"http://{http}/readyz", log)
        yield Processes(f"http://{http}/scim/v2", service, gateway)


@contextmanager
def _started(module: str, environment: dict[str, str], log: Path) -> Iterator[int]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            bound_to_parent([sys.executable, "-m", module], signal.SIGKILL),
            env=environment,
            stderr=output,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(_STOP_SECONDS)


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            urlopen(url, timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{url} does not answer:\n{log.read_text()}") from None
            time.sleep(0.1)
        else:
            return


def resident_bytes(process: int) -> int:
    """The memory that a process holds."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
