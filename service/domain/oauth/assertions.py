"""Assertions that clients sign to prove who they are (RFC 7523 §3)."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from rollbook.oauth import ASSERTION_ALGORITHMS
from service.domain.oauth.errors import invalid_client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from joserfc.jwk import Key

    from service.domain.oauth.clients import Client

LEEWAY: Final = 60
"""How many seconds clocks may differ."""

LONGEST: Final = timedelta(hours=1)
"""How long an assertion may be valid: for that long it is remembered that it was used."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """One that is valid: a hash of its `jti`, and when it may be forgotten."""

    hash: bytes
    expire_time: datetime


class _Check(JWTBearerClientAssertion):  # type: ignore[misc]  # Authlib has no types
    """Authlib's checks of issuer, subject, audience and expiry; whether a `jti` was used before
    is known by the database."""

    def __init__(self, audiences: Sequence[str]) -> None:
        super().__init__(leeway=LEEWAY)
        self._audiences = list(audiences)

    def get_audiences(self) -> list[str]:
        return self._audiences

    def validate_jti(self, claims: Any, jti: object) -> bool:
        return isinstance(jti, str) and bool(jti)


def check_assertion(
    text: str, client: Client, keys: KeySet | Key, audiences: Sequence[str]
) -> Assertion:
    """What a client's assertion comes to. Raises OAuthError invalid_client."""
    try:
        claims = _claims(text, keys)
        _Check(audiences).verify_claims(claims)
        expire_time = datetime.fromtimestamp(claims["exp"], UTC)
    except (JoseError, OAuth2Error, ValueError, TypeError, OverflowError, OSError, RecursionError):
        raise invalid_client(
            "The assertion is not valid: check its signature, iss, sub, aud, exp and jti."
        ) from None
    now = datetime.now(UTC)
    if claims["sub"] != client.client_id or expire_time > now + LONGEST:
        raise invalid_client("The assertion is another client's, or valid for more than an hour.")
    digest = hashlib.sha256(claims["jti"].encode("utf-8", "surrogatepass")).digest()
    return Assertion(digest, expire_time + timedelta(seconds=2 * LEEWAY))


def _claims(text: str, keys: KeySet | Key) -> dict[str, Any]:
    """The claims of an assertion, signed by the key that it names or, where it names none (RFC
    7515 §4.1.4 lets it), by any of them. Raises JoseError and ValueError."""
    if isinstance(keys, KeySet) and "kid" not in jws.extract_compact(text.encode()).headers():
        *others, last = keys.keys
        for key in others:
            with suppress(JoseError, ValueError, TypeError):
                return _decoded(text, key)
        return _decoded(text, last)
    return _decoded(text, keys)


def _decoded(text: str, keys: KeySet | Key) -> dict[str, Any]:
    return jwt.decode(text, keys, algorithms=list(ASSERTION_ALGORITHMS)).claims


def read_header(text: str) -> tuple[str, str]:
    """The algorithm and the key id that an assertion names. Raises OAuthError invalid_client."""
    try:
        header = jws.extract_compact(text.encode()).headers()
        algorithm, key_id = header["alg"], header["kid"]
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        algorithm = key_id = None
    if not isinstance(key_id, str) or algorithm not in ASSERTION_ALGORITHMS:
        raise invalid_client("The assertion does not name its key and its algorithm.")
    return algorithm, key_id
