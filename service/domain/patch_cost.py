"""What a patch costs: how many elements its operations look at.

A user may have thousands of e-mail addresses and a patch a thousand operations, each with a filter
that every address is tried against. All of that is done while other calls wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.attributes import Attribute, Extension
    from rollbook.v1.filter_pb2 import Filter

MAX_VISITS: Final = 250_000
"""How many elements the operations of a patch may look at, counted once more for each condition of
a filter: a fraction of a second."""


class Visits:
    """Counts what the operations of one patch look at."""

    def __init__(self) -> None:
        self._count = 0

    def add(
        self,
        resource: Any,
        extension: Extension | None,
        attribute: Attribute | None,
        value_filter: Filter | None,
    ) -> None:
        """Counts an operation on an attribute of a resource, or on all of an extension's.

        Raises TOO_MANY once there are more than `MAX_VISITS`.
        """
        attributes: Iterable[Attribute] = (attribute,) if attribute is not None else ()
        if extension is not None:
            attributes = attributes or extension.schema.attributes
            resource = getattr(resource, extension.field)
        elements = sum(
            len(getattr(resource, each.field)) for each in attributes if each.multi_valued
        )
        terms = _terms(value_filter) if value_filter is not None else 0
        self._count += max(elements, 1) * (1 + terms)
        if self._count > MAX_VISITS:
            raise DomainError(
                ErrorReason.ERROR_REASON_TOO_MANY,
                f"The operations look at more than {MAX_VISITS} elements, each condition of a "
                "filter counting; send fewer operations at once.",
            )


def _terms(value_filter: Filter) -> int:
    """How many conditions a filter has."""
    kind = value_filter.WhichOneof("kind")
    if kind == "not":
        return _terms(getattr(value_filter, "not"))
    if kind in {"and", "or"}:
        return sum(map(_terms, getattr(value_filter, kind).filters))
    return 1
