"""Where browsers may be sent back to.

A client registers whole URIs, which have to match letter for letter (RFC 9700 §2.1), or origins,
which stand for every path there: Okta's callback has the name of the app in its path, which is
not known when the client is registered.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from service.domain.errors import invalid_value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MAX_URIS: Final = 20
MAX_LENGTH: Final = 2_000

_URI: Final = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+", re.ASCII)
"""The characters of RFC 3986 without `#`: a redirection URI has no fragment (RFC 6749 §3.1.2)."""

_AUTHORITY: Final = re.compile(
    r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?", re.ASCII
)
"""A host and a port; no user, and nothing that means something in a header field."""

_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,63}(?::\d{1,5})?")
_PRIVATE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
"""An app's own scheme is a domain name turned round (RFC 8252 §7.1)."""


def checked_redirect_uris(texts: Iterable[str], *, is_public: bool) -> list[str]:
    """The URIs and origins to register; a domain alone is its origin over HTTPS. Raises
    INVALID_VALUE."""
    uris = [_checked(text.strip(), is_public=is_public) for text in texts]
    if len(uris) > MAX_URIS:
        raise invalid_value(
            "redirect_uris", f"redirect_uris has more than {MAX_URIS} URIs; register two clients."
        )
    return list(dict.fromkeys(uris))


def matches(registered: Iterable[str], uri: str) -> bool:
    """Whether a browser may be sent to `uri`."""
    if not is_uri(uri):
        return False
    return any(_matches(one, uri) for one in registered)


def is_allowed(allowed: Collection[str], uri: str) -> bool:
    """Whether a SCIM connection lets its clients send browsers to `uri`: to any, unless it has a
    list."""
    return not allowed or matches(allowed, uri)


def is_uri(text: str) -> bool:
    """Whether a text can be a redirection URI at all."""
    parts = _split(text)
    return parts is not None and bool(parts.scheme)


def origin_of(uri: str) -> str:
    """The scheme and host of a URI, or the scheme alone where there is no host."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def is_origin(registered: str) -> bool:
    """Whether what is registered stands for every path there."""
    parts = urlsplit(registered)
    return bool(parts.netloc) and not parts.path and not parts.query


def _matches(registered: str, uri: str) -> bool:
    if registered == uri:
        # An origin is no URI to send anybody to unless the client asks for just that.
        return True
    if is_origin(registered):
        return origin_of(uri).lower() == registered.lower()
    return _is_loopback(urlsplit(registered)) and _without_port(registered) == _without_port(uri)


def _without_port(uri: str) -> str:
    """Apps on the same device listen on whatever port is free (RFC 8252 §7.3)."""
    parts = urlsplit(uri)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return parts._replace(netloc=host or "").geturl()


def _checked(text: str, *, is_public: bool) -> str:
    uri = f"https://{text.lower()}" if _DOMAIN.fullmatch(text.lower()) else text
    parts = _split(uri)
    if parts is None or not _is_safe(parts, is_public=is_public):
        raise invalid_value(
            "redirect_uris",
            f"{text[:200]!r} is no address to send browsers to: give https://host/path, or "
            "https://host for every path there, or http://127.0.0.1/path for an app on the same "
            "device; without user and fragment.",
        )
    return uri


def _is_safe(parts: SplitResult, *, is_public: bool) -> bool:
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        # What others overhear is of use to nobody who lacks the client's secret.
        return bool(parts.hostname) and (not is_public or _is_loopback(parts))
    return is_public and not parts.netloc and bool(_PRIVATE_SCHEME.fullmatch(parts.scheme))


def _is_loopback(parts: SplitResult) -> bool:
    if parts.scheme != "http":
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _split(text: str) -> SplitResult | None:
    if not text or len(text) > MAX_LENGTH or not _URI.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts if not parts.netloc or _AUTHORITY.fullmatch(parts.netloc) else None
