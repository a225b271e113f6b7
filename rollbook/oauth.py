"""What the authorization server can do: what the service decides by and the gateway announces."""

from __future__ import annotations

from typing import Final

from rollbook.access import EVERY_SCOPE, Scope

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
"""The grant type of assertions (RFC 7523 §2.1)."""

GRANT_TYPES: Final = ("authorization_code", "refresh_token", "client_credentials", JWT_BEARER)

GRANTABLE_SCOPES: Final = EVERY_SCOPE - {Scope.PLATFORM}
"""Scopes that a client can have: what acts in every tenant is nothing to consent to in one."""

ASSERTION_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
)
"""How assertions of clients may be signed: by keys whose other half stays with the client."""
