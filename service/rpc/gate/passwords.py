"""Basic credentials: user names with passwords, and how often a wrong one may be tried."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import TYPE_CHECKING, Final

from service.rpc.gate.expected_tenant import NOTHING
from service.storage import credentials, tenants
from service.storage.database import NO_TENANT

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from service.passwords import PasswordHasher
    from service.rpc.gate.attempts import Attempts
    from service.rpc.gate.expected_tenant import Expected
    from service.storage.credentials import Credential
    from service.storage.database import Database

CACHE_SIZE: Final = 10_000


class Passwords:
    """Checks user names with passwords."""

    def __init__(self, database: Database, hasher: PasswordHasher, attempts: Attempts) -> None:
        self._database = database
        self._hasher = hasher
        self._attempts = attempts
        # What argon2 has approved, under the hash of the header: so that a password costs its
        # work once, and one that was changed is noticed.
        self._verified: dict[bytes, str] = {}
        # What argon2 is at. Many calls come at once with one password: it is checked once.
        self._checking: dict[tuple[bytes, str | None], asyncio.Task[bool]] = {}

    async def find(
        self, encoded: str, key: bytes, client: Callable[[], str], expected: Expected = NOTHING
    ) -> Credential | None:
        """The credential that a header gives in base64; None when it is not valid.

        `key` is a hash of the header and of what is `expected`: user names are those of the
        tenant that this names, of the default one if it names none. Whether there is such a user
        neither shows in the answer nor in its time. Raises RATE_LIMITED, and UNAVAILABLE when too
        many are being checked.
        """
        pair = _decoded(encoded)
        if pair is None:
            return None
        user_name, password = pair
        tenant_id = await self._tenant_of(expected)
        async with self._database.connection(tenant_id) as connection:
            credential = await credentials.by_user_name(connection, tenant_id, user_name)
        stored = credential.password_hash if credential else None
        if stored is not None and self._verified.get(key) == stored:
            return credential
        checking = self._checking.get((key, stored))
        if checking is None:
            client_name = client()
            # Guesses at a name in one tenant are no other tenant's business.
            whose = f"{tenant_id} {user_name}"
            self._attempts.begin(whose, client_name)
            check = self._check(key, stored, whose, password, client_name)
            checking = self._checking[key, stored] = asyncio.create_task(check)
            checking.add_done_callback(lambda done: self._settle((key, stored), done))
        # A call that is given up does not take the check from the others.
        return credential if await asyncio.shield(checking) else None

    async def _tenant_of(self, expected: Expected) -> UUID:
        """Whose user names count; nobody's where there is no such tenant."""
        if expected.name is None:
            return credentials.DEFAULT_TENANT
        async with self._database.across_tenants() as connection:
            tenant = await tenants.find(connection, expected.name)
        return tenant.tenant_id if tenant else NO_TENANT

    def _settle(self, checked: tuple[bytes, str | None], done: asyncio.Task[bool]) -> None:
        del self._checking[checked]
        if not done.cancelled():
            # Looked at here, since those who waited for it may all have gone.
            done.exception()

    async def _check(
        self, key: bytes, stored: str | None, user_name: str, password: str, client: str
    ) -> bool:
        try:
            is_right = await self._hasher.verify(stored, password)
        except BaseException:
            self._attempts.take_back(user_name, client)
            raise
        if is_right and stored is not None:
            self._attempts.take_back(user_name, client)
            if len(self._verified) >= CACHE_SIZE:
                self._verified.clear()
            self._verified[key] = stored
        return is_right


def _decoded(encoded: str) -> tuple[str, str] | None:
    """User name and password (RFC 7617 §2)."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user_name, colon, password = text.partition(":")
    return (user_name, password) if colon and "\0" not in user_name else None
