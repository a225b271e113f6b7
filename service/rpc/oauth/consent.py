"""Methods of OAuthService for browsers: an administrator signs in and consents."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Any

from rollbook.v1 import oauth_service_pb2
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory.oauth import grants as use_cases
from service.directory.oauth import signing_in
from service.domain.errors import DomainError
from service.domain.oauth.authorization import RedirectedError
from service.domain.oauth.redirect_uris import origin_of
from service.domain.token_rules import check_not_wider
from service.rpc.gate.browsers import hash_of, is_session, lifetime, refuse_form
from service.storage import credentials
from service.storage.changes import Author
from service.storage.oauth import sign_in_providers, sign_ins

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.domain.oauth.authorization import Authorization
    from service.rpc.calls import Answer, Call
    from service.rpc.oauth.administrators import Administrators
    from service.rpc.oauth.client_lookup import ClientLookup
    from service.storage.database import Connection, Database
    from service.storage.oauth.sign_in_providers import StoredProvider


class OAuthConsentMethods:
    """What a page shows and what its forms do. `key` signs the forms."""

    def __init__(
        self,
        database: Database,
        clients: ClientLookup,
        administrators: Administrators,
        key: bytes,
    ) -> None:
        self._database = database
        self._clients = clients
        self._administrators = administrators
        self._key = key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "GetOAuthAuthorization": self.get,
            "SignIn": self.sign_in,
            "SignOut": self.sign_out,
            "DecideOAuthAuthorization": self.decide,
        }

    async def get(self, request: Any, call: Call) -> bytes:
        """What to show."""
        try:
            authorization = await self._clients.authorization(request.authorization, call)
        except RedirectedError as told:
            return oauth_service_pb2.GetOAuthAuthorizationResponse(
                redirect_uri=told.redirect_uri
            ).SerializeToString()
        tenant_id = authorization.client.tenant_id
        async with self._database.connection(tenant_id) as connection:
            signed_in = await signing_in.administrator(
                connection, tenant_id, hash_of(request.session)
            )
            tenant_name = await credentials.tenant_name(connection, tenant_id)
            providers = [] if signed_in else await sign_in_providers.find_all(connection, tenant_id)
        return oauth_service_pb2.GetOAuthAuthorizationResponse(
            client_name=authorization.client.name,
            tenant_name=tenant_name,
            redirect_origin=origin_of(authorization.redirect_uri),
            scopes=sorted(authorization.scopes),
            signed_in=signed_in.name if signed_in else "",
            form_token=self._form_token(request.session),
            sign_in_choices=_choices(providers),
        ).SerializeToString()

    async def sign_in(self, request: Any, call: Call) -> bytes:
        """Somebody is signed in, under a secret that nobody knew before."""
        tenant_id = (await self._form(request, call)).client.tenant_id
        proof = request.WhichOneof("proof")
        if proof == "api_token":
            found = await self._administrators.by_token(tenant_id, request.api_token, call.client)
        elif proof == "password":
            found = await self._administrators.by_password(
                tenant_id, request.password.user_name, request.password.password, call.client
            )
        else:
            found = None
        if found is None:
            raise _sign_in_failed()
        session = secrets.token_urlsafe(32)
        is_signed_in = await self._database.transaction(
            tenant_id,
            lambda connection: signing_in.sign_in(connection, tenant_id, hash_of(session), found),
        )
        if not is_signed_in:
            raise _sign_in_failed()
        return oauth_service_pb2.SignInResponse(
            session=session, lifetime=lifetime()
        ).SerializeToString()

    async def sign_out(self, request: Any, call: Call) -> bytes:
        """Nobody is signed in any more."""
        tenant_id = (await self._form(request, call)).client.tenant_id
        async with self._database.connection(tenant_id) as connection:
            await sign_ins.delete(connection, tenant_id, hash_of(request.session))
        return b""

    async def decide(self, request: Any, call: Call) -> bytes:
        """The browser is sent back with a code, or with the news that there is none."""
        authorization = await self._form(request, call)
        redirect_uri = await self._database.transaction(
            authorization.client.tenant_id,
            lambda connection: _decide(
                connection, authorization, hash_of(request.session), approve=request.approve
            ),
        )
        return oauth_service_pb2.DecideOAuthAuthorizationResponse(
            redirect_uri=redirect_uri
        ).SerializeToString()

    async def _form(self, request: Any, call: Call) -> Authorization:
        """What the page of a form was about. Raises OAuthError, FORM_EXPIRED."""
        expected = self._form_token(request.session)
        if not expected or not hmac.compare_digest(
            request.form_token.encode("utf-8", "replace"), expected.encode()
        ):
            refuse_form()
        try:
            return await self._clients.authorization(request.authorization, call)
        except RedirectedError:
            # The page would not have been shown.
            refuse_form()

    def _form_token(self, session: str) -> str:
        """What the forms of a browser have in them and other pages do not know."""
        if not is_session(session):
            return ""
        return hmac.digest(self._key, session.encode(), "sha256").hex()


def _choices(providers: Iterable[StoredProvider]) -> list[oauth_service_pb2.SignInChoice]:
    contents = [provider.content for provider in providers if provider.content.enabled]
    return [
        oauth_service_pb2.SignInChoice(name=each.name, display_name=each.display_name)
        for each in contents
    ]


async def _decide(
    connection: Connection, authorization: Authorization, session_hash: bytes, *, approve: bool
) -> str:
    if not approve:
        return authorization.denied("The administrator did not consent.")
    tenant_id = authorization.client.tenant_id
    signed_in = await signing_in.administrator(connection, tenant_id, session_hash)
    if signed_in is None or not await signing_in.stays_active(connection, tenant_id, signed_in):
        refuse_form()
    check_not_wider(authorization.scopes, signed_in.scopes)
    author = Author(tenant_id, signed_in.name)
    code = await use_cases.give(connection, author, authorization, signed_in.principal_id)
    return authorization.approved(code)


def _sign_in_failed() -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_SIGN_IN_FAILED,
        "That did not let you in. Check what you have entered; only administrators of this "
        "organisation can sign in here.",
    )
