"""What can be wrong with a call, in the domain's own words.

A `DomainError` carries a reason of the contract; `service.rpc` turns it into a gRPC status and
nothing below that layer knows of transport codes.
"""

from __future__ import annotations

from rollbook.v1.error_reason_pb2 import ErrorReason


class DomainError(Exception):
    """A call that cannot be done.

    `reason` is machine-readable, `message` a sentence for developers and administrators that
    names the culprit and, where it helps, what to do. `field` is the SCIM path of the field at
    fault, and `metadata` holds every dynamic word of the message (AIP-193). `retry_after` are
    seconds to wait before another try, where that is not up to the reason alone.
    """

    def __init__(
        self,
        reason: ErrorReason.ValueType,
        message: str,
        *,
        field: str = "",
        metadata: dict[str, str] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.field = field
        self.metadata = metadata or {}
        self.retry_after = retry_after


class StaleSchemasError(Exception):
    """A resource was written by a later revision of the tenant's schemas than the caller goes
    by: read them again, and begin anew."""


def invalid_value(field: str, message: str) -> DomainError:
    """A value is missing, of the wrong type, too long or not allowed."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_VALUE, message, field=field)


def invalid_filter(message: str) -> DomainError:
    """A filter compares what cannot be compared, or names what does not exist."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_FILTER, message, field="filter")


def invalid_path(path: str, message: str) -> DomainError:
    """A patch or mask names an attribute that does not exist."""
    return DomainError(ErrorReason.ERROR_REASON_INVALID_PATH, message, field=path)


def no_target(path: str) -> DomainError:
    """The filter of a patch selects nothing (RFC 7644 §3.5.2.3)."""
    return DomainError(
        ErrorReason.ERROR_REASON_NO_TARGET, f"No element matches {path}.", field=path
    )


def ambiguous_target(path: str, count: int) -> DomainError:
    """The filter of a patch selects several elements where one was allowed."""
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_FILTER,
        f"{count} elements match the filter of {path}; it has to select one.",
        field=path,
        metadata={"count": str(count)},
    )


def mutability(path: str, message: str) -> DomainError:
    """A read-only, immutable or required attribute would be changed or removed."""
    return DomainError(ErrorReason.ERROR_REASON_MUTABILITY, message, field=path)
