"""/oauth2/sign-in and /oauth2/callback: an administrator signs in at an OpenID provider and comes
back (OpenID Connect Core 1.0 §3.1.2)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from grpc.aio import AioRpcError

from gateway.handlers.oauth.cookies import browser_of, remember
from gateway.handlers.oauth.forms import parameters_of
from gateway.handlers.oauth.pages import page
from gateway.handlers.oauth.visits import (
    SHOWN_AGAIN,
    Visit,
    answering_browsers,
    let_wait,
    redirect,
)
from rollbook.errors import error_from_rpc
from rollbook.v1.oauth_service_pb2 import BeginProviderSignInRequest, FinishProviderSignInRequest

if TYPE_CHECKING:
    from aiohttp.web import Response

    from gateway.handlers.oauth.issuer import IssuerOf
    from gateway.handlers.request import ScimRequest
    from gateway.settings import Settings
    from rollbook.v1.oauth_service_pb2_grpc import OAuthServiceAsyncStub


class ProviderHandlers:
    """Sends browsers to providers, and takes them back."""

    def __init__(
        self, stub: OAuthServiceAsyncStub, settings: Settings, issuer_of: IssuerOf
    ) -> None:
        self._stub = stub
        self._timeout = settings.http_request_timeout
        self._issuer_of = issuer_of

    @answering_browsers
    async def begin(self, scim: ScimRequest) -> Response:
        """GET /oauth2/sign-in/{provider}, with the query of the authorization endpoint.

        A link leads here and no form: browsers hold redirects after a form to the policy of the
        page, which knows nothing of where providers are."""
        visit = Visit(scim, self._issuer_of(scim))
        request = BeginProviderSignInRequest(
            authorization=visit.authorization, session=visit.browser.session, provider=scim.id
        )
        try:
            begun = await self._stub.BeginProviderSignIn(
                request, metadata=visit.metadata, timeout=self._timeout
            )
        except AioRpcError as failure:
            told = error_from_rpc(failure)
            if told.reason not in SHOWN_AGAIN:
                raise
            response = _not_signed_in(told.message, visit.url, SHOWN_AGAIN[told.reason])
            let_wait(response, told)
            return response
        response = redirect(begun.redirect_uri)
        if visit.browser.is_new:
            remember(response, visit.browser.session, visit.issuer)
        return response

    @answering_browsers
    async def finish(self, scim: ScimRequest) -> Response:
        """GET /oauth2/callback/{provider}."""
        issuer = self._issuer_of(scim)
        finished = await self._stub.FinishProviderSignIn(
            FinishProviderSignInRequest(
                parameters=parameters_of(scim.query()),
                issuer=issuer,
                session=browser_of(scim, issuer).session,
                provider=scim.id,
            ),
            metadata=scim.metadata_outside_scim(with_credentials=False),
            timeout=self._timeout,
        )
        if finished.failure:
            return _not_signed_in(finished.failure, finished.return_uri, HTTPStatus.FORBIDDEN)
        response = redirect(finished.return_uri)
        remember(response, finished.session, issuer)
        return response


def _not_signed_in(message: str, return_uri: str, status: int) -> Response:
    return page("not_signed_in.html", status=status, message=message, return_uri=return_uri)
