"""The URL that names the authorization server (RFC 8414 §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.handlers.request import ScimRequest
    from gateway.settings import Settings

    IssuerOf = Callable[[ScimRequest], str]


def issuer_of(settings: Settings) -> IssuerOf:
    """How to find the issuer of a request, which may raise HttpError: what the SCIM base URL
    begins with."""
    return lambda scim: scim.base_url.removesuffix(settings.http_prefix)
