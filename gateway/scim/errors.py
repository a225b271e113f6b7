"""Errors as SCIM clients see them (RFC 7644 §3.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

ERROR_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """A request that cannot be done: HTTP status, scimType where one applies, and a detail that
    tells an administrator what to mend. `retry_after` are the seconds to wait before trying
    again, where waiting helps."""

    def __init__(
        self,
        status: int,
        detail: str,
        scim_type: str | None = None,
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type
        self.retry_after = retry_after

    def body(self) -> dict[str, object]:
        """The error message; `status` is a string (RFC 7644 §3.12)."""
        body: dict[str, object] = {"schemas": [ERROR_SCHEMA], "status": str(self.status)}
        if self.scim_type is not None:
            body["scimType"] = self.scim_type
        body["detail"] = self.detail
        return body


def invalid_syntax(detail: str) -> ScimError:
    """400: the structure of a body is wrong."""
    return ScimError(400, detail, "invalidSyntax")


def invalid_value(detail: str) -> ScimError:
    """400: a value is missing, of the wrong type or not allowed."""
    return ScimError(400, detail, "invalidValue")


def invalid_filter(detail: str) -> ScimError:
    """400: a filter is malformed."""
    return ScimError(400, detail, "invalidFilter")


def invalid_path(detail: str) -> ScimError:
    """400: a patch path is malformed or names no attribute."""
    return ScimError(400, detail, "invalidPath")


def no_target(detail: str) -> ScimError:
    """400: a patch operation has no target."""
    return ScimError(400, detail, "noTarget")


class _Answer(NamedTuple):
    """What SCIM clients get for one reason. `detail` replaces the service's message where that
    speaks of gRPC's terms or must not leave; `retry_after` are seconds."""

    status: int
    scim_type: str | None = None
    detail: str | None = None
    retry_after: int | None = None


_INTERNAL: Final = _Answer(500, detail="The request failed for a reason that has been logged.")
_UNAVAILABLE: Final = _Answer(
    503, detail="The service cannot answer now; try again later.", retry_after=1
)

_ANSWERS: Final[Mapping[str, _Answer]] = {
    "INVALID_SYNTAX": _Answer(400, "invalidSyntax"),
    "INVALID_VALUE": _Answer(400, "invalidValue"),
    "INVALID_FILTER": _Answer(400, "invalidFilter"),
    "INVALID_PATH": _Answer(400, "invalidPath"),
    "NO_TARGET": _Answer(400, "noTarget"),
    "MUTABILITY": _Answer(400, "mutability"),
    "TOO_MANY": _Answer(400, "tooMany"),
    # RFC 9865 §2.1
    "INVALID_PAGE_TOKEN": _Answer(
        400, "invalidCursor", "The cursor is not valid for this query; start again without it."
    ),
    "EXPIRED_PAGE_TOKEN": _Answer(
        400, "expiredCursor", "The cursor has expired; start again without it."
    ),
    "INVALID_PAGE_SIZE": _Answer(
        400, "invalidCount", "count has to be the same for all pages of a list."
    ),
    "CREDENTIALS_MISSING": _Answer(401),
    "CREDENTIALS_INVALID": _Answer(401),
    "SCOPE_MISSING": _Answer(403),
    "SCIM_DISABLED": _Answer(403),
    "ADDRESS_NOT_ALLOWED": _Answer(403),
    "TENANT_SUSPENDED": _Answer(403),
    "TENANT_NOT_FOUND": _Answer(404),
    "TENANT_PROTECTED": _Answer(409),
    "USER_NOT_FOUND": _Answer(404),
    "GROUP_NOT_FOUND": _Answer(404),
    "SERVICE_ACCOUNT_NOT_FOUND": _Answer(404),
    "SCHEMA_NOT_FOUND": _Answer(404),
    "CREDENTIAL_NOT_FOUND": _Answer(404),
    "ROLE_ASSIGNMENT_NOT_FOUND": _Answer(404),
    "OAUTH_CLIENT_NOT_FOUND": _Answer(404),
    # What these are answered with otherwise, RFC 6749 says.
    "OAUTH_CLIENT_INVALID": _Answer(401),
    "OAUTH_REQUEST_INVALID": _Answer(400),
    "SIGN_IN_FAILED": _Answer(403),
    "FORM_EXPIRED": _Answer(403),
    "SIGN_IN_PROVIDER_NOT_FOUND": _Answer(404),
    "PRINCIPAL_INACTIVE": _Answer(409),
    "CONNECTION_NOT_FOUND": _Answer(404),
    # RFC 7644 §3.3; its table 9 and RFC 7643 §7 speak of 400.
    "UNIQUENESS": _Answer(409, "uniqueness"),
    # RFC 7644 table 8 and RFC 9110 §13.1.1; ABORTED would be 409 otherwise.
    "ETAG_MISMATCH": _Answer(412),
    "REQUEST_ID_REUSED": _Answer(400, "invalidValue"),
    "PAYLOAD_TOO_LARGE": _Answer(413),
    "RATE_LIMITED": _Answer(429, retry_after=1),
    "CONFLICT": _Answer(
        503,
        detail="Other requests changed the same resources meanwhile; try again.",
        retry_after=1,
    ),
    # The gateway repeats a request; it fails if they changed again and again in that time.
    "SCHEMA_CHANGED": _UNAVAILABLE,
    "SCHEMA_ATTACHED": _Answer(409),
    "DIALECT_CHANGED": _UNAVAILABLE,
    "MANAGED_BY_SCIM": _Answer(409),
    "CONNECTION_IS_DEFAULT": _Answer(409),
    "UNAVAILABLE": _UNAVAILABLE,
    "DRAINING": _UNAVAILABLE,
    "DEADLINE_EXCEEDED": _Answer(
        504, detail="The service did not answer in time; whether anything was written is unknown."
    ),
    "INTERNAL": _INTERNAL,
    "UNIMPLEMENTED": _Answer(501),
    # RFC 7644 §3.7.1 has 409 for circles that cannot be resolved.
    "BULK_REFERENCE": _Answer(409),
    # Codes of calls that no reason came with: the limits and the end of a gRPC channel.
    "RESOURCE_EXHAUSTED": _UNAVAILABLE,
    "CANCELLED": _UNAVAILABLE,
}
"""The name of an ErrorReason without its prefix, or of a gRPC code, to the answer."""


def from_reason(reason: str, message: str, *, retry_after: int | None = None) -> ScimError:
    """The error for a failed call.

    `reason` is ErrorInfo.reason or, when the error has none, the name of its gRPC code;
    `message` the status message, which is passed on only for reasons whose message is written
    for administrators; `retry_after` the seconds of RetryInfo, rounded up. A reason that is not
    known is a bug: 500.
    """
    answer = _ANSWERS.get(reason, _INTERNAL)
    return ScimError(
        answer.status,
        answer.detail or message,
        answer.scim_type,
        retry_after=answer.retry_after if retry_after is None else retry_after,
    )
