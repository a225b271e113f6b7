"""A client of the authorization server, as Authlib's protocol asks for it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from google.protobuf.duration_pb2 import Duration

from rollbook.v1.oauth_service_pb2 import OAuthClient, OAuthClientAuthentication
from service.domain.oauth import redirect_uris
from service.domain.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from rollbook.access import Scope

Authentication = Literal["secret", "private_key_jwt", "none"]

AUTHENTICATIONS: Final[Mapping[Authentication, OAuthClientAuthentication.ValueType]] = {
    "secret": OAuthClientAuthentication.O_AUTH_CLIENT_AUTHENTICATION_SECRET,
    "private_key_jwt": OAuthClientAuthentication.O_AUTH_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT,
    "none": OAuthClientAuthentication.O_AUTH_CLIENT_AUTHENTICATION_NONE,
}


@dataclass(frozen=True, slots=True)
class Client:
    """One client. `jwks` is its JWK Set as JSON text, if it has not got a `jwks_uri`.

    The methods in `get_` and `check_` are those of Authlib's ClientMixin.
    """

    tenant_id: UUID
    id: UUID
    client_id: str
    name: str
    authentication: Authentication
    secret_hash: bytes | None
    redirect_uris: Sequence[str]
    scopes: frozenset[Scope]
    client_credentials: bool
    jwks: str | None
    jwks_uri: str | None
    access_lifetime: timedelta
    refresh_lifetime: timedelta
    rotate: bool
    grace: timedelta
    connection_id: UUID | None
    create_time: datetime

    @property
    def is_public(self) -> bool:
        """Whether it cannot keep a secret (RFC 6749 §2.1)."""
        return self.authentication == "none"

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        """The one that counts when the client names none: the only one (RFC 6749 §3.1.2.3)."""
        if len(self.redirect_uris) != 1 or redirect_uris.is_origin(self.redirect_uris[0]):
            return None
        return self.redirect_uris[0]

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scope asked for, all of the client's when none is; None when it goes beyond that."""
        asked = frozenset(scope.split()) if scope else self.scopes
        return " ".join(sorted(asked)) if asked and asked <= self.scopes else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uris.matches(self.redirect_uris, redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        digest = hashlib.sha256(client_secret.encode()).digest()
        return self.secret_hash is not None and hmac.compare_digest(digest, self.secret_hash)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and bool(self.redirect_uris)

    def check_grant_type(self, grant_type: str) -> bool:
        if grant_type == "client_credentials":
            return self.client_credentials
        return bool(self.redirect_uris)

    def message(self) -> OAuthClient:
        """The client as the contract has it."""
        return OAuthClient(
            id=self.client_id,
            name=self.name,
            redirect_uris=self.redirect_uris,
            scopes=sorted(self.scopes),
            authentication=AUTHENTICATIONS[self.authentication],
            client_credentials=self.client_credentials,
            jwks=self.jwks or "",
            jwks_uri=self.jwks_uri or "",
            access_token_lifetime=_duration(self.access_lifetime),
            refresh_token_lifetime=_duration(self.refresh_lifetime),
            rotate_refresh_tokens=self.rotate,
            refresh_grace=_duration(self.grace),
            connection_id=str(self.connection_id or ""),
            create_time=timestamp(self.create_time),
        )


def _duration(length: timedelta) -> Any:
    message = Duration()
    message.FromTimedelta(length)
    return message
