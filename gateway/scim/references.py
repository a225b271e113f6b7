"""Addresses of resources: `$ref` and `meta.location` (RFC 7643 §2.3.7, §3.1)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ADDRESS: Final = re.compile(r"(?:\.\./|/)?(?:v2/)?([A-Za-z]+)/([^/?#\s]+)")
_VERSION: Final = re.compile(r"/v[0-9]+\Z")


class Reference(NamedTuple):
    """The endpoint, e.g. "/Users", and the id of the resource that an address leads to."""

    endpoint: str
    id: str


def reference_from_text(text: str, base_url: str) -> Reference | None:
    """The resource of this server that an address leads to; None when it leads elsewhere.

    Addresses are absolute or relative to `base_url`, and those with and without the version of
    the protocol are equal (RFC 7643 §2.4).
    """
    unversioned = _VERSION.sub("", base_url)
    rest = text.removeprefix(unversioned) if base_url else text
    match = _ADDRESS.fullmatch(rest)
    return Reference(f"/{match[1]}", match[2]) if match else None
