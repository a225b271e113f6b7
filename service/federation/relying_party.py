"""Signing people in by OpenID providers: the authorization code flow with PKCE (OpenID Connect
Core 1.0 §3.1, RFC 7636), seen from the client."""

from __future__ import annotations

import asyncio
import base64
import hmac
import re
import time
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote_plus

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from google.protobuf.duration_pb2 import Duration

from rollbook.v1.issuer_service_pb2 import Issuer
from service.domain.oauth import vouching
from service.federation.assertions import ACCESS_TOKEN, RefusedTokenError, is_jwt, peek, verify
from service.federation.configurations import Configurations
from service.federation.documents import AnswerError, DocumentError
from service.federation.key_sets import fits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider
    from service.domain.oauth.vouching import Identity
    from service.federation.configurations import Configuration
    from service.federation.documents import Documents
    from service.federation.key_sets import KeySets

SECONDS: Final = 10.0
"""How long somebody who signs in waits for a provider, all that it is asked together."""

MAX_AT_ONCE: Final = 50
"""How many people one provider is asked about at once. One that hangs does not hold up others."""

SCOPES: Final = ("openid", "profile", "email")
"""What is asked for: `profile` since Microsoft Entra ID tells `oid` for it alone."""

_CLOCK_SKEW: Final = 60
_MAX_LIFETIME: Final = 86_400

_ACCESS_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{1,8000}=*", re.ASCII)
"""RFC 6750 §2.1."""


class ProviderUnavailableError(Exception):
    """A provider cannot be asked now; why is for the log."""


class UntrustedAnswerError(Exception):
    """What a provider has answered proves nothing; why is for the log."""


