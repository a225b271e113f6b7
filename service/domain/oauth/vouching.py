"""Whom a sign-in provider vouches for, by the claims of its ID token (OpenID Connect Core 1.0 §2,
§5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rollbook.v1.sign_in_provider_service_pb2 import UserMatch
from service.domain.issuer_rules import have

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider

MAX_VALUE: Final = 255


class StrangerError(Exception):
    """A provider vouches for somebody who can be no user; why is for the log."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The `externalId`, or the e-mail address, of the user that somebody has to be."""

    external_id: str = ""
    email: str = ""


def needs_user_info(provider: SignInProvider, claims: Mapping[str, Any]) -> bool:
    """Whether an ID token leaves to the UserInfo endpoint what it takes to find the user: with an
    access token beside it, it need not say more than who it is (§5.4)."""
    by_email = provider.user_match == UserMatch.USER_MATCH_VERIFIED_EMAIL
    return by_email and not ("email" in claims and "email_verified" in claims)


def identity_of(
    provider: SignInProvider, claims: Mapping[str, Any], user_info: Mapping[str, Any] | None
) -> Identity:
    """Who it is, by an ID token and, where that does not say, by what the UserInfo endpoint has
    answered. Raises StrangerError."""
    if not have(claims, provider.required_claims):
        raise StrangerError("a required claim is missing")
    if provider.user_match == UserMatch.USER_MATCH_EXTERNAL_ID:
        return Identity(external_id=_text(claims, provider.user_claim))
    # Both from the same: one's address is not verified by what another says of its own.
    told = claims if user_info is None else user_info
    # Some providers write true as a text.
    if told.get("email_verified") not in (True, "true"):
        raise StrangerError("the e-mail address is not verified")
    email = _text(told, "email")
    # Letters that look the same, or fold to the same key, are other people's addresses.
    if not email.isascii() or "@" not in email:
        raise StrangerError("the e-mail address is no ASCII one")
    return Identity(email=email)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_VALUE or not value.isprintable():
        raise StrangerError(f"there is no claim {name}")
    return value
