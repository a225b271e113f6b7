"""Many writes as one request (RFC 7644 §3.7): what is to be done, and what is known of it while it
is being done."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.limits import MAX_BULK_OPERATIONS
from rollbook.schema_sets import DEFAULT
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain import bulk_order
from service.domain.bulk_references import PREFIX, footprint, map_ids, unresolved
from service.domain.errors import DomainError, invalid_value
from service.domain.search.comparison import copy_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from rollbook.schema_sets import SchemaSet
    from rollbook.v1.directory_service_pb2 import BulkOperation, BulkRequest
    from service.domain.bulk_order import Component
    from service.domain.bulk_references import Footprint

MAX_TOLERANCES: Final = 50
_TOLERANCE: Final = re.compile(r"[A-Z0-9_]{1,64}")

_OF_THE_BULK: Final = ("request_id", "validate_only", "read_mask")
"""Fields of a write that the bulk has for all of them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Operations, what each of them is about, and the order in which they run. No more are begun
    after `fail_on_errors` of them failed, unless that is 0. Resources are those of the tenant's
    `schemas`."""

    schemas: SchemaSet
    operations: Sequence[BulkOperation]
    footprints: Sequence[Footprint]
    components: Sequence[Component]
    fail_on_errors: int

    @classmethod
    def of(cls, request: BulkRequest, schemas: SchemaSet = DEFAULT) -> Plan:
        """The plan for a request that `check` has passed."""
        footprints = [footprint(operation, schemas) for operation in request.operations]
        return cls(
            schemas,
            request.operations,
            footprints,
            bulk_order.components(footprints),
            request.fail_on_errors,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one operation; `id` is empty when there is no such resource, `etag` when
    it failed or deleted the resource."""

    index: int
    id: str = ""
    etag: str = ""
    error: DomainError | None = None


def check(request: BulkRequest) -> None:
    """Check what makes sense for the request as a whole only.

    Raises TOO_MANY, INVALID_VALUE, and INVALID_SYNTAX for a bulk_id that occurs twice.
    """
    if len(request.operations) > MAX_BULK_OPERATIONS:
        raise DomainError(
            ErrorReason.ERROR_REASON_TOO_MANY,
            f"{len(request.operations)} operations were given; {MAX_BULK_OPERATIONS} are the "
            "most at once.",
            field="operations",
        )
    if request.fail_on_errors < 0:
        raise invalid_value("fail_on_errors", "fail_on_errors must not be negative.")
    names = Counter(operation.bulk_id for operation in request.operations if operation.bulk_id)
    for name, count in names.most_common(1):
        if count > 1:
            raise DomainError(
                ErrorReason.ERROR_REASON_INVALID_SYNTAX,
                f"The bulkId {name[:100]!r} is given to {count} operations; each needs its own.",
                field="bulkId",
            )


class Progress:
    """What is known while the operations of a plan run: ids, outcomes, how many have failed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._names = {PREFIX + each.bulk_id for each in plan.operations if each.bulk_id}
        self._ids: dict[str, str] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._failures = 0

    @property
    def outcomes(self) -> list[Outcome]:
        """Those of the operations that were begun, in the order of the request."""
        return [self._outcomes[index] for index in sorted(self._outcomes)]

    def stops(self, *, more_failures: int = 0) -> bool:
        """Whether so many have failed, or would have after some more, that no other begins."""
        limit = self._plan.fail_on_errors
        return 0 < limit <= self._failures + more_failures

    def note(self, outcome: Outcome) -> None:
        """An operation has been done, or has failed for good."""
        self._outcomes[outcome.index] = outcome
        self._failures += outcome.error is not None

    def name(self, index: int, identifier: UUID) -> None:
        """A creation is going to have this id: references to it can be resolved."""
        self._ids[self._plan.footprints[index].target] = str(identifier)

    def forget(self, index: int) -> None:
        """A creation is not going to happen after all, or not yet."""
        self._ids.pop(self._plan.footprints[index].target, None)

    def resolved(self, index: int) -> BulkOperation:
        """A copy of an operation, with ids in the place of references.

        Raises BULK_REFERENCE, and what else is wrong with it whatever the directory holds.
        """
        operation = copy_of(self._plan.operations[index])
        _check_operation(operation)
        map_ids(operation, self._id_of, self._plan.schemas)
        return operation

    def failed(self, index: int, error: DomainError) -> Outcome:
        """The outcome of an operation that has an error."""
        footprint = self._plan.footprints[index]
        if footprint.creates:
            return Outcome(index, error=error)
        target = footprint.target
        known = self._ids.get(target, "") if target.startswith(PREFIX) else target
        return Outcome(index, known, error=error)

    def broken_by(self, indices: Iterable[int], failed: Iterable[int]) -> dict[int, DomainError]:
        """Those of the operations that refer to creations which failed, with the error."""
        lost = {self._plan.footprints[index].target for index in failed} - {""}
        return {
            index: unresolved(min(missing), known=True)
            for index in indices
            if (missing := self._plan.footprints[index].mentions & lost)
        }

    def _id_of(self, text: str) -> str:
        if not text.startswith(PREFIX):
            return text
        known = self._ids.get(text)
        if known is None:
            raise unresolved(text, known=text in self._names)
        return known


def _check_operation(operation: BulkOperation) -> None:
    """Raises the error of an operation that its caller has refused, and INVALID_VALUE."""
    verb = operation.WhichOneof("operation")
    if verb is None:
        raise invalid_value("operation", "The operation does not say what to do.")
    if verb == "refused":
        raise _refusal(operation)
    request = getattr(operation, verb)
    for field in _OF_THE_BULK:
        if field in request.DESCRIPTOR.fields_by_name and _is_set(request, field):
            raise invalid_value(field, f"{field} belongs to the bulk as a whole.")
    tolerances = operation.tolerances
    if len(tolerances) > MAX_TOLERANCES or not all(map(_TOLERANCE.fullmatch, tolerances)):
        raise invalid_value("tolerances", f"tolerances are at most {MAX_TOLERANCES} names.")


def _is_set(request: object, field: str) -> bool:
    value = getattr(request, field)
    return bool(value.ByteSize() if field == "read_mask" else value)


def _refusal(operation: BulkOperation) -> DomainError:
    error = operation.refused
    known = error.reason in ErrorReason.values() and error.reason
    return DomainError(
        error.reason if known else ErrorReason.ERROR_REASON_INVALID_SYNTAX,
        error.message,
        field=error.field,
        metadata=dict(error.metadata),
    )
