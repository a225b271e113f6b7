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
    the protocol are equal (RFC 7643 §2.4). When `base_url` is empty, an address is taken for one
    of this server whatever it begins with.
    """
    if base_url:
        relative = text.removeprefix(_VERSION.sub("", base_url))
    else:
        relative = "/".join(text.rsplit("/", 2)[-2:])
    match = _ADDRESS.fullmatch(relative)
    return Reference(f"/{match[1]}", match[2]) if match else None
