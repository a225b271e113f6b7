"""What an OAuth client is told when it does not get what it asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from authlib.oauth2 import OAuth2Error

INVALID_CLIENT: Final = "invalid_client"

ErrorCode = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
    "invalid_scope",
    "access_denied",
]


class OAuthError(DomainError):
    """A request that is refused by a code of RFC 6749 §4.1.2.1 or §5.2."""

    def __init__(self, error: str, description: str) -> None:
        reason = (
            ErrorReason.ERROR_REASON_OAUTH_CLIENT_INVALID
            if error == INVALID_CLIENT
            else ErrorReason.ERROR_REASON_OAUTH_REQUEST_INVALID
        )
        super().__init__(reason, description, metadata={"error": error})
        self.error = error


_DESCRIPTIONS: Final = {
    "invalid_grant": "The code or refresh token is not valid: it has ended, was used or revoked, "
    "or belongs to another client.",
    "invalid_scope": "The scope goes beyond what the client was registered for or was given.",
}


def error_of(refusal: OAuth2Error) -> OAuthError:
    """Authlib's error as ours."""
    description = str(refusal.get_error_description() or _DESCRIPTIONS.get(refusal.error, ""))
    return OAuthError(refusal.error, description)


def invalid_request(description: str) -> OAuthError:
    """The request is malformed."""
    return OAuthError("invalid_request", description)


def invalid_client(
    description: str = "The client is unknown or did not prove who it is.",
) -> OAuthError:
    """The client did not prove who it is: whether there is such a client does not show."""
    return OAuthError(INVALID_CLIENT, description)
