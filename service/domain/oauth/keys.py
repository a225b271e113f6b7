"""Public keys of clients (RFC 7517)."""

from __future__ import annotations

import json
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from service.domain.errors import invalid_value

MAX_KEYS: Final = 10
MAX_BYTES: Final = 64 * 1024
MIN_RSA_BITS: Final = 2_048
MAX_RSA_BITS: Final = 8_192

_MEMBERS: Final = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")
"""What is needed of a key, and so what is kept of it."""


class KeySetError(Exception):
    """What should be a set of public keys is none; the message says why."""


def checked_key_set(text: str) -> str:
    """The JWK Set, as JSON, of a client to be, with what is needed of it. Raises INVALID_VALUE."""
    try:
        read_key_set(text)
        return _stored(json.loads(text)["keys"])
    except KeySetError as error:
        raise invalid_value("jwks", f"jwks is no JWK Set of public keys: {error}.") from None


def _stored(keys: list[dict[str, Any]]) -> str:
    kept = [{name: key[name] for name in _MEMBERS if name in key} for key in keys]
    if not all(
        isinstance(text, str) and text.isprintable() for key in kept for text in key.values()
    ):
        raise KeySetError("it has a member that is no text that could be printed")
    return json.dumps({"keys": kept})


def read_key_set(text: str | bytes) -> KeySet:
    """The keys in a JWK Set. Raises KeySetError."""
    if len(text) > MAX_BYTES:
        raise KeySetError(f"it has more than {MAX_BYTES} bytes")
    try:
        value = json.loads(text)
        keys = value["keys"]
        if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS:
            raise KeySetError(f"it has to have 1 to {MAX_KEYS} keys")
        key_set = KeySet.import_key_set(value)
    except (ValueError, TypeError, KeyError, RecursionError, JoseError):
        raise KeySetError("it cannot be read") from None
    for key in key_set.keys:
        _check(key)
    return key_set


def _check(key: Any) -> None:
    if isinstance(key, OctKey) or key.is_private:
        raise KeySetError("it has a secret key, which belongs to nobody but the client")
    if isinstance(key, RSAKey):
        bits = key.public_key.key_size
        if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
            raise KeySetError(f"an RSA key has {bits} bits; {MIN_RSA_BITS} are the least")
    elif not isinstance(key, ECKey | OKPKey):
        raise KeySetError("it has a key of another type than RSA, EC and OKP")
