"""Encryption of secrets that have to be shown to others again, so that no hash will do."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_BYTES: Final = 32

_NONCE: Final = 12
_KEY_ID: Final = 4


class UnreadableSecretError(Exception):
    """A secret was encrypted by a key that is not there, or for another purpose."""


class Encryption:
    """Encrypts by AES-256-GCM (NIST SP 800-38D). The first of `keys`, each of 32 bytes, encrypts;
    all of them decrypt."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {_id_of(key): AESGCM(key) for key in keys}
        self._current = _id_of(keys[0])

    def encrypt(self, secret: str, purpose: bytes) -> bytes:
        """A text that nobody else can read: the id of the key, a nonce, and the rest."""
        nonce = os.urandom(_NONCE)
        sealed = self._keys[self._current].encrypt(nonce, secret.encode(), purpose)
        return self._current + nonce + sealed

    def decrypt(self, encrypted: bytes, purpose: bytes) -> str:
        """The text, for the purpose that it was encrypted for. Raises UnreadableSecretError."""
        key = self._keys.get(encrypted[:_KEY_ID])
        if key is None:
            raise UnreadableSecretError("the key that it was encrypted by is not there")
        nonce, sealed = encrypted[_KEY_ID : _KEY_ID + _NONCE], encrypted[_KEY_ID + _NONCE :]
        try:
            return key.decrypt(nonce, sealed, purpose).decode()
        except (InvalidTag, ValueError) as error:
            raise UnreadableSecretError("it is damaged or was for another purpose") from error


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"rollbook key id\0" + key).digest()[:_KEY_ID]
