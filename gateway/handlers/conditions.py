"""Conditional reads (RFC 7644 §3.14, RFC 9110 §13.1.2)."""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = re.compile(r'(?:W/)?("[^"]*"|[^\s,"]+)')


def matches(condition: str, etag: str) -> bool:
    """Whether a list of entity tags, or `*`, has the tag; compared weakly.

    Tags without quotes are taken too: clients copy them from `meta.version` that way.
    """
    if not etag:
        return False
    wanted = _opaque(etag)
    return any(tag == "*" or tag.strip('"') == wanted for tag in _TAG.findall(condition))


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')
