"""Lists of resources, page by page.

A page begins after the last resource of the page before, by its sort key and id, so that it
costs the same wherever it is, and what is written meanwhile makes none be skipped or repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.domain import filters, ordering, page_token
from service.domain.conditions import FALSE, TRUE
from service.domain.errors import invalid_value
from service.domain.page_token import Position
from service.storage import bookmarks, mixed_pages, pages
from service.storage.pages import Selection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rollbook.attributes import ResourceType
    from rollbook.v1.filter_pb2 import Filter
    from service.domain.ordering import NoOrder, Order
    from service.storage.database import Connection, Database
    from service.storage.derived import View

DEFAULT_PAGE_SIZE: Final = 100
MAX_PAGE_SIZE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Query:
    """What a list request asks, typed and checked: a selection for each type that can have what
    is asked for. `digest` identifies the list: all pages of one list agree on it."""

    tenant_id: UUID
    selections: Sequence[Selection]
    page_size: int
    page_token: str
    skip: int
    count: bool
    view: View
    digest: str

    @classmethod
    def of(
        cls, request: Any, resource_types: Sequence[ResourceType], tenant_id: UUID, view: View
    ) -> Query:
        """Read a ListUsersRequest, ListGroupsRequest or SearchResourcesRequest.

        Raises INVALID_FILTER, INVALID_VALUE.
        """
        if request.skip < 0 or (request.skip and request.page_token):
            raise invalid_value("skip", "skip must not be negative, nor go with a page_token.")
        return cls(
            tenant_id=tenant_id,
            selections=_selections(request, resource_types, tenant_id),
            page_size=page_size_of(request),
            page_token=request.page_token,
            skip=request.skip,
            count=request.include_total_size,
            view=view,
            digest=_digest(request, resource_types, tenant_id),
        )


def page_size_of(request: Any) -> int:
    """How many resources a page has: what is asked, within the limits; absent is the default.

    Raises INVALID_VALUE for a negative number (AIP-158).
    """
    if not request.HasField("page_size"):
        return DEFAULT_PAGE_SIZE
    if request.page_size < 0:
        raise invalid_value("page_size", "page_size must not be negative.")
    size: int = request.page_size
    return min(size, MAX_PAGE_SIZE)


def _selections(
    request: Any, resource_types: Sequence[ResourceType], tenant_id: UUID
) -> list[Selection]:
    conditions: list[filters.Condition] = [TRUE] * len(resource_types)
    if request.HasField("filter"):
        conditions = [
            filters.resolve(request.filter, kind, among=resource_types) for kind in resource_types
        ]
    orders: Sequence[Order | NoOrder | None] = [None] * len(resource_types)
    if request.HasField("order_by"):
        orders = ordering.resolve_orders(request.order_by, resource_types)
    return [
        Selection(tenant_id, kind, None if condition == TRUE else condition, order)
        for kind, condition, order in zip(resource_types, conditions, orders, strict=True)
        if condition != FALSE
    ]


def _digest(request: Any, resource_types: Sequence[ResourceType], tenant_id: UUID) -> str:
    return page_token.digest(
        " ".join(kind.name for kind in resource_types).encode(),
        tenant_id.bytes,
        request.filter.SerializeToString(deterministic=True),
        request.order_by.SerializeToString(deterministic=True),
    )


@dataclass(frozen=True, slots=True)
class Page:
    """Resources, and the tokens of the pages beside this one if there are any. `total_size`
    counts all that match, when that was asked for."""

    rows: list[pages.Row]
    next_token: str = ""
    previous_token: str = ""
    total_size: int | None = None


async def page(database: Database, query: Query, key: bytes) -> Page:
    """One page. Raises INVALID_PAGE_TOKEN, EXPIRED_PAGE_TOKEN, INVALID_PAGE_SIZE."""
    position = None
    if query.page_token:
        position = page_token.decode(query.page_token, query.digest, query.page_size, key)
    async with database.connection() as connection:
        total = await mixed_pages.count(connection, query.selections) if query.count else None
        if query.page_size == 0:
            return Page([], total_size=total)
        rows = await _rows(connection, query, position)
    return _page(query, rows, position, total, key)


async def _rows(connection: Connection, query: Query, position: Position | None) -> list[pages.Row]:
    """The rows of a page and one more. Deep in a list a walk by index goes on where its last
    step ended, and leaves a bookmark for the next."""
    tenant_id, skip = query.tenant_id, query.skip
    if skip > bookmarks.DEEP:
        position = await bookmarks.find(connection, tenant_id, query.digest, skip)
    rows = await mixed_pages.rows(
        connection,
        query.selections,
        query.view,
        limit=query.page_size + 1,
        skip=0 if position else skip,
        position=position,
    )
    place = skip + query.page_size
    if not query.page_token and place > bookmarks.DEEP and len(rows) > query.page_size:
        last = rows[query.page_size - 1]
        await bookmarks.save(
            connection, tenant_id, query.digest, place, Position(last.key, last.id)
        )
    return rows


def _page(
    query: Query,
    rows: list[pages.Row],
    position: Position | None,
    total: int | None,
    key: bytes,
) -> Page:
    """Rows come in reading order, with one more than the page holds if there is more."""
    more = len(rows) > query.page_size
    rows = rows[: query.page_size]
    backwards = position is not None and position.backwards
    if backwards:
        rows.reverse()
    following, preceding = (position is not None, more) if backwards else (more, bool(position))

    def token(row: pages.Row, *, towards_start: bool) -> str:
        place = Position(row.key, row.id, backwards=towards_start)
        return page_token.encode(place, query.digest, query.page_size, key)

    return Page(
        rows,
        token(rows[-1], towards_start=False) if rows and following else "",
        token(rows[0], towards_start=True) if rows and preceding else "",
        total,
    )


async def first(
    connection: Connection,
    tenant_id: UUID,
    resource_type: ResourceType,
    condition: Filter,
    view: View,
    limit: int,
) -> list[bytes]:
    """The oldest few resources that meet a condition. Raises INVALID_FILTER."""
    selection = Selection(tenant_id, resource_type, filters.resolve(condition, resource_type))
    rows = await pages.rows(connection, selection, view, limit=limit)
    return [row.resource for row in rows]
