"""Pages of resources of several types in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.storage import resources
from service.storage.search import page_sql, pages
from service.storage.search.page_sql import Window
from service.storage.search.pages import Row, Selection
from service.storage.search.search_sql import literal
from service.storage.search.sort_sql import SortKey, sort_keys

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg

    from rollbook.attributes import ResourceType
    from service.domain.search.page_token import Position
    from service.storage.database import Connection
    from service.storage.derived import View


_MAX_SKIP: Final = 1 << 62
"""Beyond every resource; more would not fit into 64 bits with the limit added."""


async def count(connection: Connection, selections: Sequence[Selection]) -> int:
    """How many resources there are in all."""
    return sum([await pages.count(connection, selection) for selection in selections])


async def rows(
    connection: Connection,
    selections: Sequence[Selection],
    view: View,
    *,
    limit: int,
    skip: int = 0,
    position: Position | None = None,
) -> list[Row]:
    """As `pages.rows`, for selections of different types of one tenant. A resource that is
    deleted while they are gathered is left out."""
    if len(selections) == 1:
        return await pages.rows(
            connection, selections[0], view, limit=limit, skip=skip, position=position
        )
    if not selections:
        return []
    records = await _found(connection, selections, limit, skip, position)
    result: dict[UUID, tuple[ResourceType, bytes]] = {}
    for selection in selections:
        kind = selection.resource_type
        ids = [record["id"] for record in records if record["resource_type"] == kind.name]
        found = await resources.get_many(connection, selection.tenant_id, kind, ids, view)
        result |= {id_: (kind, resource) for id_, resource in found.items()}
    return [
        Row(record["id"], record["sort_key"], *result[record["id"]])
        for record in records
        if record["id"] in result
    ]


async def _found(
    connection: Connection,
    selections: Sequence[Selection],
    limit: int,
    skip: int,
    position: Position | None,
) -> list[asyncpg.Record]:
    """Rows of id, resource_type and sort_key: of each type as many as the page may need, found
    as those of a list of that type are."""
    parameters: list[object] = []
    one_plan = all(page_sql.fits_one_plan(each.condition) for each in selections)
    size, offset = page_sql.bounds(limit, min(skip, _MAX_SKIP), parameters, one_plan=one_plan)
    most = f"{size}::int8 + {offset}::int8" if skip else size
    keys = sort_keys([selection.order for selection in selections])
    parts = [
        _part(selection, key, position, most, parameters)
        for selection, key in zip(selections, keys, strict=True)
    ]
    key, backwards = keys[0], position is not None and position.backwards
    typed = f"found.sort_key::{key.sql_type}" if key.sql else ""
    if key.sql_type == "text":
        typed = 'found.sort_key COLLATE "C"'
    order = key.order_of(typed, "found.id", backwards=backwards)
    return await connection.fetch(
        f"SELECT found.* FROM ({' UNION ALL '.join(parts)}) AS found "
        f"ORDER BY {order} LIMIT {size} OFFSET {offset}",
        *parameters,
    )


def _part(
    selection: Selection,
    key: SortKey,
    position: Position | None,
    limit: str,
    parameters: list[object],
) -> str:
    restriction = selection.restriction(parameters)
    backwards = position is not None and position.backwards
    if position is not None:
        beyond = key.beyond(position.key, position.id, parameters, backwards=backwards)
        restriction = f"{restriction} AND {beyond}"
    window = Window(key, backwards, limit, offset="0")
    page = page_sql.page(restriction, selection.condition, window, selection.tenant_id, parameters)
    kind = literal(selection.resource_type.name)
    return f"(WITH {page} SELECT page.id, {kind} AS resource_type, page.sort_key FROM page)"
