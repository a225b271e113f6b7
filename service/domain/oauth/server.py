"""The token endpoint (RFC 6749 §3.2): Authlib's authorization server for one request."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator

from rollbook.access import scopes_named
from rollbook.oauth import GRANT_TYPES
from rollbook.tokens import ACCESS_PREFIX, new_token
from service.domain.oauth.errors import OAuthError, error_of, invalid_request
from service.domain.oauth.grants import S256, CodeGrant, OwnCredentialsGrant, RefreshGrant

if TYPE_CHECKING:
    from authlib.oauth2 import OAuth2Error

    from rollbook.access import Scope
    from service.domain.oauth.clients import Client
    from service.domain.oauth.grants import Code, Grant, RefreshToken
    from service.domain.oauth.parameters import Parameters

# Its messages for debugging hold tokens.
logging.getLogger("authlib").setLevel(logging.INFO)

_NOWHERE: Final = "https://authorization-server.invalid/"
"""Authlib wants every request to have come over TLS; where that ends is the operator's affair."""


class Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A request as Authlib knows it."""

    def __init__(self, parameters: Parameters) -> None:
        super().__init__("POST", _NOWHERE)
        self.payload = BasicOAuth2Payload(dict(parameters.values))

    @property
    def form(self) -> Any:
        return self.payload.data


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets. `refresh_token` is empty without one; `grant` is what it stands on,
    None for a client's own credentials."""

    access_token: str
    expires_in: int
    refresh_token: str
    scopes: frozenset[Scope]
    grant: Grant | None


class Protocol(AuthorizationServer):  # type: ignore[misc]
    """What Authlib asks of every server."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client

    def query_client(self, client_id: str) -> Client | None:
        return self.client if client_id == self.client.client_id else None

    def create_oauth2_request(self, request: Request) -> Request:
        return request

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: Any) -> Any:
        return status, body, dict(headers)


class TokenEndpoint(Protocol):
    """Answers one request of a client that has proved who it is.

    `code` or `refresh_token` is what the request names, if it is there and has not ended, and
    `successor` the refresh token to give out. After a refusal `replayed` is the grant that
    somebody has tried to use a second time.
    """

    def __init__(
        self,
        client: Client,
        *,
        code: Code | None = None,
        refresh_token: RefreshToken | None = None,
        successor: str = "",
    ) -> None:
        super().__init__(client)
        self.code = code
        self.refresh_token = refresh_token
        self.grant: Grant | None = None
        self.replayed: Grant | None = None
        self._saved: dict[str, Any] = {}
        self.register_token_generator(
            "default",
            BearerTokenGenerator(
                lambda **_: new_token(ACCESS_PREFIX),
                lambda **_: successor,
                lambda client, _: int(client.access_lifetime.total_seconds()),
            ),
        )
        self.register_grant(CodeGrant, [S256(required=True)])
        self.register_grant(RefreshGrant)
        self.register_grant(OwnCredentialsGrant)

    def answer(self, parameters: Parameters) -> Tokens:
        """Tokens for a request. Raises OAuthError."""
        grant_type = parameters.get("grant_type")
        if not grant_type:
            raise invalid_request("The parameter grant_type is missing.")
        if grant_type not in GRANT_TYPES:
            known = ", ".join(GRANT_TYPES)
            raise OAuthError("unsupported_grant_type", f"grant_type is one of {known}.")
        self.create_token_response(Request(parameters))
        return Tokens(
            self._saved["access_token"],
            self._saved["expires_in"],
            self._saved.get("refresh_token", ""),
            scopes_named(self._saved["scope"].split()),
            self.grant,
        )

    def authenticated(self, request: Request) -> Client:
        """The client, which was authenticated before anything was loaded for it."""
        request.auth_method = "none" if self.client.is_public else "client_secret_basic"
        return self.client

    def save_token(self, token: dict[str, Any], request: Request) -> None:
        """Kept for the caller, who stores it."""
        self._saved = token

    def handle_error_response(self, request: Request, error: OAuth2Error) -> Any:
        """Raises OAuthError."""
        raise error_of(error) from None
