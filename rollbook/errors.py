"""What a call of the client can raise: one class for each meaning.

    RollbookError
    ├── InvalidRequestError      the request is wrong; sent again, it fails again
    ├── UnauthenticatedError     the credentials are missing or not valid
    ├── PermissionDeniedError    the credentials are valid but do not suffice
    ├── NotFoundError            there is no such resource or token
    ├── AlreadyExistsError       a value that has to be unique is taken
    ├── ConflictError            the resource has changed meanwhile: read it again, then write
    ├── LimitExceededError       the request or the answer is too large, or there are too many
    ├── UnavailableError         the service cannot be reached, or cannot answer now; try again
    ├── DeadlineExceededError    the time was up; a write may have happened or not
    ├── UnimplementedError       the service does not offer the call
    └── InternalError            the service has a bug

Each is made from the status of a failed call and its details (google.rpc.ErrorInfo and
BadRequest, AIP-193).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from google.protobuf.message import Message
    from grpc.aio import AioRpcError

    M = TypeVar("M", bound=Message)

_DETAILS_KEY: Final = "grpc-status-details-bin"


class RollbookError(Exception):
    """A call that failed.

    `code` is the gRPC status. `reason` names an `ErrorReason` without its prefix, e.g.
    "USER_NOT_FOUND"; it is empty when the call never reached the service. `message` is a
    sentence for people, `field` the SCIM path of the field at fault, if one is, and `metadata`
    holds the dynamic words of the message. `retry_after` is how many seconds the service asks
    to wait before the next attempt, None when it does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        code: StatusCode = StatusCode.UNKNOWN,
        reason: str = "",
        field: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.field = field
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.message} ({self.reason or self.code.name})"


class InvalidRequestError(RollbookError):
    """The request is wrong, in itself or for the resource as it is."""


class UnauthenticatedError(RollbookError):
    """The credentials are missing or not valid."""


class PermissionDeniedError(RollbookError):
    """The credentials are valid but do not suffice."""


class NotFoundError(RollbookError):
    """There is no such resource or token."""


class AlreadyExistsError(RollbookError):
    """A value that has to be unique is taken."""


class ConflictError(RollbookError):
    """The resource is no longer what the call expects: read it again, then write."""


class LimitExceededError(RollbookError):
    """The request or the answer is too large, or there are too many of them."""


class UnavailableError(RollbookError):
    """The service cannot be reached, or cannot answer now. The call may be repeated."""


class DeadlineExceededError(RollbookError):
    """The time was up. A write may have happened or not."""


class UnimplementedError(RollbookError):
    """The service does not offer the call."""


class InternalError(RollbookError):
    """The service has a bug."""


_BY_CODE: Final[Mapping[StatusCode, type[RollbookError]]] = {
    StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    StatusCode.FAILED_PRECONDITION: InvalidRequestError,
    StatusCode.OUT_OF_RANGE: InvalidRequestError,
    StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    StatusCode.NOT_FOUND: NotFoundError,
    StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    StatusCode.ABORTED: ConflictError,
    StatusCode.RESOURCE_EXHAUSTED: LimitExceededError,
    StatusCode.UNAVAILABLE: UnavailableError,
    # A caller that gives up sees asyncio.CancelledError: this is a server that stops.
    StatusCode.CANCELLED: UnavailableError,
    StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
    StatusCode.UNIMPLEMENTED: UnimplementedError,
}


def error_from_rpc(failure: AioRpcError) -> RollbookError:
    """The exception for a call that failed."""
    status = _status_of(failure)
    info = _detail(status, ErrorInfo())
    violations = _detail(status, BadRequest()).field_violations
    field = violations[0].field if violations else info.metadata.get("field", "")
    return _BY_CODE.get(failure.code(), InternalError)(
        status.message or failure.details() or "The service did not say why.",
        code=failure.code(),
        reason=info.reason,
        field=field,
        metadata=info.metadata,
        retry_after=_retry_after(status),
    )


def _status_of(failure: AioRpcError) -> Status:
    """The google.rpc.Status that came with a failure; an empty one when none, or none that can
    be read, did: then something between client and service has answered."""
    for key, value in failure.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                return Status.FromString(value)
            except DecodeError:
                break
    return Status()


def _detail(status: Status, into: M) -> M:
    """The detail of the type of `into`, read into it; left empty when there is none."""
    for detail in status.details:
        if detail.Unpack(into):
            break
    return into


def _retry_after(status: Status) -> float | None:
    retry = _detail(status, RetryInfo())
    if not retry.HasField("retry_delay"):
        return None
    delay: timedelta = retry.retry_delay.ToTimedelta()
    return delay.total_seconds()
