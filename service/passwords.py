"""Hashing of passwords: argon2id in a few threads, so that the event loop never waits for it."""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from service.domain.errors import invalid_value

MAX_LENGTH: Final = 1024
"""The longest password, in characters: hashing time grows with length."""

_THREADS: Final = 2


class PasswordHasher:
    """Makes and checks hashes in PHC string format, with argon2-cffi's parameters (RFC 9106)."""

    def __init__(self) -> None:
        self._argon2 = argon2.PasswordHasher()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="argon2")
        # Checked when there is no such user, so that the time does not tell.
        self._nobody = self._argon2.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The hash of a password. Raises INVALID_VALUE when it is too long."""
        if len(password) > MAX_LENGTH:
            raise invalid_value(
                "password",
                f"password has {len(password)} characters; {MAX_LENGTH} are the most allowed.",
            )
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._argon2.hash, prepared(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one; takes its time also when there is no hash."""
        if len(password) > MAX_LENGTH:
            return False
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._verify, stored, prepared(password))

    def _verify(self, stored: str | None, password: str) -> bool:
        try:
            self._argon2.verify(stored or self._nobody, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
        return stored is not None

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def prepared(password: str) -> str:
    """The form that is hashed: NFC, as the OpaqueString profile has it (RFC 8265 §4.2)."""
    return unicodedata.normalize("NFC", password)
