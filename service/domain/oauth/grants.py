"""Authlib's grants over what was loaded beforehand: they decide, the caller stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
)
from authlib.oauth2.rfc7636 import CodeChallenge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rollbook.access import Scope
    from service.domain.oauth.clients import Client


@dataclass(frozen=True, slots=True)
class Grant:
    """What an administrator consented to: to whom, for what, and who that was."""

    id: UUID
    client_id: UUID
    scopes: frozenset[Scope]
    principal_id: UUID | None

    def check_client(self, client: Client) -> bool:
        """Whether it was given to this client."""
        return self.client_id == client.id

    def get_scope(self) -> str:
        return " ".join(sorted(self.scopes))


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code that has not ended."""

    grant: Grant
    redirect_uri: str | None
    code_challenge: str | None
    was_used: bool
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str | None:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.grant.get_scope()


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token that has not ended. `was_used` is not said of one that was used so lately
    that the answer may have been lost."""

    grant: Grant
    was_used: bool

    def check_client(self, client: Client) -> bool:
        return self.grant.check_client(client)

    def get_scope(self) -> str:
        return self.grant.get_scope()


class S256(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """PKCE with the one method that hides the verifier (RFC 7636 §4.2), for every public client
    and for whoever else sends a challenge."""

    DEFAULT_CODE_CHALLENGE_METHOD: Final = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD: Final = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Authlib asks public clients for a verifier, but not for a challenge, and takes a
        challenge without a method for one whose method is `plain`."""
        super().validate_code_challenge(grant, redirect_uri)
        values: Mapping[str, str] = grant.request.payload.data
        if "code_challenge" in values and "code_challenge_method" not in values:
            raise InvalidRequestError("code_challenge_method has to be S256.")
        if "code_challenge" not in values and grant.request.client.is_public:
            raise InvalidRequestError("A public client has to send a code_challenge.")


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """The authorization code grant (RFC 6749 §4.1)."""

    def authenticate_token_endpoint_client(self) -> Client:
        client: Client = self.server.authenticated(self.request)
        return client

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found: Code | None = self.server.code
        return found if found is not None and found.grant.check_client(client) else None

    def authenticate_user(self, authorization_code: Code) -> Grant:
        """Called when all else is right, the verifier too: so a second use is told from a guess."""
        if authorization_code.was_used:
            self.server.replayed = authorization_code.grant
            raise InvalidGrantError("The code was used before, so what it gave is revoked.")
        self.server.grant = authorization_code.grant
        return authorization_code.grant

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """The caller marks it as used, in the transaction that holds it."""


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    """The refresh token grant (RFC 6749 §6)."""

    def authenticate_token_endpoint_client(self) -> Client:
        client: Client = self.server.authenticated(self.request)
        return client

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        found: RefreshToken | None = self.server.refresh_token
        return found

    def authenticate_user(self, refresh_token: RefreshToken) -> Grant:
        if refresh_token.was_used:
            self.server.replayed = refresh_token.grant
            raise InvalidGrantError("The refresh token was used before, so the grant is revoked.")
        self.server.grant = refresh_token.grant
        return refresh_token.grant

    def issue_token(self, user: Grant, refresh_token: RefreshToken) -> Any:
        scope = self.request.payload.scope or refresh_token.get_scope()
        return self.generate_token(
            user=user, scope=scope, include_refresh_token=self.request.client.rotate
        )

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        """The caller marks it as used, in the transaction that holds it."""


class OwnCredentialsGrant(ClientCredentialsGrant):  # type: ignore[misc]
    """The client credentials grant (RFC 6749 §4.4)."""

    def authenticate_token_endpoint_client(self) -> Client:
        client: Client = self.server.authenticated(self.request)
        return client
