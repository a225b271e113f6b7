"""Browsers on the pages of the authorization server: what they come with, and how whatever goes
wrong is answered."""

from __future__ import annotations

import functools
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from aiohttp.web import Response

from gateway.handlers.oauth.answers import NOT_STORED, refusal_of
from gateway.handlers.oauth.cookies import browser_of
from gateway.handlers.oauth.forms import parameters_of
from gateway.handlers.oauth.pages import page
from gateway.handlers.response import SERVER
from rollbook.v1.oauth_service_pb2 import OAuthAuthorizationRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.handlers.oauth.cookies import Browser
    from gateway.handlers.request import ScimRequest
    from rollbook.errors import RollbookError

    Handler = Callable[[Any, ScimRequest], Awaitable[Response]]

SHOWN_AGAIN: Final = {"SIGN_IN_FAILED": 403, "RATE_LIMITED": 429}
"""Failures after which one may sign in again on the same page, with their statuses."""


def answering_browsers(handler: Handler) -> Handler:
    """Answers whatever goes wrong in a handler with a page."""

    @functools.wraps(handler)
    async def answered(self: Any, scim: ScimRequest) -> Response:
        try:
            return await handler(self, scim)
        except Exception as error:  # noqa: BLE001  # the last resort logs it
            refusal = refusal_of(error, scim)
        response = page("error.html", status=refusal.status, message=refusal.description)
        response.headers.update(
            {name: text for name, text in refusal.headers.items() if name == "Retry-After"}
        )
        return response

    return answered


class Visit:
    """A browser that a client has sent here, and what the client asks for."""

    def __init__(self, scim: ScimRequest, issuer: str) -> None:
        self.issuer = issuer
        self.browser: Browser = browser_of(scim, issuer)
        self.metadata = scim.metadata_outside_scim(with_credentials=False)
        self.authorization = OAuthAuthorizationRequest(
            parameters=parameters_of(scim.query()), issuer=issuer
        )
        self._query = scim.http.rel_url.raw_query_string
        self.url = f"{issuer}/oauth2/authorize?{self._query}"

    def url_of(self, provider: str) -> str:
        """Where signing in by a provider begins."""
        return f"{self.issuer}/oauth2/sign-in/{provider}?{self._query}"


def let_wait(response: Response, told: RollbookError) -> None:
    """Pass on how long to wait before another try, if the service says so."""
    if told.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(told.retry_after)))


def redirect(location: str) -> Response:
    """303: what was sent here is not sent on (RFC 9700 §4.12)."""
    return Response(
        status=HTTPStatus.SEE_OTHER,
        headers={
            "Location": location,
            "Server": SERVER,
            "Referrer-Policy": "no-referrer",
            **NOT_STORED,
        },
    )
