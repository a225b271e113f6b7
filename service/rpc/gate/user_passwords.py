"""Users who log in with their password: is it theirs, and how often a wrong one may be tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.search.folding import fold
from service.storage import passwords

if TYPE_CHECKING:
    from uuid import UUID

    from service.passwords import PasswordHasher
    from service.rpc.gate.attempts import Attempts
    from service.storage.database import Database
    from service.storage.passwords import UserPassword


class UserPasswords:
    """Checks passwords of users, for services and for the pages on which people sign in."""

    def __init__(self, database: Database, hasher: PasswordHasher, attempts: Attempts) -> None:
        self._database = database
        self._hasher = hasher
        self._attempts = attempts

    async def verify(
        self, tenant_id: UUID, user: UUID | str, password: str, *, client: str, caller: str = ""
    ) -> UUID | None:
        """The id of the active user with this id or userName, if it is their password.

        `client` names where the attempt comes from, as an address; it may be empty when there is
        a `caller`, the service that asks for others. Who is let in has to be active still when
        that is written down: whoever does so calls `principals.hold`.

        A wrong password, and a user who has none, is deactivated or does not exist, look the
        same, in time too. Raises RATE_LIMITED, and UNAVAILABLE when too many are being checked.
        """
        found = await self._find(tenant_id, user)
        # Of one user all attempts are counted together, by whichever name they go.
        name = f"{tenant_id} {found.user_id if found else fold(str(user))}"
        self._attempts.begin(name, client, caller)
        try:
            is_right = await self._hasher.verify(found.hash if found else None, password)
        except BaseException:
            self._attempts.take_back(name, client, caller)
            raise
        if found is None or not is_right:
            return None
        self._attempts.take_back(name, client, caller)
        return found.user_id if await self._is_still_right(tenant_id, found, password) else None

    async def _find(self, tenant_id: UUID, user: UUID | str) -> UserPassword | None:
        async with self._database.connection(tenant_id) as connection:
            return await passwords.of_user(connection, tenant_id, user)

    async def _is_still_right(self, tenant_id: UUID, found: UserPassword, password: str) -> bool:
        """Whether nothing has changed while the password was checked; a hash of former parameters
        is replaced by one of today's."""
        renewed = None
        if found.hash is not None and self._hasher.is_outdated(found.hash):
            renewed = await self._hasher.hash(password)
        async with self._database.connection(tenant_id) as connection:
            if renewed is not None:
                await passwords.rehash(connection, tenant_id, found, renewed)
            return await passwords.is_current(connection, tenant_id, found)
