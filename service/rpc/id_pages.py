"""Pages of the lists that are read newest first and whose places are ids: credentials, clients,
grants, issuers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from service.directory.paging import page_size_of
from service.domain.search import page_token
from service.domain.search.page_token import Position

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from service.rpc.calls import Call


class Identified(Protocol):
    """An item whose id is its place in the list."""

    @property
    def id(self) -> UUID: ...


Item = TypeVar("Item", bound=Identified)


@dataclass(frozen=True, slots=True)
class IdPage:
    """The page that a request asks for: of at most `size` items, which come after the one with the
    id `before`, if there is one. One more is read, as `limit` says, to know whether there are
    others."""

    size: int
    before: UUID | None
    _digest: str
    _key: bytes

    @classmethod
    def of(cls, request: Any, call: Call, key: bytes, *narrowed: bytes) -> Self:
        """Read the fields that the requests of these lists have; `key` signs page tokens, and
        `narrowed` is by what else the list is a list of its own. Raises INVALID_VALUE,
        INVALID_PAGE_TOKEN, EXPIRED_PAGE_TOKEN, INVALID_PAGE_SIZE."""
        size = max(1, page_size_of(request))
        digest = page_token.digest(call.method.encode(), call.tenant_id.bytes, *narrowed)
        before = None
        if request.page_token:
            before = page_token.decode(request.page_token, digest, size, key).id
        return cls(size, before, digest, key)

    @property
    def limit(self) -> int:
        """How many items to read."""
        return self.size + 1

    def cut(self, found: Sequence[Item]) -> tuple[Sequence[Item], str]:
        """The items of the page, and the token of the next one, empty on the last."""
        if len(found) <= self.size:
            return found, ""
        last = Position(None, found[self.size - 1].id)
        return found[: self.size], page_token.encode(last, self._digest, self.size, self._key)
