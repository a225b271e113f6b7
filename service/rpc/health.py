"""What health checks are told (grpc.health.v1).

Not `HealthServicer` of grpcio-health-checking: it holds a lock while it writes to a client, so one
that does not read kept all others, and the end of the process, waiting.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import grpc
from grpc_health.v1 import health_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

_Status = health_pb2.HealthCheckResponse

MAX_WATCHERS: Final = 1_000
"""How many clients are told of changes; more have to ask."""


class Health:
    """Whether this worker serves: all of its services, or none."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset({"", *services})
        self._serving = True
        self._ending = False
        self._watchers = 0
        self._changed = asyncio.Event()

    def report(self, *, serving: bool) -> None:
        """What is true from now on; nothing changes any more once the end has begun."""
        if not self._ending and serving is not self._serving:
            self._serving = serving
            self._tell()

    def end(self) -> None:
        """Nothing is served any more: watchers are told so, and then no more."""
        self._serving, self._ending = False, True
        self._tell()

    async def Check(  # noqa: N802  # the contract's name
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> health_pb2.HealthCheckResponse:
        """The status of one service, or of all. NOT_FOUND for one that there is none of."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such service.")
        return self._status_of(request.service)

    async def List(  # noqa: N802
        self, _request: health_pb2.HealthListRequest, _context: object
    ) -> health_pb2.HealthListResponse:
        """The status of each service."""
        return health_pb2.HealthListResponse(
            statuses={service: self._status_of(service) for service in self._services}
        )

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> None:
        """The status, and each one that it changes to."""
        if self._watchers >= MAX_WATCHERS:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Too many clients watch; ask instead.")
        self._watchers += 1
        try:
            async for status in self._statuses(request.service):
                await context.write(status)
        finally:
            self._watchers -= 1

    async def _statuses(self, service: str) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """What there is to tell of a service, up to the end."""
        told = None
        while True:
            changed, status = self._changed, self._status_of(service)
            if status != told:
                yield status
                told = status
            elif self._ending:
                return
            else:
                await changed.wait()

    def _status_of(self, service: str) -> health_pb2.HealthCheckResponse:
        if service not in self._services:
            return _Status(status=_Status.SERVICE_UNKNOWN)
        return _Status(status=_Status.SERVING if self._serving else _Status.NOT_SERVING)

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
