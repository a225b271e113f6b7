"""Who is signed in with a browser: an administrator, for as long as they are one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollbook.access import Scope
from service.directory.access.administration import scopes_of
from service.storage import passwords, principals
from service.storage.oauth import sign_ins

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection
    from service.storage.oauth.sign_ins import SignIn


async def administrator(
    connection: Connection, tenant_id: UUID, session_hash: bytes
) -> SignIn | None:
    """Who is signed in, with the scopes of now; nobody when they have lost `admin`."""
    found = await sign_ins.get(connection, tenant_id, session_hash)
    if found is None:
        return None
    if found.principal_id is not None:
        own = await scopes_of(connection, tenant_id, found.principal_id)
        scopes = own & found.scopes if found.credential_id is not None else own
        found = replace(found, scopes=scopes)
    return found if Scope.ADMIN in found.scopes else None


async def sign_in(
    connection: Connection, tenant_id: UUID, session_hash: bytes, found: SignIn
) -> bool:
    """Sign somebody in; False when they have been deactivated meanwhile, or got a new password."""
    if not await stays_active(connection, tenant_id, found):
        return False
    shown = found.password
    # Held as they are now, whoever sets a password either waits and signs them out, or came first.
    if shown is not None and not await passwords.is_current(connection, tenant_id, shown):
        return False
    await sign_ins.insert(connection, tenant_id, session_hash, found)
    return True


async def stays_active(connection: Connection, tenant_id: UUID, signed_in: SignIn) -> bool:
    """Whether somebody is active and stays so until the transaction ends: a deactivation either
    waits and finds what they are given, or has come first."""
    if signed_in.principal_id is None:
        return True
    principal = await principals.hold(connection, tenant_id, signed_in.principal_id)
    return principal is not None and principal.active
