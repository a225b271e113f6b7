"""Domain errors as gRPC statuses: the one place that knows both.

Every status carries a google.rpc.ErrorInfo, and what else AIP-193 asks for its code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from rollbook.v1.error_reason_pb2 import ErrorReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc
    from google.protobuf.message import Message

    from service.domain.errors import DomainError

DOMAIN: Final = "rollbook"

_PREFIX: Final = "ERROR_REASON_"
_MAX_MESSAGE: Final = 1_000
_MAX_METADATA_VALUE: Final = 200

_R = ErrorReason

_CODES: Final = {
    _R.ERROR_REASON_INVALID_SYNTAX: code_pb2.INVALID_ARGUMENT,
    _R.ERROR_REASON_INVALID_VALUE: code_pb2.INVALID_ARGUMENT,
    _R.ERROR_REASON_INVALID_FILTER: code_pb2.INVALID_ARGUMENT,
    _R.ERROR_REASON_INVALID_PATH: code_pb2.INVALID_ARGUMENT,
    _R.ERROR_REASON_NO_TARGET: code_pb2.FAILED_PRECONDITION,
    _R.ERROR_REASON_MUTABILITY: code_pb2.INVALID_ARGUMENT,
    _R.ERROR_REASON_TOO_MANY: code_pb2.INVALID_ARGUMENT,
    _R.ERROR_REASON_INVALID_PAGE_TOKEN: code_pb2.INVALID_ARGUMENT,
    _R.ERROR_REASON_EXPIRED_PAGE_TOKEN: code_pb2.INVALID_ARGUMENT,
    _R.ERROR_REASON_INVALID_PAGE_SIZE: code_pb2.INVALID_ARGUMENT,
    _R.ERROR_REASON_CREDENTIALS_MISSING: code_pb2.UNAUTHENTICATED,
    _R.ERROR_REASON_CREDENTIALS_INVALID: code_pb2.UNAUTHENTICATED,
    _R.ERROR_REASON_SCOPE_MISSING: code_pb2.PERMISSION_DENIED,
    _R.ERROR_REASON_SCIM_DISABLED: code_pb2.PERMISSION_DENIED,
    _R.ERROR_REASON_USER_NOT_FOUND: code_pb2.NOT_FOUND,
    _R.ERROR_REASON_GROUP_NOT_FOUND: code_pb2.NOT_FOUND,
    _R.ERROR_REASON_SERVICE_ACCOUNT_NOT_FOUND: code_pb2.NOT_FOUND,
    _R.ERROR_REASON_UNIQUENESS: code_pb2.ALREADY_EXISTS,
    _R.ERROR_REASON_ETAG_MISMATCH: code_pb2.ABORTED,
    _R.ERROR_REASON_REQUEST_ID_REUSED: code_pb2.INVALID_ARGUMENT,
    _R.ERROR_REASON_PAYLOAD_TOO_LARGE: code_pb2.RESOURCE_EXHAUSTED,
    _R.ERROR_REASON_CONFLICT: code_pb2.ABORTED,
    _R.ERROR_REASON_UNAVAILABLE: code_pb2.UNAVAILABLE,
    _R.ERROR_REASON_DRAINING: code_pb2.UNAVAILABLE,
    _R.ERROR_REASON_DEADLINE_EXCEEDED: code_pb2.DEADLINE_EXCEEDED,
    _R.ERROR_REASON_INTERNAL: code_pb2.INTERNAL,
    _R.ERROR_REASON_UNIMPLEMENTED: code_pb2.UNIMPLEMENTED,
    _R.ERROR_REASON_BULK_REFERENCE: code_pb2.FAILED_PRECONDITION,
    _R.ERROR_REASON_SCHEMA_CHANGED: code_pb2.FAILED_PRECONDITION,
    _R.ERROR_REASON_SCHEMA_NOT_FOUND: code_pb2.NOT_FOUND,
    _R.ERROR_REASON_SCHEMA_ATTACHED: code_pb2.FAILED_PRECONDITION,
    _R.ERROR_REASON_CREDENTIAL_NOT_FOUND: code_pb2.NOT_FOUND,
    _R.ERROR_REASON_ROLE_ASSIGNMENT_NOT_FOUND: code_pb2.NOT_FOUND,
    _R.ERROR_REASON_TENANT_NOT_FOUND: code_pb2.NOT_FOUND,
    _R.ERROR_REASON_TENANT_SUSPENDED: code_pb2.PERMISSION_DENIED,
    _R.ERROR_REASON_TENANT_PROTECTED: code_pb2.FAILED_PRECONDITION,
    _R.ERROR_REASON_RATE_LIMITED: code_pb2.RESOURCE_EXHAUSTED,
    _R.ERROR_REASON_PRINCIPAL_INACTIVE: code_pb2.FAILED_PRECONDITION,
    _R.ERROR_REASON_CONNECTION_NOT_FOUND: code_pb2.NOT_FOUND,
    _R.ERROR_REASON_CONNECTION_IS_DEFAULT: code_pb2.FAILED_PRECONDITION,
    _R.ERROR_REASON_DIALECT_CHANGED: code_pb2.FAILED_PRECONDITION,
    _R.ERROR_REASON_ADDRESS_NOT_ALLOWED: code_pb2.PERMISSION_DENIED,
    _R.ERROR_REASON_MANAGED_BY_SCIM: code_pb2.FAILED_PRECONDITION,
    _R.ERROR_REASON_OAUTH_CLIENT_INVALID: code_pb2.UNAUTHENTICATED,
    _R.ERROR_REASON_OAUTH_REQUEST_INVALID: code_pb2.INVALID_ARGUMENT,
    _R.ERROR_REASON_OAUTH_CLIENT_NOT_FOUND: code_pb2.NOT_FOUND,
    _R.ERROR_REASON_SIGN_IN_FAILED: code_pb2.UNAUTHENTICATED,
    _R.ERROR_REASON_FORM_EXPIRED: code_pb2.PERMISSION_DENIED,
    _R.ERROR_REASON_SIGN_IN_PROVIDER_NOT_FOUND: code_pb2.NOT_FOUND,
}
"""Every reason has its code; a test holds this table against the enum."""

_WORTH_A_RETRY: Final = {
    _R.ERROR_REASON_UNAVAILABLE,
    _R.ERROR_REASON_DRAINING,
    _R.ERROR_REASON_RATE_LIMITED,
}
"""What another try mends, after a second unless the error says how many."""


def reason_name(error: DomainError) -> str:
    """The reason as ErrorInfo carries it."""
    return ErrorReason.Name(error.reason).removeprefix(_PREFIX)


def status_of(error: DomainError) -> status_pb2.Status:
    """The google.rpc.Status of a domain error."""
    code = _CODES[error.reason]
    status = status_pb2.Status(code=code, message=error.message[:_MAX_MESSAGE])
    for detail in _details(error, code):
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _details(error: DomainError, code: int) -> Iterator[Message]:
    metadata = {key: value[:_MAX_METADATA_VALUE] for key, value in error.metadata.items()}
    if error.field:
        metadata["field"] = error.field[:_MAX_METADATA_VALUE]
    yield error_details_pb2.ErrorInfo(reason=reason_name(error), domain=DOMAIN, metadata=metadata)
    if code == code_pb2.INVALID_ARGUMENT and error.field:
        yield error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(
                    field=error.field[:_MAX_METADATA_VALUE],
                    description=error.message[:_MAX_MESSAGE],
                    reason=reason_name(error),
                )
            ]
        )
    if code == code_pb2.FAILED_PRECONDITION:
        yield error_details_pb2.PreconditionFailure(
            violations=[
                error_details_pb2.PreconditionFailure.Violation(
                    type=reason_name(error),
                    subject=error.field[:_MAX_METADATA_VALUE],
                    description=error.message[:_MAX_MESSAGE],
                )
            ]
        )
    if code in (code_pb2.NOT_FOUND, code_pb2.ALREADY_EXISTS):
        yield error_details_pb2.ResourceInfo(
            resource_type=metadata.get("resourceType", ""),
            resource_name=metadata.get("resourceName", ""),
        )
    if seconds := _retry_after(error):
        yield error_details_pb2.RetryInfo(retry_delay=Duration(seconds=seconds))


def _retry_after(error: DomainError) -> int:
    """Seconds to wait before another try, 0 when there is no use in one."""
    return error.retry_after or int(error.reason in _WORTH_A_RETRY)


async def abort(context: grpc.aio.ServicerContext[bytes, bytes], error: DomainError) -> NoReturn:
    """End the call with the status of an error."""
    described = status_of(error)
    status = rpc_status.to_status(described)
    trailers = (*status.trailing_metadata, *_pushback(error, described.code))
    await context.abort(status.code, status.details, trailers)


def _pushback(error: DomainError, code: int) -> Iterator[tuple[str, str]]:
    """Makes gRPC clients that repeat calls by themselves wait as RetryInfo says (gRFC A6)."""
    if code == code_pb2.UNAVAILABLE:
        yield "grpc-retry-pushback-ms", str(_retry_after(error) * 1000)
