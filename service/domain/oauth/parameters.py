"""Parameters of a query or a form (RFC 6749 §3.1, §3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from service.domain.oauth.errors import invalid_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_PARAMETERS: Final = 50
MAX_LENGTH: Final = 8_192
"""The longest value, in characters: an assertion with a chain of certificates fits."""

_UNDERSTOOD: Final = frozenset(
    (
        "assertion",
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "grant_type",
        "redirect_uri",
        "refresh_token",
        "request",
        "request_uri",
        "response_mode",
        "response_type",
        "scope",
        "state",
        "token",
        "token_type_hint",
    )
)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Values by name, of those that are understood, and which names were `repeated`. One without
    a value is as one that was left out."""

    values: Mapping[str, str]
    repeated: frozenset[str]

    def get(self, name: str) -> str:
        """The value, empty without one."""
        return self.values.get(name, "")

    def once(self) -> Parameters:
        """These, if none is repeated. Raises OAuthError invalid_request."""
        if self.repeated:
            raise invalid_request(f"The parameter {min(self.repeated)} is there more than once.")
        return self


def read(pairs: Iterable[tuple[str, str]]) -> Parameters:
    """The parameters of a request. Raises OAuthError invalid_request for more or longer ones than
    anybody needs, and for values that no header or database could hold."""
    values: dict[str, str] = {}
    repeated = set()
    for number, (name, value) in enumerate(pairs):
        if number >= MAX_PARAMETERS:
            raise invalid_request(f"There are more than {MAX_PARAMETERS} parameters.")
        if name not in _UNDERSTOOD or not value:
            continue
        if len(value) > MAX_LENGTH or not value.isprintable():
            raise invalid_request(
                f"The parameter {name} has more than {MAX_LENGTH} characters, or some that cannot "
                "be printed."
            )
        if name in values:
            repeated.add(name)
        values.setdefault(name, value)
    return Parameters(values, frozenset(repeated))
