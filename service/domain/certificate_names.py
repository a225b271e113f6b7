"""Names of client certificates, and the patterns that say whose they are.

A SPIFFE id (SPIFFE-ID §2) is one name; below it are those whose path continues its own, segment
by segment. A DNS name is matched as a whole: what a wildcard stands for is nobody in particular.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from service.domain.errors import invalid_value

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEME: Final = "spiffe://"
_BELOW: Final = "/*"
_MAX_SPIFFE_ID: Final = 2_048
_MAX_DNS_NAME: Final = 253
_SPIFFE_ID: Final = re.compile(
    r"spiffe://[a-z0-9._-]{1,255}(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+)*", re.ASCII
)
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DNS_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """Who a certificate says that its holder is: a SPIFFE id, if it has one, and DNS names in
    lower case."""

    spiffe_id: str | None
    dns_names: tuple[str, ...]

    def patterns(self) -> list[str]:
        """The patterns that match, the nearest first; DNS names are all as near."""
        return [*_above(self.spiffe_id), *self.dns_names]


def is_spiffe_id(text: str) -> bool:
    """Whether a URI is a SPIFFE id."""
    return len(text) <= _MAX_SPIFFE_ID and _SPIFFE_ID.fullmatch(text) is not None


def is_dns_name(text: str) -> bool:
    """Whether a text in lower case is the name of one host or service."""
    return len(text) <= _MAX_DNS_NAME and _DNS_NAME.fullmatch(text) is not None


def checked_pattern(text: str) -> str:
    """A pattern as it is kept. Raises INVALID_VALUE."""
    pattern = text.strip()
    if pattern.startswith(_SCHEME):
        if is_spiffe_id(pattern.removesuffix(_BELOW)):
            return pattern
    elif is_dns_name(pattern.lower()):
        return pattern.lower()
    raise invalid_value(
        "pattern",
        f"{text[:100]!r} names no certificates: give a SPIFFE id such as "
        "spiffe://acme.example/billing, one with /* behind it for all below it, or a DNS name.",
    )


def digest_of(pattern: str) -> bytes:
    """What a pattern is found by: never the hash of a token, in which there is no NUL."""
    return hashlib.sha256(b"\0certificate\0" + pattern.encode()).digest()


def _above(spiffe_id: str | None) -> Iterator[str]:
    """An id itself, then all below each of the ids above it."""
    if spiffe_id is None:
        return
    yield spiffe_id
    above = spiffe_id
    while (above := above.rpartition("/")[0]) != _SCHEME.removesuffix("/"):
        yield above + _BELOW
