"""What load balancers and supervisors ask: `/healthz` and `/readyz`; and where people land: `/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.connection import is_serving
from gateway.handlers.response import respond_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.web import Response

    from gateway.connection import Stubs
    from gateway.handlers.request import ScimRequest

_CHECK_TIMEOUT: Final = 2.0
"""Seconds that the service may take to say how it is."""


class HealthHandlers:
    """Answers for one process; `is_draining` tells whether it has been told to stop."""

    def __init__(self, stubs: Stubs, is_draining: Callable[[], bool]) -> None:
        self._stubs = stubs
        self._is_draining = is_draining

    async def alive(self, _: ScimRequest) -> Response:
        """GET /healthz: the process answers."""
        return respond_plain({"status": "alive"})

    async def ready(self, _: ScimRequest) -> Response:
        """GET /readyz: requests can be served; 503 while they cannot."""
        if self._is_draining():
            return _not_ready("The gateway is shutting down.")
        if not await is_serving(self._stubs, _CHECK_TIMEOUT):
            return _not_ready("The identity service cannot be reached or is not serving.")
        return respond_plain({"status": "ready"})


async def landing(scim: ScimRequest) -> Response:
    """GET /: says where SCIM is."""
    return respond_plain({"name": "Rollbook", "scim": scim.base_url})


def _not_ready(reason: str) -> Response:
    return respond_plain({"status": "not ready", "reason": reason}, status=503)
