"""Endpoints of SCIM that are not offered: 501, so that clients can tell it from a typing error."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from gateway.handlers.errors import not_implemented

if TYPE_CHECKING:
    from gateway.handlers.request import ScimRequest


async def me(_: ScimRequest) -> NoReturn:
    """/Me (RFC 7644 §3.11): a provisioning client is nobody's account."""
    raise not_implemented("/Me is not supported; use /Users/{id}.")
