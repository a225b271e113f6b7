"""Errors as SCIM clients see them (RFC 7644 §3.12)."""

from __future__ import annotations

from typing import Final

ERROR_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """A request that cannot be done: HTTP status, scimType where one applies, and a detail that
    tells an administrator what to mend."""

    def __init__(self, status: int, detail: str, scim_type: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type

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
