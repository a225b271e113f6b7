"""/oauth2/authorize: an administrator signs in and says whether a client gets what it asks for
(RFC 6749 §3.1)."""

from __future__ import annotations

import functools
from http import HTTPStatus
from typing import TYPE_CHECKING

from grpc.aio import AioRpcError

from gateway.handlers.errors import bad_request
from gateway.handlers.oauth.cookies import remember
from gateway.handlers.oauth.forms import FormReader
from gateway.handlers.oauth.pages import SCOPE_MEANINGS, page
from gateway.handlers.oauth.visits import (
    SHOWN_AGAIN,
    Visit,
    answering_browsers,
    let_wait,
    redirect,
)
from rollbook.access import scopes_named
from rollbook.errors import error_from_rpc
from rollbook.v1.oauth_service_pb2 import (
    DecideOAuthAuthorizationRequest,
    GetOAuthAuthorizationRequest,
    SignInRequest,
    SignOutRequest,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from aiohttp.web import Response

    from gateway.handlers.oauth.issuer import IssuerOf
    from gateway.handlers.request import ScimRequest
    from gateway.settings import Settings
    from rollbook.v1.oauth_service_pb2 import GetOAuthAuthorizationResponse
    from rollbook.v1.oauth_service_pb2_grpc import OAuthServiceAsyncStub


class AuthorizeHandlers:
    """Shows pages and passes on what their forms send."""

    def __init__(
        self, stub: OAuthServiceAsyncStub, settings: Settings, issuer_of: IssuerOf
    ) -> None:
        self._stub = stub
        self._forms = FormReader(settings)
        self._timeout = settings.http_request_timeout
        self._issuer_of = issuer_of

    @answering_browsers
    async def show(self, scim: ScimRequest) -> Response:
        """GET: the form to sign in, or the question whether the client gets what it asks for."""
        visit = Visit(scim, self._issuer_of(scim))
        return await self._page(visit)

    @answering_browsers
    async def act(self, scim: ScimRequest) -> Response:
        """POST: what a form of the page does; its URL says what the page was about."""
        visit = Visit(scim, self._issuer_of(scim))
        form = dict(await self._forms.read(scim.http))
        action = self._actions().get(form.get("action", ""))
        if action is None:
            raise bad_request("The form says nothing of what to do; begin again.")
        return await action(visit, form)

    def _actions(self) -> dict[str, Callable[[Visit, Mapping[str, str]], Awaitable[Response]]]:
        return {
            "sign_in": self._sign_in,
            "sign_out": self._sign_out,
            "approve": functools.partial(self._decide, approve=True),
            "deny": functools.partial(self._decide, approve=False),
        }

    async def _page(self, visit: Visit, *, failure: AioRpcError | None = None) -> Response:
        shown = await self._stub.GetOAuthAuthorization(
            GetOAuthAuthorizationRequest(
                authorization=visit.authorization, session=visit.browser.session
            ),
            metadata=visit.metadata,
            timeout=self._timeout,
        )
        if shown.redirect_uri:
            return redirect(shown.redirect_uri)
        response = _question(shown) if shown.signed_in else _sign_in_form(visit, shown, failure)
        if visit.browser.is_new:
            remember(response, visit.browser.session, visit.issuer)
        return response

    async def _sign_in(self, visit: Visit, form: Mapping[str, str]) -> Response:
        request = SignInRequest(
            authorization=visit.authorization,
            session=visit.browser.session,
            form_token=form.get("form_token", ""),
        )
        if token := form.get("api_token", "").strip():
            request.api_token = token
        else:
            request.password.user_name = form.get("user_name", "").strip()
            request.password.password = form.get("password", "")
        try:
            signed_in = await self._stub.SignIn(
                request,
                metadata=visit.metadata,
                timeout=self._timeout,
            )
        except AioRpcError as failure:
            if error_from_rpc(failure).reason not in SHOWN_AGAIN:
                raise
            return await self._page(visit, failure=failure)
        response = redirect(visit.url)
        remember(response, signed_in.session, visit.issuer)
        return response

    async def _sign_out(self, visit: Visit, form: Mapping[str, str]) -> Response:
        await self._stub.SignOut(
            SignOutRequest(
                authorization=visit.authorization,
                session=visit.browser.session,
                form_token=form.get("form_token", ""),
            ),
            metadata=visit.metadata,
            timeout=self._timeout,
        )
        return redirect(visit.url)

    async def _decide(self, visit: Visit, form: Mapping[str, str], *, approve: bool) -> Response:
        decided = await self._stub.DecideOAuthAuthorization(
            DecideOAuthAuthorizationRequest(
                authorization=visit.authorization,
                session=visit.browser.session,
                form_token=form.get("form_token", ""),
                approve=approve,
            ),
            metadata=visit.metadata,
            timeout=self._timeout,
        )
        return redirect(decided.redirect_uri)


def _sign_in_form(
    visit: Visit, shown: GetOAuthAuthorizationResponse, failure: AioRpcError | None
) -> Response:
    told = error_from_rpc(failure) if failure is not None else None
    response = page(
        "sign_in.html",
        status=SHOWN_AGAIN[told.reason] if told else HTTPStatus.OK,
        client_name=shown.client_name,
        tenant_name=shown.tenant_name,
        form_token=shown.form_token,
        failure=told.message if told else "",
        choices=[(each.display_name, visit.url_of(each.name)) for each in shown.sign_in_choices],
    )
    if told:
        let_wait(response, told)
    return response


def _question(shown: GetOAuthAuthorizationResponse) -> Response:
    # Browsers hold redirects after a form to the policy too, and the client's next page may send
    # the browser on, to a host that is not known here: so it is the scheme that counts.
    scheme = shown.redirect_origin.partition(":")[0]
    return page(
        "consent.html",
        form_targets=("https:", f"{scheme}:"),
        client_name=shown.client_name,
        tenant_name=shown.tenant_name,
        redirect_origin=shown.redirect_origin,
        scopes=[(str(one), SCOPE_MEANINGS[one]) for one in sorted(scopes_named(shown.scopes))],
        signed_in=shown.signed_in,
        form_token=shown.form_token,
    )
