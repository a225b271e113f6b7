"""What a JSON Web Token says, before and after its signature is known to be good.

The rules are those of RFC 7519 §7.2 and RFC 8725: the algorithm is the issuer's to be and not the
token's, keys come from nowhere but the issuer's key set, and every claim that bounds a token has
to be there.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook.v1.issuer_service_pb2 import Issuer
    from service.federation.key_sets import PublicKey

MAX_TOKEN: Final = 8_000
MAX_AUDIENCES: Final = 10
MAX_SUBJECT: Final = 255

# The header is a JSON object, whose brace may be followed by a blank or a line.
_FORM: Final = re.compile(r"e[wy][A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)

ACCESS_TOKEN: Final = "at+jwt"  # noqa: S105  # a name
"""The type of access tokens (RFC 9068 §2.1)."""

_TYPES: Final = frozenset({"jwt", ACCESS_TOKEN})
"""Any other is for another purpose: for logging out, or proving a key (RFC 8725 §3.11)."""


class RefusedTokenError(Exception):
    """A token is refused; why is for the log and not for the caller."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token claims: good for nothing but finding out who could verify it. `type` is empty
    where the header has none."""

    algorithm: str
    key_id: str
    issuer: str
    audiences: tuple[str, ...]
    type: str = ""


def is_jwt(text: str) -> bool:
    """Whether a text has the form of a signed JSON Web Token (RFC 7515 §7.1)."""
    return len(text) <= MAX_TOKEN and _FORM.fullmatch(text) is not None


def peek(token: str) -> Unverified:
    """What a token claims. Raises RefusedTokenError."""
    head, body, _ = (_decoded(part) for part in token.split("."))
    header, claims = _object(head), _object(body)
    if "crit" in header or "b64" in header:
        raise RefusedTokenError("extensions of the header")
    if "typ" in header and _media_type(header["typ"]) not in _TYPES:
        raise RefusedTokenError("another type of token")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if not 1 <= len(audiences) <= MAX_AUDIENCES:
        raise RefusedTokenError("too many audiences")
    return Unverified(
        _text(header, "alg"),
        _text(header, "kid"),
        _text(claims, "iss"),
        tuple(_text({"aud": one}, "aud") for one in audiences),
        _media_type(header.get("typ")),
    )


def verify(
    token: str, claimed: Unverified, key: PublicKey, issuer: Issuer, now: float
) -> Mapping[str, Any]:
    """The claims of a token whose signature and bounds are good at `now`, in seconds since 1970.
    Raises RefusedTokenError."""
    if claimed.algorithm not in issuer.algorithms:
        raise RefusedTokenError("algorithm")
    # Other parameters of the header may be there: jku, x5u and jwk would name keys, and nobody
    # looks at them (RFC 8725 §3.10).
    registry = JWSRegistry(algorithms=[claimed.algorithm], strict_check_header=False)
    try:
        claims = jwt.decode(token, key, registry=registry).claims
    except (JoseError, ValueError, TypeError) as error:
        raise RefusedTokenError(f"signature: {type(error).__name__}") from error
    if claims.get("iss") != issuer.issuer or not set(claimed.audiences) & set(issuer.audiences):
        raise RefusedTokenError("issuer or audience")
    _check_times(claims, issuer, now)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise RefusedTokenError("subject")
    if not subject.isprintable():
        raise RefusedTokenError("subject")
    return claims


def _check_times(claims: Mapping[str, Any], issuer: Issuer, now: float) -> None:
    skew = issuer.clock_skew.seconds
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if expires <= now - skew:
        raise RefusedTokenError("expired")
    if issued > now + skew or ("nbf" in claims and _time(claims, "nbf") > now + skew):
        raise RefusedTokenError("not yet valid")
    # Kubernetes gives an hour and seven seconds for an hour.
    if not 0 < expires - issued <= issuer.max_lifetime.seconds + skew:
        raise RefusedTokenError("lifetime")


def _time(claims: Mapping[str, Any], name: str) -> float:
    """A NumericDate (RFC 7519 §2). Raises RefusedTokenError."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 2**53:
        raise RefusedTokenError(name)
    if not math.isfinite(value):
        raise RefusedTokenError(name)
    return float(value)


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise RefusedTokenError(f"no {name}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise RefusedTokenError(name) from error
    return value


def _media_type(value: Any) -> str:
    return value.lower().removeprefix("application/") if isinstance(value, str) else ""


def _decoded(part: str) -> bytes:
    """The octets of a part in its one spelling: the last letter has bits that nobody would miss,
    and a token that was changed there is not the one that was signed."""
    try:
        octets = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise RefusedTokenError("base64") from error
    if base64.urlsafe_b64encode(octets).rstrip(b"=").decode() != part:
        raise RefusedTokenError("base64")
    return octets


def _object(octets: bytes) -> dict[str, Any]:
    try:
        value = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise RefusedTokenError("JSON") from error
    if not isinstance(value, dict):
        raise RefusedTokenError("JSON")
    return value
