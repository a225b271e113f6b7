"""Users as others know them: by an id that an identity provider gave, or an e-mail address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from service.domain.search.folding import fold
from service.storage.search.search_sql import RESOURCES

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection

_USERS: Final = f"""
SELECT r.id, r.unique_key AS name FROM {RESOURCES} AS r
WHERE r.tenant_id = $1 AND r.resource_type = 'User'
"""


@dataclass(frozen=True, slots=True)
class VouchedUser:
    """A user, active or not, with the folded userName."""

    id: UUID
    name: str


async def by_external_id(
    connection: Connection, tenant_id: UUID, external_id: str
) -> VouchedUser | None:
    """The user of an externalId; nobody when several have it."""
    rows = await connection.fetch(
        f"{_USERS} AND r.external_id = $2 LIMIT 2", tenant_id, external_id
    )
    return VouchedUser(**rows[0]) if len(rows) == 1 else None


async def by_email(connection: Connection, tenant_id: UUID, email: str) -> VouchedUser | None:
    """The user whose userName is an e-mail address, or else the one whose primary address it is;
    nobody when it is that of several."""
    rows = await connection.fetch(f"{_USERS} AND r.unique_key = $2", tenant_id, fold(email))
    if not rows:
        document = {str(tenant_id): {"emails": [{"value": fold(email), "primary": True}]}}
        rows = await connection.fetch(
            f"{_USERS} AND tenant_document(r.tenant_id, r.search) @> $2::jsonb LIMIT 2",
            tenant_id,
            orjson.dumps(document).decode(),
        )
    return VouchedUser(**rows[0]) if len(rows) == 1 else None
