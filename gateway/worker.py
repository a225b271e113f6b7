"""One process of the gateway: from listening to the last answer."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import TYPE_CHECKING, Final

import structlog
from aiohttp.web import ServerRunner, TCPSite

from gateway.app import Gateway
from gateway.connection import connect
from gateway.http_server import HttpServer
from gateway.https import Https
from gateway.settings import SettingsError

if TYPE_CHECKING:
    from gateway.settings import Settings

_log = structlog.get_logger(__name__)

_BACKLOG: Final = 1024
"""Connections that may wait to be accepted."""

_LAST_REQUESTS_SECONDS: Final = 0.5
"""How long connections that are open stay so for one more request when the process stops."""


async def serve(settings: Settings, *, share_port: bool = False, parent: int | None = None) -> None:
    """Answers requests until SIGTERM or SIGINT, or until the parent process is gone.

    `share_port` lets other processes listen on the same port. `parent` is the reading end of a
    pipe whose other end nobody but the parent holds. Raises SettingsError when the address to
    listen on cannot be had.
    """
    https = Https.of(settings)
    async with connect(settings.service_target, settings.service_tls) as stubs:
        gateway = Gateway(settings, stubs)
        runner = ServerRunner(
            HttpServer(gateway.handle, settings), shutdown_timeout=settings.http_drain_timeout
        )
        await runner.setup()
        renewing = asyncio.create_task(https.keep_renewed()) if https else None
        try:
            await _listen(runner, settings, https, share_port=share_port)
            _look_for_secret(settings)
            # What is loaded by now stays: the collector need not walk through it again and again.
            gc.freeze()
            await _told_to_stop(parent)
            await _drain(gateway, runner, settings)
        finally:
            if renewing:
                renewing.cancel()
            await runner.cleanup()
    _log.info("stopped")


async def _drain(gateway: Gateway, runner: ServerRunner, settings: Settings) -> None:
    """Lets load balancers and clients notice: answers now say that their connection closes, so
    none is closed on a client that is just sending its next request."""
    _log.info("draining")
    gateway.draining = True
    await asyncio.sleep(settings.http_drain_delay)
    for site in runner.sites:
        await site.stop()
    if runner.server and runner.server.connections:
        await asyncio.sleep(_LAST_REQUESTS_SECONDS)


async def _listen(
    runner: ServerRunner, settings: Settings, https: Https | None, *, share_port: bool
) -> None:
    host, port = settings.http_address
    site = TCPSite(
        runner,
        host,
        port,
        ssl_context=https.context if https else None,
        backlog=_BACKLOG,
        reuse_port=share_port or None,
    )
    try:
        await site.start()
    except OSError as error:
        raise SettingsError(f"Cannot listen on {settings.http_listen}: {error}") from error
    for address in runner.addresses:
        _log.info("listening", host=address[0], port=address[1], service=settings.service_target)


def _look_for_secret(settings: Settings) -> None:
    if settings.gateway_secret is None and not settings.service_target.startswith("unix:"):
        _log.warning(
            "no_gateway_secret",
            effect="the service refuses credentials that are for SCIM alone",
            remedy="set ROLLBOOK_GATEWAY_SECRET, the same here and at the service",
        )


async def _told_to_stop(parent: int | None) -> None:
    """Returns on the first signal, or when the other end of the pipe is closed."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Left in place: Ctrl-C reaches every process of a terminal, so a second signal is no
        # sign of impatience.
        loop.add_signal_handler(number, stop.set)
    if parent is not None:
        loop.add_reader(parent, stop.set)
    await stop.wait()
    if parent is not None:
        loop.remove_reader(parent)
