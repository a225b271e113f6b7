"""Principals: resources that credentials may belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.storage.api_tokens import COLUMNS, ApiToken, token_of
from service.storage.credentials import VALID
from service.storage.oauth import grants as oauth_grants
from service.storage.oauth import sign_ins

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from service.storage.database import Connection
    from service.storage.oauth.grants import GrantRecord


@dataclass(frozen=True, slots=True)
class Principal:
    """A resource as what it is to credentials."""

    id: UUID
    resource_type: str
    active: bool


async def hold(connection: Connection, tenant_id: UUID, identifier: UUID) -> Principal | None:
    """The resource of an id, which can be neither changed nor deleted until the transaction ends.

    Whoever gives a principal something to get in with holds it first: a deactivation either waits
    and finds what was given, or has come first and shows here.
    """
    row = await connection.fetchrow(
        "SELECT id, resource_type, active FROM resources "
        "WHERE tenant_id = $1 AND id = $2 FOR SHARE",
        tenant_id,
        identifier,
    )
    return Principal(**row) if row else None


async def revoke_of_principals(
    connection: Connection, tenant_id: UUID, ids: Collection[UUID]
) -> tuple[list[ApiToken], list[GrantRecord]]:
    """Let nothing be valid any more that lets these principals in, whose rows the transaction
    holds. Returns the credentials and the grants that were valid until now.

    Every table of what people get in with has its statement here.
    """
    grants = await oauth_grants.revoke_of_principals(connection, tenant_id, ids)
    await sign_ins.delete_of_principals(connection, tenant_id, ids)
    rows = await connection.fetch(
        f"""
        UPDATE credentials SET revoke_time = now(), version = version + 1
        WHERE tenant_id = $1 AND principal_id = ANY ($2::uuid []) AND {VALID}
        RETURNING {COLUMNS}
        """,
        tenant_id,
        ids,
    )
    return [token_of(row) for row in rows], grants
