"""What a user name and a password of a client's may be (RFC 7617)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from rollbook.access import Scope
from service.domain.errors import invalid_value
from service.domain.token_rules import checked_scopes

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_USER_NAME: Final = 200
MIN_PASSWORD: Final = 12
MAX_PASSWORD: Final = 1024

_DEFAULT_SCOPES: Final = frozenset({Scope.SCIM})
_MADE_UP_BYTES: Final = 24


def checked_user_name(name: str) -> str:
    """The name as it is. Raises INVALID_VALUE: a colon would end it (RFC 7617 §2)."""
    if not 0 < len(name) <= MAX_USER_NAME or not name.isprintable() or ":" in name:
        raise invalid_value(
            "user_name",
            f"user_name has 1 to {MAX_USER_NAME} printable characters, and no colon.",
        )
    return name


def checked_password(password: str) -> str:
    """The password as it is. Raises INVALID_VALUE, which does not show it."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD or not password.isprintable():
        raise invalid_value(
            "password",
            f"password has {MIN_PASSWORD} to {MAX_PASSWORD} printable characters; without one, one "
            "is made up.",
        )
    return password


def new_password() -> str:
    """A password that nobody can guess, of letters that every form takes."""
    return secrets.token_urlsafe(_MADE_UP_BYTES)


def scopes_of_login(names: Collection[str]) -> frozenset[Scope]:
    """What a login is good for: SCIM unless said otherwise. Raises INVALID_VALUE."""
    return checked_scopes(names) if names else _DEFAULT_SCOPES
