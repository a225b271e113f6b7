"""What people are told who sign in at an OpenID provider; `{}` is what the provider is called.
Nothing of it shows whether there is such a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.domain.oauth.vouching import StrangerError
from service.encryption import UnreadableSecretError
from service.federation.relying_party import ProviderUnavailableError, UntrustedAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

GONE: Final = "There is no such way to sign in any more; choose another one."
NOT_EXPECTED: Final = (
    "This browser is not expected here: it did not begin to sign in, or took too long, or has come "
    "back before. Nobody was signed in; begin again."
)
UNAVAILABLE: Final = "{} cannot be reached just now. Try again in a moment, or sign in another way."
STRANGER: Final = (
    "{} let you in, but nobody was signed in here: that takes an active administrator of this "
    "organisation. Ask another one to look at your account."
)

_DENIED: Final = "{} did not let you in."
_MISCONFIGURED: Final = (
    "{} and this service do not understand each other. Whoever runs this service finds the reason "
    "in its log."
)

OF_ERRORS: Final[Mapping[type[Exception], str]] = {
    ProviderUnavailableError: UNAVAILABLE,
    UntrustedAnswerError: _MISCONFIGURED,
    UnreadableSecretError: _MISCONFIGURED,
    StrangerError: STRANGER,
}


def of_code(code: str) -> str:
    """What to say of an error that a provider has sent a browser back with (RFC 6749 §4.1.2.1,
    OpenID Connect Core 1.0 §3.1.2.6)."""
    if code in {"server_error", "temporarily_unavailable"}:
        return UNAVAILABLE
    return _DENIED if code == "access_denied" else _MISCONFIGURED
