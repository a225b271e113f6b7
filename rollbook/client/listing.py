"""A list of any length, fetched page by page while it is walked."""

from __future__ import annotations

from copy import copy
from itertools import islice
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator


class Page(Protocol):
    """An answer that may have a successor."""

    next_page_token: str


class PageRequest(Protocol):
    """A request for one page."""

    page_token: str


Q = TypeVar("Q", bound=PageRequest)
P = TypeVar("P", bound=Page)
T = TypeVar("T")


class Listing(Generic[P, T]):
    """All items of a list: `async for user in listing`, or by `pages()` as the service answers
    them. One page is held at a time. Each walk starts afresh."""

    def __init__(
        self, fetch: Callable[[str], Awaitable[P]], items: Callable[[P], Iterable[T]]
    ) -> None:
        self._fetch = fetch
        self._items = items

    async def pages(self) -> AsyncIterator[P]:
        """The answers of the service, one for each page. Raises what the call raises."""
        page = await self._fetch("")
        yield page
        while page.next_page_token:
            page = await self._fetch(page.next_page_token)
            yield page

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in self._items(page):
                yield item


def page_request(request: Q, page_token: str) -> Q:
    """The request for the page that a token names. A copy, as walks may run side by side."""
    page = copy(request)
    page.page_token = page_token
    return page


def chunks(items: Iterable[str], size: int) -> Iterator[list[str]]:
    """The items in lists of at most `size`; one empty list when there are none, so that a call
    is made and its subject checked."""
    rest = iter(items)
    yield list(islice(rest, size))
    while chunk := list(islice(rest, size)):
        yield chunk
