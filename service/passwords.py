"""Hashing of passwords: argon2id in a few threads, so that the event loop never waits for it."""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError, invalid_value

if TYPE_CHECKING:
    from collections.abc import Callable

    R = TypeVar("R")

MAX_LENGTH: Final = 1024
"""The longest password, in characters: hashing time grows with length."""

MAX_WAITING: Final = 100
"""How many passwords may wait to be hashed or checked: some seconds' work."""

_THREADS: Final = 2


class PasswordHasher:
    """Makes and checks hashes in PHC string format, with argon2-cffi's parameters (RFC 9106)."""

    def __init__(self) -> None:
        self._argon2 = argon2.PasswordHasher()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        # Checked when there is no such user, so that the time does not tell.
        self._nobody = self._argon2.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The hash of a password. Raises INVALID_VALUE when it is too long, UNAVAILABLE when too
        many are waiting."""
        if len(password) > MAX_LENGTH:
            raise invalid_value(
                "password",
                f"password has {len(password)} characters; {MAX_LENGTH} are the most allowed.",
            )
        return await self._run(partial(self._argon2.hash, prepared(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one; takes its time also when there is no hash. Raises
        UNAVAILABLE when too many are waiting."""
        if len(password) > MAX_LENGTH:
            return False
        return await self._run(partial(self._verify, stored, prepared(password)))

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's. Raises
        argon2.exceptions.InvalidHashError for what is none."""
        return self._argon2.check_needs_rehash(stored)

    async def _run(self, work: Callable[[], R]) -> R:
        if self._waiting >= MAX_WAITING:
            raise DomainError(
                ErrorReason.ERROR_REASON_UNAVAILABLE,
                "Too many passwords are waiting to be hashed; try again.",
            )
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

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
