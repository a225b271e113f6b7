"""How many calls a worker is at, and a quick answer to those that would be too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from types import TracebackType


class Load:
    """Counts the calls that a worker has open, `limit` at most: entered by each."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = 0

    def __enter__(self) -> None:
        """Raises UNAVAILABLE when there are too many."""
        self.require_room()
        self._open += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open -= 1

    def require_room(self) -> None:
        """Raises UNAVAILABLE, at once, when there are too many calls open: whoever waited would
        be given up before their turn came."""
        if self._open >= self._limit:
            raise DomainError(
                ErrorReason.ERROR_REASON_UNAVAILABLE,
                f"The service is overloaded: it has {self._limit} calls open. Try again.",
                metadata={"limit": str(self._limit)},
                retry_after=1,
            )
