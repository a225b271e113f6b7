"""Deleting a SCIM connection, and what was for it.

Part of the caller's transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory.oauth import clients as oauth_clients
from service.directory.scim_connections import existing, record
from service.domain import etag
from service.domain.access.roles import MANUAL, SCIM
from service.domain.errors import DomainError
from service.storage import scim_connections
from service.storage.access import role_sources

if TYPE_CHECKING:
    from service.storage.changes import Author
    from service.storage.database import Connection as DatabaseConnection


async def delete(
    connection: DatabaseConnection,
    author: Author,
    text: str,
    condition: str,
    *,
    revoke_roles: bool,
) -> None:
    """A connection less, its credentials revoked and its OAuth clients removed. Raises
    CONNECTION_NOT_FOUND, ETAG_MISMATCH, CONNECTION_IS_DEFAULT.

    Nobody could take back roles whose source is gone: they are an administrator's from then on,
    or come to their end.
    """
    stored = await existing(connection, author.tenant_id, text, hold=True)
    etag.require(condition, stored.version)
    if stored.is_default:
        raise DomainError(
            ErrorReason.ERROR_REASON_CONNECTION_IS_DEFAULT,
            f"{stored.content.name!r} is the tenant's default connection, which cannot be deleted; "
            "disable it instead.",
            metadata={"connection": stored.content.name},
        )
    # By themselves, not by the database in the wake of the connection: their tokens would get
    # their connection taken away when their client is gone already.
    await oauth_clients.delete_of_connection(connection, author, stored.id)
    await scim_connections.delete(connection, author.tenant_id, stored.id)
    source = f"{SCIM}{stored.id}"
    if revoke_roles:
        author.effects.rights_changed = True
        await role_sources.end(connection, author.tenant_id, source)
    else:
        await role_sources.hand_over(connection, author.tenant_id, source, MANUAL)
    await record(connection, author, "delete", stored, ())
