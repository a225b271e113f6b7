"""Endpoints of SCIM that are not offered: 501, so that clients can tell it from a typing error."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from gateway.handlers.errors import not_implemented

if TYPE_CHECKING:
    from gateway.handlers.request import ScimRequest


async def bulk(_: ScimRequest) -> NoReturn:
    """POST /Bulk (RFC 7644 §3.7)."""
    raise not_implemented("Bulk operations are not supported.")


async def me(_: ScimRequest) -> NoReturn:
    """/Me (RFC 7644 §3.11): a provisioning client is nobody's account."""
    raise not_implemented("/Me is not supported; use /Users/{id}.")


async def root_query(_: ScimRequest) -> NoReturn:
    """A query over all resource types (RFC 7644 §3.4.2.1)."""
    raise not_implemented(
        "Queries over all resource types are not supported; use /Users or /Groups."
    )
