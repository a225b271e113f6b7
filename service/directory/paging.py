"""Lists, page by page, whatever is listed.

A page begins after the last item of the page before, by its sort key and id, so that it costs
the same wherever it is, and what is written meanwhile makes none be skipped or repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from service.domain.errors import invalid_value
from service.domain.search import page_token
from service.domain.search.page_token import Position
from service.storage.search import bookmarks

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection, Database


class Placed(Protocol):
    """An item with its place in the order of a list: `key` is None where ids alone make it."""

    @property
    def id(self) -> UUID: ...
    @property
    def key(self) -> str | None: ...


Item = TypeVar("Item", bound=Placed)


class Source(Protocol[Item]):
    """Where the items of a list come from."""

    async def count(self, connection: Connection) -> int:
        """How many items there are in all."""

    async def rows(
        self, connection: Connection, *, limit: int, skip: int, position: Position | None
    ) -> list[Item]:
        """At most `limit` items, beginning after a position and passing over `skip`; in reverse
        order before a position that looks backwards."""


DEFAULT_PAGE_SIZE: Final = 100
MAX_PAGE_SIZE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Query(Generic[Item]):
    """What a list request asks, typed and checked. `digest` identifies the list: all pages of one
    list agree on it."""

    source: Source[Item]
    tenant_id: UUID
    digest: str
    page_size: int
    page_token: str
    skip: int
    count: bool

    @classmethod
    def of(cls, request: Any, source: Source[Item], tenant_id: UUID, digest: str) -> Query[Item]:
        """Read the fields that the requests of all lists have. Raises INVALID_VALUE."""
        if request.skip < 0 or (request.skip and request.page_token):
            raise invalid_value("skip", "skip must not be negative, nor go with a page_token.")
        return cls(
            source,
            tenant_id,
            digest,
            page_size=page_size_of(request),
            page_token=request.page_token,
            skip=request.skip,
            count=request.include_total_size,
        )


def page_size_of(request: Any) -> int:
    """How many items a page has: what is asked, within the limits; absent is the default.

    Raises INVALID_VALUE for a negative number (AIP-158).
    """
    if not request.HasField("page_size"):
        return DEFAULT_PAGE_SIZE
    if request.page_size < 0:
        raise invalid_value("page_size", "page_size must not be negative.")
    size: int = request.page_size
    return min(size, MAX_PAGE_SIZE)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items, and the tokens of the pages beside this one if there are any. `total_size` counts
    all that match, when that was asked for."""

    rows: list[Item]
    next_token: str = ""
    previous_token: str = ""
    total_size: int | None = None


async def page(database: Database, query: Query[Item], key: bytes) -> Page[Item]:
    """One page. Raises INVALID_PAGE_TOKEN, EXPIRED_PAGE_TOKEN, INVALID_PAGE_SIZE."""
    position = None
    if query.page_token:
        position = page_token.decode(query.page_token, query.digest, query.page_size, key)
    async with database.connection(query.tenant_id) as connection:
        rows = await _rows(connection, query, position) if query.page_size else []
        total = await _total(connection, query, position, len(rows)) if query.count else None
    return _page(query, rows, position, total, key)


async def _total(
    connection: Connection, query: Query[Item], position: Position | None, found: int
) -> int:
    """How many items the list has: a first page that is the last one too tells."""
    is_first = position is None and query.skip == 0
    if is_first and found <= query.page_size and query.page_size > 0:
        return found
    return await query.source.count(connection)


async def _rows(
    connection: Connection, query: Query[Item], position: Position | None
) -> list[Item]:
    """The rows of a page and one more. Deep in a list a walk by index goes on where its last
    step ended, and leaves a bookmark for the next."""
    tenant_id, skip = query.tenant_id, query.skip
    if skip > bookmarks.DEEP:
        position = await bookmarks.find(connection, tenant_id, query.digest, skip)
    rows = await query.source.rows(
        connection,
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
    query: Query[Item],
    rows: list[Item],
    position: Position | None,
    total: int | None,
    key: bytes,
) -> Page[Item]:
    """Rows come in reading order, with one more than the page holds if there is more."""
    more = len(rows) > query.page_size
    rows = rows[: query.page_size]
    backwards = position is not None and position.backwards
    if backwards:
        rows.reverse()
    following, preceding = (position is not None, more) if backwards else (more, bool(position))

    def token(row: Item, *, towards_start: bool) -> str:
        place = Position(row.key, row.id, backwards=towards_start)
        return page_token.encode(place, query.digest, query.page_size, key)

    return Page(
        rows,
        token(rows[-1], towards_start=False) if rows and following else "",
        token(rows[0], towards_start=True) if rows and preceding else "",
        total,
    )
