"""/Me: the user whose credentials a request has (RFC 7644 §3.11), answered as `/Users/{id}` is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from gateway.handlers.errors import not_implemented
from rollbook.limits import ONESELF

if TYPE_CHECKING:
    from aiohttp.web import Response

    from gateway.handlers.request import ScimRequest
    from gateway.routing import Handler


def of_oneself(handler: Handler) -> Handler:
    """A handler of `/Users/{id}` for the caller: whose credentials they are, the service knows."""

    async def handle(scim: ScimRequest) -> Response:
        scim.id = ONESELF
        return await handler(scim)

    return handle


async def register(_: ScimRequest) -> NoReturn:
    """POST /Me would be for somebody who has no account yet to make one."""
    raise not_implemented("Nobody can register at /Me; create users with POST /Users.")
