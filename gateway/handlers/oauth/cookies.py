"""The cookie by which a browser is known: a session's secret, or a random text before there is
one."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiohttp.web import Response

    from gateway.handlers.request import ScimRequest

_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{32,128}")


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser is known by; `is_new` when it has to be told."""

    session: str
    is_new: bool = False


def browser_of(scim: ScimRequest, issuer: str) -> Browser:
    """The browser that sends a request."""
    name = _name(issuer)
    for header in scim.http.headers.getall("Cookie", ()):
        try:
            cookie = SimpleCookie(header).get(name)
        except CookieError:
            continue
        if cookie is not None and _VALUE.fullmatch(cookie.value):
            return Browser(cookie.value)
    return Browser(secrets.token_urlsafe(32), is_new=True)


def remember(response: Response, session: str, issuer: str) -> None:
    """Let the browser send a secret with every request from now on, until it is closed.

    `Lax`, not `Strict`: it has to come along when a client sends the browser here (RFC 6265bis
    §5.6.7.1).
    """
    response.set_cookie(
        _name(issuer),
        session,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=_is_secure(issuer),
    )


def _name(issuer: str) -> str:
    """With the prefix no other host can have set it (RFC 6265bis §4.1.3.2)."""
    return "__Host-rollbook" if _is_secure(issuer) else "rollbook"


def _is_secure(issuer: str) -> bool:
    return issuer.startswith("https://")
