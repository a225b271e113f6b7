"""Browsers that sign in at an OpenID provider: expected when they are sent there, and signed in
when they come back. Functions run inside the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.access import Scope
from service.directory.access.administration import scopes_of
from service.directory.oauth import signing_in
from service.storage.oauth import pending_sign_ins, sign_in_providers, vouched_users
from service.storage.oauth.sign_ins import SignIn

if TYPE_CHECKING:
    from uuid import UUID

    from service.domain.oauth.vouching import Identity
    from service.storage.database import Connection
    from service.storage.oauth.pending_sign_ins import PendingSignIn
    from service.storage.oauth.sign_in_providers import StoredProvider
    from service.storage.oauth.vouched_users import VouchedUser


async def expect(
    connection: Connection,
    tenant_id: UUID,
    provider: StoredProvider,
    state_hash: bytes,
    session_hash: bytes,
    pending: PendingSignIn,
) -> bool:
    """Expect a browser to come back; False if the provider is no more what it was."""
    if not await sign_in_providers.stays(connection, tenant_id, provider.id, provider.version):
        return False
    await pending_sign_ins.insert(connection, tenant_id, state_hash, session_hash, pending)
    return True


async def sign_in(
    connection: Connection,
    tenant_id: UUID,
    provider: StoredProvider,
    identity: Identity,
    session_hash: bytes,
) -> bool:
    """Sign in the administrator that a provider vouches for; False if it is none, or if the
    provider is no more what it was when it was asked."""
    if not await sign_in_providers.stays(connection, tenant_id, provider.id, provider.version):
        return False
    user = await _user_of(connection, tenant_id, identity)
    scopes = await scopes_of(connection, tenant_id, user.id) if user else frozenset()
    if user is None or Scope.ADMIN not in scopes:
        return False
    found = SignIn(user.name, user.id, None, scopes, provider.id)
    return await signing_in.sign_in(connection, tenant_id, session_hash, found)


async def _user_of(
    connection: Connection, tenant_id: UUID, identity: Identity
) -> VouchedUser | None:
    if identity.external_id:
        return await vouched_users.by_external_id(connection, tenant_id, identity.external_id)
    return await vouched_users.by_email(connection, tenant_id, identity.email)
