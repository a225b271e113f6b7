"""What every answer has to be, whatever was asked."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.fuzz.requests import Request

_ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
_INTERNALS: Final = re.compile(rb"Traceback|asyncpg|postgres|grpc\.|\bSELECT\b.+\bFROM\b|/site-")
_NO_BODY: Final = {204, 304}
_NOT_SUPPORTED: Final = 501
"""What POST /Me answers (RFC 7644 §3.11)."""


def faults(request: Request, status: int, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    """What is wrong with an answer."""
    if status >= 500 and not (status == _NOT_SUPPORTED and "/me" in request.target.lower()):
        yield f"answered {status}: {body[:500]!r}"
    if request.method == "HEAD" or status in _NO_BODY:
        return
    if _INTERNALS.search(body) and not _INTERNALS.search(request.encoded() or b""):
        yield f"tells of the inside: {body[:500]!r}"
    yield from _body_faults(status, headers, body)


def _body_faults(status: int, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    try:
        found = json.loads(body)
    except ValueError:
        if status >= 400 or body:
            yield f"{status} is not JSON: {body[:200]!r}"
        return
    if "json" not in headers.get("Content-Type", ""):
        yield f"JSON as {headers.get('Content-Type')!r}"
    if status >= 400:
        yield from _error_faults(status, found)
    elif not isinstance(found, dict) or not found.get("schemas"):
        yield f"{status} has no schemas: {body[:200]!r}"


def _error_faults(status: int, found: Any) -> Iterator[str]:
    """RFC 7644 §3.12: the status as a string, and a detail for people."""
    if (
        not isinstance(found, dict)
        or found.get("schemas") != [_ERROR]
        or found.get("status") != str(status)
        or not found.get("detail")
    ):
        yield f"{status} is no SCIM error: {found!r}"
