"""Keys of issuers (RFC 7517), kept and fetched anew: in time, and when a key is not among them.

An issuer that cannot be reached does not take its tokens with it: the keys that are known stay
good for a day.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from service.federation.documents import DocumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from joserfc.jwk import ECKey, OKPKey, RSAKey

    from service.federation.documents import Documents

    PublicKey = RSAKey | ECKey | OKPKey

log = structlog.get_logger(__name__)

FRESH_SECONDS: Final = 600.0
"""How long keys are believed without asking; so long may one live on that was withdrawn."""

STALE_SECONDS: Final = 86_400.0
"""How long while the issuer cannot be asked."""

PAUSE_SECONDS: Final = 10.0
"""Between two fetches of the same keys: anybody can make up tokens with keys that are unknown."""

MAX_WAITING: Final = 50
"""Calls that wait for the keys of one issuer. One that hangs does not hold up all the others."""

MAX_KEYS: Final = 100
MAX_SETS: Final = 1_000

_MIN_RSA_BITS: Final = 2_048
_DISCOVERY: Final = "/.well-known/openid-configuration"

_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


@dataclass
class _KeySet:
    """The keys of one issuer, when they came, and when they were last asked for; while that is
    going on, the task and how many calls wait for it."""

    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    fetch_time: float = float("-inf")
    attempt_time: float = float("-inf")
    fetching: asyncio.Task[None] | None = None
    waiting: int = 0


class KeySets:
    """The keys of all issuers, for one event loop. `clock` tells seconds."""

    def __init__(self, documents: Documents, clock: Callable[[], float] = time.monotonic) -> None:
        self._documents = documents
        self._clock = clock
        self._sets: dict[tuple[str, str], _KeySet] = {}

    async def find(self, issuer: str, jwks_uri: str, key_id: str) -> PublicKey | None:
        """The key of an issuer; its keys are at `jwks_uri`, or where discovery says if that is
        empty. None when it has no such key, or its keys cannot be had."""
        held = self._held((issuer, jwks_uri))
        if self._is_wanting(held, key_id):
            if held.fetching is None and self._clock() - held.attempt_time >= PAUSE_SECONDS:
                held.fetching = asyncio.create_task(self._fetch(held, issuer, jwks_uri))
            await _wait_for(held)
        if self._clock() - held.fetch_time > STALE_SECONDS:
            return None
        return held.keys.get(key_id)

    async def close(self) -> None:
        """Ask no more."""
        tasks = [held.fetching for held in self._sets.values() if held.fetching is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _held(self, name: tuple[str, str]) -> _KeySet:
        held = self._sets.pop(name, None) or _KeySet()
        self._sets[name] = held
        while len(self._sets) > MAX_SETS:
            del self._sets[next(iter(self._sets))]
        return held

    def _is_wanting(self, held: _KeySet, key_id: str) -> bool:
        """Whether the issuer has to be asked to know a key."""
        return key_id not in held.keys or self._clock() - held.fetch_time > FRESH_SECONDS

    async def _fetch(self, held: _KeySet, issuer: str, jwks_uri: str) -> None:
        try:
            document = await self._documents.fetch(jwks_uri or await self._discover(issuer))
            held.keys = _read(document)
            held.fetch_time = self._clock()
        except DocumentError as error:
            log.warning("issuer.keys_not_fetched", issuer=issuer, error=str(error))
        except Exception:
            log.exception("issuer.keys_not_fetched", issuer=issuer)
        finally:
            held.attempt_time = self._clock()
            held.fetching = None

    async def _discover(self, issuer: str) -> str:
        """Where the keys are (OpenID Connect Discovery 1.0 §4). Raises DocumentError."""
        document = await self._documents.fetch(issuer.rstrip("/") + _DISCOVERY)
        if document.get("issuer") != issuer:
            raise DocumentError(f"the configuration of {issuer} names another issuer")
        uri = document.get("jwks_uri")
        if not isinstance(uri, str):
            raise DocumentError(f"the configuration of {issuer} names no jwks_uri")
        return uri


async def _wait_for(held: _KeySet) -> None:
    """Wait for the keys that are on their way, if they are and not too many do."""
    if held.fetching is None or held.waiting >= MAX_WAITING:
        return
    held.waiting += 1
    try:
        # A call that is given up does not take the keys from the others.
        await asyncio.shield(held.fetching)
    finally:
        held.waiting -= 1


def fits(key: PublicKey, algorithm: str) -> bool:
    """Whether a key is for an algorithm: its type, its curve, and what it says itself."""
    stated = key.get("alg")
    if stated is not None and stated != algorithm:
        return False
    if algorithm in _CURVES:
        return key.key_type == "EC" and key.get("crv") == _CURVES[algorithm]
    if algorithm in {"EdDSA", "Ed25519"}:
        return key.key_type == "OKP" and key.get("crv") == "Ed25519"
    return key.key_type == "RSA"


def _read(document: Mapping[str, Any]) -> dict[str, PublicKey]:
    """The keys by their ids; what is no public key for signatures is left out. Raises
    DocumentError."""
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise DocumentError(f"the key set is no list of at most {MAX_KEYS} keys")
    keys: dict[str, PublicKey] = {}
    for key_id, key in _usable(listed):
        # Of two with one id, which is meant is not known: the first stays.
        keys.setdefault(key_id, key)
    return keys


def _usable(listed: list[Any]) -> Iterator[tuple[str, PublicKey]]:
    for data in listed:
        if not isinstance(data, dict) or not isinstance(data.get("kid"), str):
            continue
        operations = data.get("key_ops", ["verify"])
        if data.get("use", "sig") != "sig" or not isinstance(operations, list):
            continue
        if "verify" not in operations:
            continue
        # A private key that is published is everybody's.
        if data.get("kty") not in {"RSA", "EC", "OKP"} or "d" in data:
            continue
        try:
            key: Any = JWKRegistry.import_key(data)
            # Made only now: what is no point on its curve shows here.
            public = key.public_key
            too_small = key.key_type == "RSA" and public.key_size < _MIN_RSA_BITS
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue
        if not too_small:
            yield data["kid"], key
