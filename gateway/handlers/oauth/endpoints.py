"""Endpoints for OAuth clients: tokens, revocation, introspection (RFC 6749 §3.2, RFC 7009, RFC
7662)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.handlers.oauth.answers import answering_clients, respond_json
from gateway.handlers.oauth.forms import FormReader, parameters_of
from rollbook.v1.oauth_service_pb2 import (
    IntrospectOAuthTokenRequest,
    IssueOAuthTokenRequest,
    OAuthClientRequest,
    RevokeOAuthTokenRequest,
)

if TYPE_CHECKING:
    from aiohttp.web import Response

    from gateway.handlers.oauth.issuer import IssuerOf
    from gateway.handlers.request import ScimRequest
    from gateway.settings import Settings
    from rollbook.v1.oauth_service_pb2 import (
        IntrospectOAuthTokenResponse,
        IssueOAuthTokenResponse,
    )
    from rollbook.v1.oauth_service_pb2_grpc import OAuthServiceAsyncStub


class ClientEndpoints:
    """What clients send, passed on; what they are told is the service's decision."""

    def __init__(
        self, stub: OAuthServiceAsyncStub, settings: Settings, issuer_of: IssuerOf
    ) -> None:
        self._stub = stub
        self._forms = FormReader(settings)
        self._timeout = settings.http_request_timeout
        self._issuer_of = issuer_of

    @answering_clients
    async def token(self, scim: ScimRequest) -> Response:
        """POST /oauth2/token."""
        tokens = await self._stub.IssueOAuthToken(
            IssueOAuthTokenRequest(request=await self._request(scim)),
            metadata=scim.metadata_outside_scim(with_credentials=False),
            timeout=self._timeout,
        )
        return respond_json(_tokens(tokens))

    @answering_clients
    async def revoke(self, scim: ScimRequest) -> Response:
        """POST /oauth2/revoke."""
        await self._stub.RevokeOAuthToken(
            RevokeOAuthTokenRequest(request=await self._request(scim)),
            metadata=scim.metadata_outside_scim(with_credentials=False),
            timeout=self._timeout,
        )
        return respond_json({})

    @answering_clients
    async def introspect(self, scim: ScimRequest) -> Response:
        """POST /oauth2/introspect; a bearer token is an administrator's, all else a client's."""
        request = await self._request(scim)
        by_bearer = request.authorization.lower().startswith("bearer ")
        told = await self._stub.IntrospectOAuthToken(
            IntrospectOAuthTokenRequest(request=request),
            metadata=scim.metadata_outside_scim(with_credentials=by_bearer),
            timeout=self._timeout,
        )
        return respond_json(_description(told, self._issuer_of(scim)))

    async def _request(self, scim: ScimRequest) -> OAuthClientRequest:
        return OAuthClientRequest(
            parameters=parameters_of(await self._forms.read(scim.http)),
            authorization=scim.authorization(),
            issuer=self._issuer_of(scim),
        )


def _tokens(tokens: IssueOAuthTokenResponse) -> dict[str, Any]:
    """RFC 6749 §5.1."""
    body: dict[str, Any] = {
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "scope": " ".join(tokens.scopes),
    }
    if tokens.refresh_token:
        body["refresh_token"] = tokens.refresh_token
    return body


def _description(token: IntrospectOAuthTokenResponse, issuer: str) -> dict[str, Any]:
    """RFC 7662 §2.2."""
    if not token.active:
        return {"active": False}
    body: dict[str, Any] = {
        "active": True,
        "scope": " ".join(token.scopes),
        "sub": token.subject,
        # What this server gives out is for itself.
        "iss": token.issuer or issuer,
        "aud": list(token.audiences) or issuer,
        "iat": token.create_time.seconds,
    }
    if token.client_id:
        body["client_id"] = token.client_id
    if token.HasField("expire_time"):
        body["exp"] = token.expire_time.seconds
    # A refresh token has no type of RFC 6749 §7.1.
    if not token.is_refresh_token:
        body["token_type"] = "Bearer"  # noqa: S105  # a name
    return body
