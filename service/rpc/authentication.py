"""Who calls: credentials of the `authorization` metadata, checked against their stored hashes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.storage import credentials

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from service.passwords import PasswordHasher
    from service.storage.credentials import Credential
    from service.storage.database import Database

CACHE_SECONDS: Final = 1.0
"""How long a check of a credential holds before the database is asked again."""

CACHE_SIZE: Final = 10_000

_MAX_HEADER: Final = 8_192


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is allowed in: the tenant and the name that `changes` records."""

    tenant_id: UUID
    name: str


class Authenticator:
    """Checks credentials. Keeps the outcome for a second, under a hash of the header."""

    def __init__(self, database: Database, hasher: PasswordHasher) -> None:
        self._database = database
        self._hasher = hasher
        self._known: dict[bytes, tuple[float, Caller]] = {}
        # What argon2 has approved, under the hash of header and stored hash: so that a valid
        # password costs its work once, and a changed one is noticed.
        self._verified: dict[bytes, bytes] = {}

    async def authenticate(self, metadata: Mapping[str, str]) -> Caller:
        """The caller. Raises CREDENTIALS_MISSING or CREDENTIALS_INVALID."""
        header = metadata.get("authorization", "").strip()
        if not header:
            raise DomainError(
                ErrorReason.ERROR_REASON_CREDENTIALS_MISSING,
                "The call has no credentials: send an authorization header with a bearer token.",
            )
        if len(header) > _MAX_HEADER:
            raise _invalid()
        key = hashlib.sha256(header.encode("utf-8", "surrogateescape")).digest()
        known = self._known.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        caller = await self._check(header, key)
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[key] = (time.monotonic() + CACHE_SECONDS, caller)
        return caller

    async def _check(self, header: str, key: bytes) -> Caller:
        scheme, _, rest = header.partition(" ")
        if scheme.lower() == "basic" and rest:
            credential = await self._check_basic(rest.strip(), key)
        else:
            # Okta's header mode sends the token with no scheme at all.
            token = rest.strip() if scheme.lower() == "bearer" and rest else header
            digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
            async with self._database.connection() as connection:
                credential = await credentials.by_token_hash(connection, digest)
        if credential is None:
            raise _invalid()
        return Caller(credential.tenant_id, credential.name)

    async def _check_basic(self, encoded: str, key: bytes) -> Credential | None:
        user_name, password = _decode_basic(encoded)
        async with self._database.connection() as connection:
            credential = await credentials.by_user_name(
                connection, credentials.DEFAULT_TENANT, user_name
            )
        stored = credential.password_hash if credential else None
        if stored and self._verified.get(key) == stored.encode():
            return credential
        if not await self._hasher.verify(stored, password):
            return None
        assert stored is not None
        if len(self._verified) >= CACHE_SIZE:
            self._verified.clear()
        self._verified[key] = stored.encode()
        return credential


def _decode_basic(encoded: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        raise _invalid() from None
    user_name, colon, password = text.partition(":")
    if not colon or "\0" in user_name:
        raise _invalid()
    return user_name, password


def _invalid() -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_CREDENTIALS_INVALID,
        "The credentials are not valid: check the token, or the user name and password.",
    )
