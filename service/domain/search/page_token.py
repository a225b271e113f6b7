"""Page tokens: where a list goes on, signed, so that nobody can make or change one.

A token carries the sort key and id of the last resource seen and a digest of everything else
that was asked. It grants nothing: the caller's rights are checked anew on every page (AIP-158).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError

LIFETIME: Final = 24 * 3600
"""How long a token is good for, in seconds."""

_MAC_BYTES: Final = 16
_MAX_LENGTH: Final = 8_192


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two resources of an ordered list: after the one with this sort key and
    id, or before it when the list is read backwards."""

    key: str | None
    id: UUID
    backwards: bool = False


def digest(*parts: bytes) -> str:
    """What identifies a list: its tenant, type, filter, order and so on."""
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.hexdigest()[:32]


def encode(position: Position, list_digest: str, page_size: int, key: bytes) -> str:
    """A token of the letters A-Z a-z 0-9 - _ (RFC 9865 §2)."""
    content = [
        list_digest,
        page_size,
        position.key,
        str(position.id),
        position.backwards,
        int(time.time()),
    ]
    payload = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(payload + _mac(payload, key)).decode().rstrip("=")


def decode(token: str, list_digest: str, page_size: int, key: bytes) -> Position:
    """The position of a token.

    Raises INVALID_PAGE_TOKEN for one that is forged or belongs to another list (the same
    error for both), EXPIRED_PAGE_TOKEN, INVALID_PAGE_SIZE when the page size has changed.
    """
    payload = _verified(token, key)
    owner, size, sort_key, identifier, backwards, issued = json.loads(payload)
    if owner != list_digest:
        raise _invalid()
    if time.time() - issued > LIFETIME:
        raise DomainError(
            ErrorReason.ERROR_REASON_EXPIRED_PAGE_TOKEN,
            "The page token has expired; start the list again.",
            field="page_token",
        )
    if size != page_size:
        raise DomainError(
            ErrorReason.ERROR_REASON_INVALID_PAGE_SIZE,
            f"The pages of one list have one size: this list began with {size}.",
            field="page_size",
        )
    return Position(sort_key, UUID(identifier), backwards)


def _verified(token: str, key: bytes) -> bytes:
    if len(token) > _MAX_LENGTH:
        raise _invalid()
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _invalid() from None
    payload, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(payload, key)):
        raise _invalid()
    return payload


def _mac(payload: bytes, key: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")[:_MAC_BYTES]


def _invalid() -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN,
        "The page token is not one of this list's; start the list again without a token.",
        field="page_token",
    )
