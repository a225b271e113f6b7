"""Administrators who sign in with a browser: by an API token, or by a user's password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.access import Scope
from rollbook.tokens import ACCESS_PREFIX
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory.access.administration import scopes_of
from service.domain.errors import DomainError
from service.domain.search.folding import fold
from service.storage import credentials, passwords
from service.storage.oauth.sign_ins import SignIn

if TYPE_CHECKING:
    from uuid import UUID

    from service.rpc.gate.authentication import Authenticator, Client
    from service.rpc.gate.user_passwords import UserPasswords
    from service.storage.database import Database


class Administrators:
    """Tells administrators of a tenant from others."""

    def __init__(
        self, database: Database, authenticator: Authenticator, passwords: UserPasswords
    ) -> None:
        self._database = database
        self._authenticator = authenticator
        self._passwords = passwords

    async def by_token(self, tenant_id: UUID, token: str, client: Client) -> SignIn | None:
        """The holder of an API token with the scope `admin`."""
        text = token.strip()
        # What a client was given is no way to give more.
        if not text or text.startswith(ACCESS_PREFIX):
            return None
        try:
            caller = await self._authenticator.authenticate(
                {"authorization": f"Bearer {text}"}, client
            )
        except DomainError as error:
            if error.reason == ErrorReason.ERROR_REASON_CREDENTIALS_INVALID:
                return None
            raise
        if caller.tenant_id != tenant_id or Scope.ADMIN not in caller.scopes:
            return None
        async with self._database.connection(tenant_id) as connection:
            # A token of an external issuer is none of ours, that could be revoked.
            if await credentials.by_id(connection, tenant_id, caller.credential_id) is None:
                return None
        # What is done with somebody's own token ends with them.
        return SignIn(caller.name, caller.principal_id, caller.credential_id, caller.scopes)

    async def by_password(
        self, tenant_id: UUID, user_name: str, password: str, client: Client
    ) -> SignIn | None:
        """The active user of a name and password whose roles grant the scope `admin`. Whether
        there is such a user neither shows in the answer nor in its time. Raises RATE_LIMITED, and
        UNAVAILABLE when too many are being checked."""
        async with self._database.connection(tenant_id) as connection:
            shown = await passwords.of_user(connection, tenant_id, user_name)
        user_id = await self._passwords.verify(tenant_id, user_name, password, client=client())
        if user_id is None or shown is None or shown.user_id != user_id:
            return None
        async with self._database.connection(tenant_id) as connection:
            scopes = await scopes_of(connection, tenant_id, user_id)
        if Scope.ADMIN not in scopes:
            return None
        return SignIn(fold(user_name), user_id, None, scopes, password=shown)
