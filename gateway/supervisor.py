"""Several processes that share a port: started, restarted when they die, stopped together."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from gateway.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from gateway.settings import Address

_log = structlog.get_logger(__name__)

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_RESTART_PAUSE: Final = 1.0
"""Seconds before a worker that died is replaced, so that one that cannot start does no harm."""


class Supervisor:
    """Runs `work` in `count` child processes.

    It is given the reading end of a pipe that ends with this process, so that no worker
    outlives it. Processes are forked, hence nothing of gRPC may exist in this one.
    """

    def __init__(self, count: int, work: Callable[[int], None]) -> None:
        self._count = count
        self._work = work
        self._workers: set[int] = set()
        self._stopping = False
        self._alive, self._held = os.pipe()

    def run(self) -> None:
        """Returns when a signal has stopped all workers."""
        for number in _SIGNALS:
            signal.signal(number, self._stop)
        for _ in range(self._count):
            self._start()
        while self._workers:
            pid, status = os.wait()
            self._workers.discard(pid)
            if not self._stopping:
                self._replace(pid, os.waitstatus_to_exitcode(status))

    def _start(self) -> None:
        # A signal in between would meet a worker that is not listed yet, or still has our handler.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid == 0:
            self._become_worker()
        self._workers.add(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _become_worker(self) -> NoReturn:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(self._held)
        code = 1
        try:
            self._work(self._alive)
            code = 0
        except Exception:  # noqa: BLE001 - the process ends here, and says why
            _log.exception("worker_failed")
        finally:
            # Not sys.exit: what the parent registered to run at its end is not the worker's.
            os._exit(code)

    def _replace(self, pid: int, code: int) -> None:
        _log.error("worker_died", pid=pid, exit_code=code)
        time.sleep(_RESTART_PAUSE)
        if not self._stopping:
            self._start()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for pid in self._workers:
            os.kill(pid, signal.SIGTERM)


def reserve_port(address: Address) -> tuple[Address, socket.socket]:
    """The address that workers are to share, and the socket that keeps it for them.

    It is checked first that nobody else listens there: with a shared port, two gateways would
    answer in turn and neither be told. Port 0 becomes a free one. Raises SettingsError.
    """
    try:
        family, _, _, _, name = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(name)
            name = probe.getsockname()
        holder = socket.socket(family)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(name)
    except OSError as error:
        raise SettingsError(f"Cannot listen on {address}: {error}") from error
    return address._replace(port=name[1]), holder
