"""Pages of resources: rows that meet a condition, in an order, from a position on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.storage import derived

if TYPE_CHECKING:
    from uuid import UUID

    from service.domain.page_token import Key


@dataclass(frozen=True, slots=True)
class Row:
    """One resource of a page, with its place in the order."""

    id: UUID
    key: Key
    resource: bytes


async def count(connection, query) -> int:
    return await connection.fetchval(
        "SELECT count(*) FROM resources WHERE tenant_id=$1 AND resource_type=$2",
        query.tenant_id,
        query.resource_type.name,
    )


async def rows(connection, query, position):
    view, kind = query.view, query.resource_type
    records = await connection.fetch(
        f"SELECT {view.columns(kind)} FROM resources AS r {view.joins(kind)} "
        "WHERE r.tenant_id = $1 AND r.resource_type = $2 ORDER BY r.id LIMIT $3 OFFSET $4",
        query.tenant_id,
        kind.name,
        query.page_size + 1,
        query.skip,
    )
    return [Row(r["id"], None, derived.wire_form(r, kind, view)) for r in records]
