"""The processes of the service: one worker, or several on one port with a parent that minds them.

Workers are started with `spawn`: gRPC must not have been touched before a fork, and a fresh
interpreter leaves no doubt. The kernel spreads connections over them (SO_REUSEPORT).
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final

import structlog
import uvloop

from service import logs
from service.server import Server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.process import BaseProcess

    from service.settings import Settings

log = structlog.get_logger(__name__)

_PR_SET_PDEATHSIG: Final = 1


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    if settings.workers == 1:
        return uvloop.run(_serve(settings, 0))
    return _mind(settings)


async def _serve(settings: Settings, worker: int) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        server = await Server.start(settings, worker)
    except OSError as error:
        log.error("service.cannot_start", error=str(error))  # noqa: TRY400  # the text says all
        return 1
    log.info("service.ready", worker=worker, address=settings.grpc_listen, port=server.port)
    await stop.wait()
    log.info("service.draining", worker=worker)
    await server.stop(settings.drain_seconds)
    return 0


def _work(settings: Settings, worker: int, parent: int) -> None:
    """The life of one worker process."""
    _die_with_parent(parent)
    logs.configure(settings)
    sys.exit(uvloop.run(_serve(settings, worker)))


def _die_with_parent(parent: int) -> None:
    """Ask Linux for SIGTERM when the parent goes, however it goes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)


def _mind(settings: Settings) -> int:
    """Run the workers; when one ends by itself, end all, so that whoever runs us notices."""
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(
            target=_work, args=(settings, number, os.getpid()), name=f"rollbook-worker-{number}"
        )
        for number in range(settings.workers)
    ]
    for worker in workers:
        worker.start()
    stopping = _forward_signals(workers)
    wait([worker.sentinel for worker in workers])
    if not stopping:
        log.error("service.worker_ended", exit_codes=[worker.exitcode for worker in workers])
        _terminate(workers)
    for worker in workers:
        worker.join()
    return 0 if stopping else 1


def _forward_signals(workers: Sequence[BaseProcess]) -> list[int]:
    """Pass SIGTERM and SIGINT on. The list answered holds the signals that came."""
    received: list[int] = []

    def forward(number: int, _frame: object) -> None:
        received.append(number)
        _terminate(workers)

    signal.signal(signal.SIGTERM, forward)
    signal.signal(signal.SIGINT, forward)
    return received


def _terminate(workers: Sequence[BaseProcess]) -> None:
    for worker in workers:
        if worker.is_alive():
            worker.terminate()
