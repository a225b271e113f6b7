"""Every reason of the contract has one SCIM error."""

from __future__ import annotations

import pytest

from gateway.scim.errors import ERROR_SCHEMA, ScimError, from_reason
from rollbook.v1.error_reason_pb2 import ErrorReason

REASONS = [name.removeprefix("ERROR_REASON_") for name, number in ErrorReason.items() if number]
ANSWERS: dict[str, tuple[int, str | None]] = {
    "INVALID_SYNTAX": (400, "invalidSyntax"),
    "INVALID_VALUE": (400, "invalidValue"),
    "INVALID_FILTER": (400, "invalidFilter"),
    "INVALID_PATH": (400, "invalidPath"),
    "NO_TARGET": (400, "noTarget"),
    "MUTABILITY": (400, "mutability"),
    "TOO_MANY": (400, "tooMany"),
    "INVALID_PAGE_TOKEN": (400, "invalidCursor"),
    "EXPIRED_PAGE_TOKEN": (400, "expiredCursor"),
    "INVALID_PAGE_SIZE": (400, "invalidCount"),
    "CREDENTIALS_MISSING": (401, None),
    "CREDENTIALS_INVALID": (401, None),
    "SCOPE_MISSING": (403, None),
    "SCIM_DISABLED": (403, None),
    "USER_NOT_FOUND": (404, None),
    "GROUP_NOT_FOUND": (404, None),
    "UNIQUENESS": (409, "uniqueness"),
    "ETAG_MISMATCH": (412, None),
    "REQUEST_ID_REUSED": (400, "invalidValue"),
    "PAYLOAD_TOO_LARGE": (413, None),
    "CONFLICT": (503, None),
    "UNAVAILABLE": (503, None),
    "DRAINING": (503, None),
    "DEADLINE_EXCEEDED": (504, None),
    "INTERNAL": (500, None),
    "UNIMPLEMENTED": (501, None),
    "BULK_REFERENCE": (409, None),
    "PRINCIPAL_INACTIVE": (409, None),
    "SCHEMA_CHANGED": (503, None),
    "SERVICE_ACCOUNT_NOT_FOUND": (404, None),
    "SCHEMA_NOT_FOUND": (404, None),
    "SCHEMA_ATTACHED": (409, None),
    "CREDENTIAL_NOT_FOUND": (404, None),
    "ROLE_ASSIGNMENT_NOT_FOUND": (404, None),
    "RATE_LIMITED": (429, None),
    "OAUTH_CLIENT_INVALID": (401, None),
    "OAUTH_REQUEST_INVALID": (400, None),
    "OAUTH_CLIENT_NOT_FOUND": (404, None),
    "SIGN_IN_FAILED": (403, None),
    "FORM_EXPIRED": (403, None),
    "SIGN_IN_PROVIDER_NOT_FOUND": (404, None),
    "CONNECTION_NOT_FOUND": (404, None),
    "CONNECTION_IS_DEFAULT": (409, None),
    "DIALECT_CHANGED": (503, None),
    "ADDRESS_NOT_ALLOWED": (403, None),
    "MANAGED_BY_SCIM": (409, None),
    "TENANT_NOT_FOUND": (404, None),
    "TENANT_SUSPENDED": (403, None),
    "TENANT_PROTECTED": (409, None),
}


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_its_answer(reason: str) -> None:
    error = from_reason(reason, "Told by the service.")
    assert (error.status, error.scim_type) == ANSWERS[reason]
    assert error.detail


@pytest.mark.parametrize("reason", ["SOMETHING_NEW", "", "UNKNOWN", "DATA_LOSS"])
def test_an_unknown_reason_is_a_bug(reason: str) -> None:
    assert from_reason(reason, "x").status == 500


@pytest.mark.parametrize("reason", [*REASONS, "RESOURCE_EXHAUSTED", "CANCELLED", "UNKNOWN"])
def test_what_goes_wrong_inside_is_not_told(reason: str) -> None:
    error = from_reason(reason, "connection to 10.0.0.7:5432 refused")
    if error.status >= 500 and error.status != 501:
        assert "10.0.0.7" not in error.detail
    if error.status in {409, 412, 404}:
        assert error.detail == "connection to 10.0.0.7:5432 refused"


def test_waiting_is_advised_where_it_helps() -> None:
    assert from_reason("UNAVAILABLE", "").retry_after == 1
    assert from_reason("UNAVAILABLE", "", retry_after=30).retry_after == 30
    assert from_reason("CONFLICT", "").retry_after == 1
    assert from_reason("INVALID_VALUE", "").retry_after is None


def test_the_body_of_an_error_has_its_status_as_text() -> None:
    assert ScimError(409, "userName is taken.", "uniqueness").body() == {
        "schemas": [ERROR_SCHEMA],
        "status": "409",
        "scimType": "uniqueness",
        "detail": "userName is taken.",
    }
    assert "scimType" not in ScimError(404, "There is no user 1.").body()
