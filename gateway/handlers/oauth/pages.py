"""The pages on which an administrator signs in and consents: plain HTML, without scripts."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from aiohttp.web import Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.handlers.response import SERVER
from rollbook.access import Scope

_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("gateway", "templates/oauth"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

SCOPE_MEANINGS: Final = {
    Scope.SCIM: "Create, change, deactivate and delete users and groups over SCIM",
    Scope.DIRECTORY_READ: "Read users and groups",
    Scope.DIRECTORY_WRITE: "Create, change and delete users and groups",
    Scope.ACCESS_READ: "Ask who may do what",
    Scope.PASSWORDS_VERIFY: "Ask whether a password is a user's",
    Scope.ADMIN: "Change how the organisation's directory works",
    Scope.CREDENTIALS: "Make and revoke credentials",
}
"""What a scope lets a client do, for people."""


def page(
    template: str, *, status: int = 200, form_targets: tuple[str, ...] = (), **values: Any
) -> Response:
    """A page. `form_targets` are where its forms may lead besides back to it."""
    text = _ENVIRONMENT.get_template(template).render(css=_css(), **values)
    return Response(
        body=text.encode(),
        status=status,
        headers={
            "Content-Type": "text/html; charset=utf-8",
            "Server": SERVER,
            "Cache-Control": "no-store",
            "Pragma": "no-cache",
            "Content-Security-Policy": _policy(form_targets),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        },
    )


def _policy(form_targets: tuple[str, ...]) -> str:
    """Nothing is loaded and nobody frames it; the style sheet is known by its hash."""
    digest = base64.b64encode(hashlib.sha256(_css().encode()).digest()).decode()
    targets = " ".join(dict.fromkeys(("'self'", *form_targets)))
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action {targets}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


@cache
def _css() -> str:
    return files("gateway").joinpath("templates/oauth/page.css").read_text("utf-8")
