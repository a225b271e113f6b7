"""How many requests a process is at, and a quick answer to those that would be too many."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from gateway.scim.errors import from_reason

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALWAYS_ANSWERED: Final = frozenset({"/healthz", "/readyz"})
"""A process that has much to do is alive and ready."""


class OpenRequests:
    """Counts the requests that are open, `limit` at most."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = 0

    @contextmanager
    def one_more(self, path: str) -> Iterator[None]:
        """Around a request. Raises ScimError 503 when there are too many."""
        if self._open >= self._limit and path not in _ALWAYS_ANSWERED:
            raise from_reason("UNAVAILABLE", "")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
