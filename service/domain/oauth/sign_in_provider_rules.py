"""What an administrator may make of a sign-in provider: its fields, checked and put in form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider, UserMatch
from service.domain import field_masks
from service.domain.errors import invalid_value
from service.domain.issuer_rules import check_claims, check_text, checked_algorithms, checked_url

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PROVIDERS: Final = 20
"""How many providers a tenant has: the page shows a button for each."""

MAX_SECRET: Final = 1_000
MAX_DISPLAY_NAME: Final = 100

CHANGEABLE: Final = (
    "display_name",
    "enabled",
    "issuer",
    "client_id",
    "user_match",
    "user_claim",
    "required_claims",
    "algorithms",
)
"""The fields that an administrator can set again."""

SUBJECT: Final = "sub"

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)

_OPEN_TO_ALL: Final = {"https://accounts.google.com": "hd"}
"""Issuers where anybody can have an account, with the claim that says whose organisation's it is.
An e-mail address that one was given once, and has lost since, stays verified there."""


def completed(given: SignInProvider, *, plain_http: bool) -> SignInProvider:
    """What a new provider is to be, with defaults for what is not set. Raises INVALID_VALUE."""
    if not is_name(given.name):
        raise invalid_value(
            "name",
            "name is part of an address: 1 to 40 lower-case letters, digits and hyphens, as okta.",
        )
    made = field_masks.merged(SignInProvider(), given, ("name", *CHANGEABLE))
    return _checked(made, plain_http=plain_http)


def is_name(text: str) -> bool:
    """Whether a provider can have a name."""
    return _NAME.fullmatch(text) is not None


def updated(
    before: SignInProvider, given: SignInProvider, mask: Sequence[str], *, plain_http: bool
) -> SignInProvider:
    """A provider with the fields that the mask names replaced: "*" names all, an empty mask those
    that are set. Raises INVALID_PATH, INVALID_VALUE."""
    after = field_masks.updated(before, given, mask, CHANGEABLE, "a sign-in provider")
    return _checked(after, plain_http=plain_http)


def is_meant_for_another(before: SignInProvider, after: SignInProvider) -> bool:
    """Whether the secret of one would be told to somebody else as the other's."""
    return (before.issuer, before.client_id) != (after.issuer, after.client_id)


def checked_secret(secret: str) -> str:
    """A client secret: visible ASCII characters (RFC 6749 appendix A.2). Raises INVALID_VALUE."""
    if len(secret) > MAX_SECRET or not secret.isascii() or not secret.isprintable():
        # Without its value.
        raise invalid_value(
            "client_secret", f"client_secret has at most {MAX_SECRET} characters, all of ASCII."
        )
    return secret


def redirect_uri_of(root: str, name: str) -> str:
    """Where a provider sends browsers back to: each to an address of its own, so that what one
    answers is not taken for another's answer (RFC 9700 §4.4.2.2)."""
    return f"{root}/oauth2/callback/{name}"


def _checked(provider: SignInProvider, *, plain_http: bool) -> SignInProvider:
    """The same in its canonical form, with every field set."""
    if not provider.HasField("enabled"):
        provider.enabled = True
    provider.display_name = _display_name(provider)
    provider.issuer = checked_url("issuer", provider.issuer, plain_http=plain_http)
    check_text("client_id", provider.client_id)
    provider.user_match = _user_match(provider.user_match)
    provider.user_claim = provider.user_claim or SUBJECT
    check_text("user_claim", provider.user_claim)
    check_claims("required_claims", provider.required_claims)
    provider.algorithms[:] = checked_algorithms("algorithms", provider.algorithms)
    _check_whose(provider)
    return provider


def _display_name(provider: SignInProvider) -> str:
    text = provider.display_name.strip() or provider.name
    if len(text) > MAX_DISPLAY_NAME or not text.isprintable():
        raise invalid_value(
            "display_name", f"display_name has at most {MAX_DISPLAY_NAME} printable characters."
        )
    return text


def _user_match(match: UserMatch.ValueType) -> UserMatch.ValueType:
    if match == UserMatch.USER_MATCH_UNSPECIFIED:
        return UserMatch.USER_MATCH_VERIFIED_EMAIL
    if match not in UserMatch.values():
        raise invalid_value("user_match", f"{match} is no way to find a user.")
    return match


def _check_whose(provider: SignInProvider) -> None:
    claim = _OPEN_TO_ALL.get(provider.issuer)
    by_email = provider.user_match == UserMatch.USER_MATCH_VERIFIED_EMAIL
    required = provider.required_claims.get(claim, "*") if claim else ""
    if by_email and required.endswith("*"):
        raise invalid_value(
            "required_claims",
            f"Anybody can have an account at {provider.issuer}: to find users by e-mail address, "
            f"require the claim {claim}, which names your organisation's domain.",
        )
