"""The programs that are measured: started as children, and the processor time they use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from standalone.child import bound_to_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0


class Program:
    """A Python module that runs as a child until this process ends, or `stop` is called."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> None:
        self.name = " ".join((module, *arguments[:2]))
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                bound_to_parent([sys.executable, "-m", module, *arguments], signal.SIGTERM),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
            )
        assert self._process.stdin is not None
        self._process.stdin.write(stdin)
        self._process.stdin.close()

    @property
    def id(self) -> int:
        """The process id."""
        return self._process.pid

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Returns when the program is ready. Raises RuntimeError with its log when it is not."""
        deadline = time.monotonic() + _START_SECONDS
        while not is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.05)

    def says_ready(self) -> bool:
        """Whether the program has printed that it is ready."""
        return "ready" in self._log.read_text()

    def stop(self) -> None:
        """Ends the program in order, or at once if that takes too long."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def processor_seconds(process_id: int) -> float:
    """Seconds of processor time that a process and its children have used, those that ended
    included."""
    return sum(map(_own_seconds, _family(process_id)))


def _family(process_id: int) -> Iterator[int]:
    yield process_id
    for children in Path(f"/proc/{process_id}/task").glob("*/children"):
        try:
            ids = children.read_text().split()
        except OSError:
            continue
        for child in ids:
            yield from _family(int(child))


def _own_seconds(process_id: int) -> float:
    """User and system time of a process and of the children that it has waited for (proc(5))."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS
