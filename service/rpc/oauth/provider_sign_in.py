"""Methods of OAuthService by which administrators sign in at an OpenID provider.

What a browser was sent away with is a row that its `state` finds, once: whichever worker it comes
back to.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import structlog

from rollbook.v1 import oauth_service_pb2
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory.oauth import provider_sign_in as use_cases
from service.directory.oauth.sign_in_providers import purpose_of
from service.domain.errors import DomainError
from service.domain.oauth import parameters as rules
from service.domain.oauth.authorization import RedirectedError
from service.domain.oauth.errors import invalid_request
from service.domain.oauth.parameters import MAX_LENGTH
from service.domain.oauth.sign_in_provider_rules import is_name, redirect_uri_of
from service.domain.oauth.vouching import StrangerError
from service.federation.relying_party import (
    Answered,
    AuthenticationRequest,
    ProviderUnavailableError,
    UntrustedAnswerError,
)
from service.rpc.gate.browsers import hash_of, is_session, lifetime, refuse_form
from service.rpc.oauth import provider_words as words
from service.storage.oauth import pending_sign_ins, sign_in_providers
from service.storage.oauth.pending_sign_ins import PendingSignIn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from service.domain.oauth.vouching import Identity
    from service.encryption import Encryption
    from service.federation.relying_party import RelyingParty
    from service.rpc.calls import Answer, Call
    from service.rpc.gate.attempts import Attempts
    from service.rpc.gate.tenancy import Tenancy
    from service.rpc.oauth.client_lookup import ClientLookup
    from service.storage.database import Database
    from service.storage.oauth.sign_in_providers import StoredProvider

log = structlog.get_logger(__name__)

MAX_REQUEST: Final = 16_384
"""How long the request of a client may be that is kept meanwhile, in octets."""

_UNDERSTOOD: Final = frozenset({"code", "error", "iss", "state"})

_ERROR: Final = re.compile(r"[a-z_]{1,40}")


class _RefusedError(Exception):
    """Nobody is signed in; the message is for people."""


@dataclass(frozen=True, slots=True)
class _Return:
    """A browser that has come back: whose, from where, and what its client asks for."""

    tenant_id: UUID
    provider_id: UUID
    authorization: oauth_service_pb2.OAuthAuthorizationRequest

    @property
    def uri(self) -> str:
        """Where it is to go on."""
        query = urlencode([(one.name, one.value) for one in self.authorization.parameters])
        return f"{self.authorization.issuer}/oauth2/authorize?{query}"


class ProviderSignInMethods:
    """Sends browsers to providers, and signs in who comes back. `key` makes what a provider has
    to repeat."""

    def __init__(
        self,
        database: Database,
        clients: ClientLookup,
        tenancy: Tenancy,
        relying_party: RelyingParty,
        encryption: Encryption,
        attempts: Attempts,
        key: bytes,
    ) -> None:
        self._database = database
        self._clients = clients
        self._tenancy = tenancy
        self._relying_party = relying_party
        self._encryption = encryption
        self._attempts = attempts
        self._key = key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {"BeginProviderSignIn": self.begin, "FinishProviderSignIn": self.finish}

    async def begin(self, request: Any, call: Call) -> bytes:
        """Where to send the browser."""
        if not is_session(request.session):
            refuse_form()
        try:
            authorization = await self._clients.authorization(request.authorization, call)
        except RedirectedError as told:
            return _begun(told.redirect_uri)
        tenant_id = authorization.client.tenant_id
        provider = await self._enabled(tenant_id, request.provider)
        # Counted until it has succeeded.
        self._attempts.begin(*_attempt(tenant_id, provider, call))
        state = secrets.token_urlsafe(32)
        uri = await self._authorization_url(tenant_id, provider, state, authorization.issuer)
        pending = PendingSignIn(provider.id, _kept(request.authorization))
        is_expected = await self._database.transaction(
            tenant_id,
            lambda connection: use_cases.expect(
                connection, tenant_id, provider, hash_of(state), hash_of(request.session), pending
            ),
        )
        if not is_expected:
            raise _sign_in_failed(words.GONE)
        return _begun(uri)

    async def finish(self, request: Any, call: Call) -> bytes:
        """Somebody is signed in, or told why not and where to try again."""
        answer = _read(request.parameters)
        returned = await self._returned(answer.get("state", ""), request, call)
        session = secrets.token_urlsafe(32)
        try:
            await self._sign_in(returned, answer, session, call)
        except _RefusedError as refusal:
            return oauth_service_pb2.FinishProviderSignInResponse(
                return_uri=returned.uri, failure=str(refusal)
            ).SerializeToString()
        return oauth_service_pb2.FinishProviderSignInResponse(
            session=session, lifetime=lifetime(), return_uri=returned.uri
        ).SerializeToString()

    async def _enabled(self, tenant_id: UUID, name: str) -> StoredProvider:
        """The provider of a name that signs people in. Raises SIGN_IN_FAILED."""
        provider = None
        if is_name(name):
            async with self._database.connection(tenant_id) as connection:
                provider = await sign_in_providers.enabled(connection, tenant_id, name)
        if provider is None:
            raise _sign_in_failed(words.GONE)
        return provider

    async def _authorization_url(
        self, tenant_id: UUID, provider: StoredProvider, state: str, issuer: str
    ) -> str:
        asked = self._asked(provider, state, issuer)
        try:
            return await self._relying_party.authorization_url(provider.content, asked)
        except ProviderUnavailableError as error:
            _log(tenant_id, provider, error)
            raise _sign_in_failed(words.UNAVAILABLE.format(_name(provider))) from error

    async def _returned(self, state: str, request: Any, call: Call) -> _Return:
        """What a browser was sent away with. Raises OAuthError."""
        state_hash = hash_of(state)
        async with self._database.across_tenants() as connection:
            tenant_id = await pending_sign_ins.tenant_of(connection, state_hash)
        if tenant_id is None or not is_name(request.provider):
            raise _not_expected()
        if not await self._tenancy.serves(tenant_id, call.metadata):
            raise _not_expected()
        async with self._database.connection(tenant_id) as connection:
            taken = await pending_sign_ins.take(
                connection, tenant_id, state_hash, hash_of(request.session), request.provider
            )
        if taken is None:
            raise _not_expected()
        authorization = oauth_service_pb2.OAuthAuthorizationRequest.FromString(
            taken.authorization_request
        )
        if authorization.issuer != request.issuer:
            raise _not_expected()
        return _Return(tenant_id, taken.provider_id, authorization)

    async def _sign_in(
        self, returned: _Return, answer: Mapping[str, str], session: str, call: Call
    ) -> None:
        """Raises _RefusedError."""
        tenant_id = returned.tenant_id
        async with self._database.connection(tenant_id) as connection:
            provider = await sign_in_providers.find(connection, tenant_id, returned.provider_id)
        if provider is None:
            raise _RefusedError(words.GONE)
        identity = await self._identify(returned, provider, answer)
        is_signed_in = await self._database.transaction(
            tenant_id,
            lambda connection: use_cases.sign_in(
                connection, tenant_id, provider, identity, hash_of(session)
            ),
        )
        if not is_signed_in:
            _log(tenant_id, provider, StrangerError("no active administrator"))
            raise _RefusedError(words.STRANGER.format(_name(provider)))
        self._attempts.take_back(*_attempt(tenant_id, provider, call))

    async def _identify(
        self, returned: _Return, provider: StoredProvider, answer: Mapping[str, str]
    ) -> Identity:
        """Whom a provider vouches for. Raises _RefusedError."""
        if code := answer.get("error"):
            known = code if _ERROR.fullmatch(code) else "an error that is none"
            _log(returned.tenant_id, provider, UntrustedAnswerError(known))
            raise _RefusedError(words.of_code(code).format(_name(provider)))
        asked = self._asked(provider, answer["state"], returned.authorization.issuer)
        try:
            return await self._relying_party.identify(
                provider.content,
                self._secret(returned.tenant_id, provider),
                asked,
                Answered(answer.get("code", ""), answer.get("iss", "")),
            )
        except tuple(words.OF_ERRORS) as error:
            _log(returned.tenant_id, provider, error)
            raise _RefusedError(words.OF_ERRORS[type(error)].format(_name(provider))) from error

    def _secret(self, tenant_id: UUID, provider: StoredProvider) -> str:
        """The client secret, empty without one. Raises UnreadableSecretError."""
        if provider.client_secret is None:
            return ""
        purpose = purpose_of(tenant_id, provider.id, provider.content)
        return self._encryption.decrypt(provider.client_secret, purpose)

    def _asked(self, provider: StoredProvider, state: str, issuer: str) -> AuthenticationRequest:
        redirect_uri = redirect_uri_of(issuer, provider.content.name)
        return AuthenticationRequest.of(self._key, state, redirect_uri)


def _read(parameters: Iterable[Any]) -> dict[str, str]:
    """What a provider has sent a browser back with. Raises OAuthError."""
    answer: dict[str, str] = {}
    for one in parameters:
        if one.name in _UNDERSTOOD:
            if one.name in answer or len(one.value) > MAX_LENGTH:
                raise _not_expected()
            answer[one.name] = one.value
    return answer


def _kept(asked: Any) -> bytes:
    """What a client asks for, as far as it is understood. Raises OAuthError."""
    parameters = rules.read((one.name, one.value) for one in asked.parameters)
    kept = oauth_service_pb2.OAuthAuthorizationRequest(
        parameters=[
            oauth_service_pb2.OAuthParameter(name=name, value=value)
            for name, value in parameters.values.items()
        ],
        issuer=asked.issuer,
    ).SerializeToString()
    if len(kept) > MAX_REQUEST:
        raise invalid_request(f"The request has more than {MAX_REQUEST} bytes.")
    return kept


def _attempt(tenant_id: UUID, provider: StoredProvider, call: Call) -> tuple[str, str]:
    """What an attempt is counted by. Not by the provider alone: nobody is to keep all others from
    signing in by it."""
    client = call.client()
    return f"{tenant_id} {provider.id} {client}", client


def _begun(redirect_uri: str) -> bytes:
    return oauth_service_pb2.BeginProviderSignInResponse(
        redirect_uri=redirect_uri
    ).SerializeToString()


def _name(provider: StoredProvider) -> str:
    return provider.content.display_name


def _log(tenant_id: UUID, provider: StoredProvider, reason: Exception) -> None:
    # That somebody is a stranger is nothing to mend.
    tell = log.info if isinstance(reason, StrangerError) else log.warning
    tell(
        "sign_in.refused",
        tenant_id=str(tenant_id),
        provider=provider.content.name,
        reason=str(reason),
    )


def _sign_in_failed(message: str) -> DomainError:
    return DomainError(ErrorReason.ERROR_REASON_SIGN_IN_FAILED, message)


def _not_expected() -> DomainError:
    return invalid_request(words.NOT_EXPECTED)
