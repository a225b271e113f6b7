"""The URNs that registered schemas may have (RFC 8141, RFC 7643 §10)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rollbook.attributes import RESOURCE_TYPES
from service.domain.errors import invalid_value

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LENGTH: Final = 256

# The characters of RFC 8141 that mean nothing in filters, paths and lists of attributes.
_URN: Final = re.compile(
    r"urn:[a-z0-9][a-z0-9-]{0,30}[a-z0-9]:[a-z0-9](?:[a-z0-9:._~/@+%-]*[a-z0-9])?",
    re.IGNORECASE | re.ASCII,
)

_RESERVED: Final = ("urn:ietf:params:scim:api:", "urn:ietf:params:scim:schemas:core:")
"""What messages of the protocol and the schemas of RFC 7643 begin with."""

_CONTRACT: Final = tuple(
    urn
    for kind in RESOURCE_TYPES
    for urn in (kind.schema.urn, *(extension.schema.urn for extension in kind.extensions))
)


def key(urn: str) -> str:
    """Under which a URN is found: its case does not matter (RFC 7644 §3.10)."""
    return urn.lower()


def check_urn(urn: str) -> None:
    """Raises INVALID_VALUE when no schema can be registered under a URN, whatever others are."""
    if len(urn) > MAX_LENGTH:
        raise invalid_value("id", f"id has {len(urn)} characters; {MAX_LENGTH} are the most.")
    if not _URN.fullmatch(urn):
        raise invalid_value(
            "id",
            f"id {urn[:100]!r} is no URN of letters, digits and : . _ ~ / @ + % -, such as "
            "urn:acme:params:scim:schemas:extension:badge:1.0:User.",
        )
    if key(urn).startswith(_RESERVED):
        raise invalid_value("id", f"{urn!r} belongs to SCIM itself; use a namespace of your own.")
    check_apart(urn, _CONTRACT)


def check_apart(urn: str, others: Iterable[str]) -> None:
    """Raises INVALID_VALUE when a URN goes on where another one ends: `urn:a:b.c` would mean both
    the schema and an attribute of `urn:a:b`."""
    for other in others:
        shorter, longer = sorted((key(urn), key(other)), key=len)
        if longer == shorter or longer.startswith((f"{shorter}:", f"{shorter}.")):
            raise invalid_value("id", f"{urn!r} cannot be told from {other!r} in attribute names.")
