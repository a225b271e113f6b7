"""What a client may be registered as."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from rollbook.access import Scope
from rollbook.oauth import GRANTABLE_SCOPES
from service.domain.errors import invalid_value
from service.domain.oauth.clients import AUTHENTICATIONS
from service.domain.oauth.keys import checked_key_set
from service.domain.oauth.redirect_uris import checked_redirect_uris, is_allowed
from service.domain.token_rules import checked_name, checked_scopes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.duration_pb2 import Duration

    from rollbook.v1.oauth_service_pb2 import CreateOAuthClientRequest, OAuthClient
    from service.domain.oauth.clients import Authentication

ACCESS_LIFETIME: Final = timedelta(hours=2)
REFRESH_LIFETIME: Final = timedelta(days=90)
GRACE: Final = timedelta(seconds=30)

MAX_ACCESS_LIFETIME: Final = timedelta(days=1)
MAX_REFRESH_LIFETIME: Final = timedelta(days=366)
MAX_GRACE: Final = timedelta(minutes=5)

MAX_URL: Final = 2_000

_BY_NUMBER: Final[dict[int, Authentication]] = {
    0: "secret",
    **{number: name for name, number in AUTHENTICATIONS.items()},
}


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client to register, checked."""

    name: str
    authentication: Authentication
    redirect_uris: Sequence[str]
    scopes: frozenset[Scope]
    client_credentials: bool
    jwks: str | None
    jwks_uri: str | None
    access_lifetime: timedelta
    refresh_lifetime: timedelta
    rotate: bool
    grace: timedelta


def checked_client(request: CreateOAuthClientRequest, *, plain_http: bool) -> NewClient:
    """The client that a request describes; `plain_http`: whether its keys may be at a URL of this
    machine without TLS. Raises INVALID_VALUE."""
    asked = request.client
    authentication = _authentication(asked)
    jwks, jwks_uri = _keys(asked, authentication, plain_http=plain_http)
    new = NewClient(
        name=checked_name(asked.name),
        authentication=authentication,
        redirect_uris=checked_redirect_uris(
            asked.redirect_uris, is_public=authentication == "none"
        ),
        scopes=_scopes(asked),
        client_credentials=asked.client_credentials,
        jwks=jwks,
        jwks_uri=jwks_uri,
        access_lifetime=_lifetime(
            asked, "access_token_lifetime", ACCESS_LIFETIME, MAX_ACCESS_LIFETIME
        ),
        refresh_lifetime=_lifetime(
            asked, "refresh_token_lifetime", REFRESH_LIFETIME, MAX_REFRESH_LIFETIME
        ),
        rotate=not request.keep_refresh_tokens,
        grace=_lifetime(asked, "refresh_grace", GRACE, MAX_GRACE, shortest=timedelta(0)),
    )
    _check_ways(new)
    return new


def _check_ways(new: NewClient) -> None:
    """There has to be a way to get a token."""
    if new.client_credentials and new.authentication == "none":
        raise invalid_value(
            "client_credentials",
            "A public client has no credentials of its own, so it gets no tokens for them "
            "(RFC 6749 §4.4).",
        )
    if not new.redirect_uris and not new.client_credentials:
        raise invalid_value(
            "redirect_uris",
            "redirect_uris says where browsers are sent back to: give a domain or a URI, or let "
            "the client use client credentials.",
        )
    if new.authentication == "none" and not new.rotate:
        raise invalid_value(
            "keep_refresh_tokens",
            "The refresh tokens of a public client are for one use each (RFC 9700 §2.2.2).",
        )


def _authentication(asked: OAuthClient) -> Authentication:
    try:
        return _BY_NUMBER[asked.authentication]
    except KeyError:
        raise invalid_value(
            "authentication", "authentication is SECRET, PRIVATE_KEY_JWT or NONE."
        ) from None


def _scopes(asked: OAuthClient) -> frozenset[Scope]:
    scopes = checked_scopes(asked.scopes or [Scope.SCIM])
    if scopes - GRANTABLE_SCOPES:
        raise invalid_value("scopes", f"No client can have the scope {Scope.PLATFORM}.")
    return scopes


def _keys(
    asked: OAuthClient, authentication: Authentication, *, plain_http: bool
) -> tuple[str | None, str | None]:
    if authentication != "private_key_jwt":
        if asked.jwks or asked.jwks_uri:
            raise invalid_value("jwks", "Keys are for clients that prove themselves by them.")
        return None, None
    if bool(asked.jwks) == bool(asked.jwks_uri):
        raise invalid_value("jwks", "Give the client's public keys as jwks or as jwks_uri.")
    if asked.jwks_uri:
        return None, _checked_url(asked.jwks_uri, plain_http=plain_http)
    return checked_key_set(asked.jwks), None


def _checked_url(text: str, *, plain_http: bool) -> str:
    parts = _split(text)
    schemes = ("https", "http") if plain_http else ("https",)
    if parts is None or parts.scheme not in schemes or not parts.hostname or "@" in parts.netloc:
        raise invalid_value("jwks_uri", "jwks_uri is a URL that begins with https://.")
    return text


def _split(text: str) -> SplitResult | None:
    if len(text) > MAX_URL or not text.isascii() or not text.isprintable():
        return None
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _lifetime(
    asked: OAuthClient,
    field: Any,
    default: timedelta,
    longest: timedelta,
    *,
    shortest: timedelta = timedelta(seconds=1),
) -> timedelta:
    if not asked.HasField(field):
        return default
    duration: Duration = getattr(asked, field)
    seconds = duration.seconds + duration.nanos / 10**9
    if not shortest.total_seconds() <= seconds <= longest.total_seconds():
        raise invalid_value(
            str(field),
            f"{field} is {shortest.total_seconds():g} to {longest.total_seconds():g} seconds.",
        )
    return timedelta(seconds=seconds)


def check_allowed(new: NewClient, allowed: Sequence[str]) -> None:
    """The SCIM connection of a client may say where browsers may be sent at all. Raises
    INVALID_VALUE."""
    for uri in new.redirect_uris:
        if not is_allowed(allowed, uri):
            raise invalid_value(
                "redirect_uris",
                f"{uri[:200]!r} is none of the redirect URIs that the SCIM connection allows.",
            )