@dataclass(frozen=True, slots=True)
class AuthenticationRequest:
    """What a browser is sent to a provider with (§3.1.2.1). Whoever has `state` and the key finds
    the rest again, so that nothing of it has to be kept."""

    state: str
    nonce: str
    code_verifier: str
    redirect_uri: str

    @classmethod
    def of(cls, key: bytes, state: str, redirect_uri: str) -> Self:
        """The request of a `state`, which nobody can guess."""
        return cls(
            state, _derived(key, "nonce", state), _derived(key, "verifier", state), redirect_uri
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """What a browser has come back with: a code, and who says so, empty if nobody does (RFC 9207
    §2)."""

    code: str
    issuer: str


class RelyingParty:
    """Asks providers who somebody is. `clock` tells seconds since 1970."""

    def __init__(
        self, documents: Documents, keys: KeySets, clock: Callable[[], float] = time.time
    ) -> None:
        self._documents = documents
        self._configurations = Configurations(documents)
        self._keys = keys
        self._clock = clock
        self._asking: Counter[str] = Counter()

    async def close(self) -> None:
        """Ask no more."""
        await self._configurations.close()

    async def authorization_url(
        self, provider: SignInProvider, request: AuthenticationRequest
    ) -> str:
        """Where to send the browser. Raises ProviderUnavailableError."""
        async with self._asks(provider):
            configuration = await self._configuration(provider)
        url: str = prepare_grant_uri(
            configuration.authorization_endpoint,
            provider.client_id,
            "code",
            redirect_uri=request.redirect_uri,
            scope=SCOPES,
            state=request.state,
            nonce=request.nonce,
            code_challenge=create_s256_code_challenge(request.code_verifier),
            code_challenge_method="S256",
        )
        return url

    async def identify(
        self,
        provider: SignInProvider,
        secret: str,
        request: AuthenticationRequest,
        answered: Answered,
    ) -> Identity:
        """Who has come back from a provider, which knows this service by `secret`, if that is not
        empty. Raises ProviderUnavailableError,
        UntrustedAnswerError, StrangerError."""
        async with self._asks(provider):
            configuration = await self._configuration(provider)
            _check_who_answers(provider, configuration, answered)
            tokens = await self._redeem(provider, secret, configuration, request, answered.code)
            claims = await self._verified(provider, configuration, tokens.get("id_token"))
            _check_meant_for_us(claims, provider, request)
            user_info = None
            if vouching.needs_user_info(provider, claims) and configuration.user_info_endpoint:
                user_info = await self._user_info(configuration, tokens, claims)
        return vouching.identity_of(provider, claims, user_info)

    @asynccontextmanager
    async def _asks(self, provider: SignInProvider) -> AsyncIterator[None]:
        """Whatever a provider is asked for one person."""
        if self._asking[provider.issuer] >= MAX_AT_ONCE:
            raise ProviderUnavailableError("too many are waiting for it")
        self._asking[provider.issuer] += 1
        try:
            async with asyncio.timeout(SECONDS):
                yield
        except TimeoutError as error:
            raise ProviderUnavailableError("it takes too long") from error
        finally:
            self._asking[provider.issuer] -= 1
            if not self._asking[provider.issuer]:
                del self._asking[provider.issuer]

    async def _configuration(self, provider: SignInProvider) -> Configuration:
        try:
            return await self._configurations.find(provider.issuer)
        except DocumentError as error:
            raise ProviderUnavailableError(str(error)) from error

    async def _redeem(
        self,
        provider: SignInProvider,
        secret: str,
        configuration: Configuration,
        request: AuthenticationRequest,
        code: str,
    ) -> Mapping[str, Any]:
        """Tokens for a code (§3.1.3.1)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.redirect_uri,
            "code_verifier": request.code_verifier,
        }
        authorization = ""
        if secret and not configuration.secret_in_form:
            authorization = _basic(provider.client_id, secret)
        else:
            form |= {"client_id": provider.client_id}
            form |= {"client_secret": secret} if secret else {}
        with _told_apart():
            return await self._documents.post(
                configuration.token_endpoint, form, authorization=authorization
            )

    async def _verified(
        self, provider: SignInProvider, configuration: Configuration, token: object
    ) -> Mapping[str, Any]:
        """The claims of an ID token (§3.1.3.7)."""
        if not isinstance(token, str) or not is_jwt(token):
            raise UntrustedAnswerError("there is no ID token")
        try:
            claimed = peek(token)
            if claimed.type == ACCESS_TOKEN:
                raise UntrustedAnswerError("the ID token is an access token")
            key = await self._keys.find(provider.issuer, configuration.jwks_uri, claimed.key_id)
            if key is None or not fits(key, claimed.algorithm):
                raise UntrustedAnswerError("there is no such key")
            return verify(token, claimed, key, _expected(provider), self._clock())
        except RefusedTokenError as error:
            raise UntrustedAnswerError(str(error)) from error

    async def _user_info(
        self, configuration: Configuration, tokens: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """What the UserInfo endpoint says of the same person (§5.3)."""
        token = tokens.get("access_token")
        if not isinstance(token, str) or not _ACCESS_TOKEN.fullmatch(token):
            raise UntrustedAnswerError("there is no access token")
        with _told_apart():
            user_info = await self._documents.fetch(
                configuration.user_info_endpoint, authorization=f"Bearer {token}"
            )
        if user_info.get("sub") != claims["sub"]:
            raise UntrustedAnswerError("UserInfo is about somebody else")
        return user_info


@contextmanager
def _told_apart() -> Iterator[None]:
    """Who answers with something else is there, and who does not may be back later."""
    try:
        yield
    except AnswerError as error:
        raise UntrustedAnswerError(str(error)) from error
    except DocumentError as error:
        raise ProviderUnavailableError(str(error)) from error


def _check_who_answers(
    provider: SignInProvider, configuration: Configuration, answered: Answered
) -> None:
    """That the code is of the provider that was asked (RFC 9207 §2.4)."""
    if answered.issuer != provider.issuer and (answered.issuer or configuration.names_itself):
        raise UntrustedAnswerError("iss")
    if not answered.code:
        raise UntrustedAnswerError("there is no code")


def _check_meant_for_us(
    claims: Mapping[str, Any], provider: SignInProvider, request: AuthenticationRequest
) -> None:
    """What an ID token has to say beside what every token has to (§3.1.3.7, 3 to 5 and 11)."""
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode("utf-8", "surrogatepass"), request.nonce.encode()
    ):
        raise UntrustedAnswerError("nonce")
    is_ours_alone = claims["aud"] in (provider.client_id, [provider.client_id])
    party = claims.get("azp", provider.client_id if is_ours_alone else None)
    if party != provider.client_id:
        raise UntrustedAnswerError("azp")


def _expected(provider: SignInProvider) -> Issuer:
    """What ID tokens of a provider are held to."""
    return Issuer(
        issuer=provider.issuer,
        audiences=[provider.client_id],
        algorithms=provider.algorithms,
        clock_skew=Duration(seconds=_CLOCK_SKEW),
        max_lifetime=Duration(seconds=_MAX_LIFETIME),
    )


def _basic(client_id: str, secret: str) -> str:
    """Client id and secret in a header (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _derived(key: bytes, purpose: str, state: str) -> str:
    """256 bits in base64url: as many as a code verifier has at the least (RFC 7636 §4.1)."""
    digest = hmac.digest(key, f"{purpose} {state}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
