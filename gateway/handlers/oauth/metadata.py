"""GET /.well-known/oauth-authorization-server: what the authorization server can do (RFC 8414)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.handlers.response import respond_plain
from rollbook.oauth import ASSERTION_ALGORITHMS, GRANT_TYPES, GRANTABLE_SCOPES

if TYPE_CHECKING:
    from aiohttp.web import Response

    from gateway.handlers.oauth.issuer import IssuerOf
    from gateway.handlers.request import ScimRequest

_AUTHENTICATION: Final = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
_ALGORITHMS: Final = list(ASSERTION_ALGORITHMS)


class MetadataHandler:
    """Answers without asking the service: all tenants have the same server."""

    def __init__(self, issuer_of: IssuerOf) -> None:
        self._issuer_of = issuer_of

    async def read(self, scim: ScimRequest) -> Response:
        """Raises HttpError for a bad Host."""
        return respond_plain(document(self._issuer_of(scim)))


def document(issuer: str) -> dict[str, Any]:
    """The document of the server at a URL."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth2/authorize",
        "token_endpoint": f"{issuer}/oauth2/token",
        "revocation_endpoint": f"{issuer}/oauth2/revoke",
        "introspection_endpoint": f"{issuer}/oauth2/introspect",
        "scopes_supported": sorted(GRANTABLE_SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "token_endpoint_auth_methods_supported": [*_AUTHENTICATION, "none"],
        "token_endpoint_auth_signing_alg_values_supported": _ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": [*_AUTHENTICATION, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": _ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": [*_AUTHENTICATION, "Bearer"],
        "introspection_endpoint_auth_signing_alg_values_supported": _ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }
