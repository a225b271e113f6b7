"""What an API token may be: its name, its scopes and how long it is valid."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rollbook.access import EVERY_SCOPE, Scope
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError, invalid_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.duration_pb2 import Duration

MAX_NAME: Final = 200
"""The longest name, in characters."""

MAX_LIFETIME: Final = timedelta(days=3653)
MAX_OVERLAP: Final = timedelta(days=30)
DEFAULT_OVERLAP: Final = timedelta(days=1)


def checked_name(name: str) -> str:
    """The name without blanks around it. Raises INVALID_VALUE."""
    trimmed = name.strip()
    if not trimmed or len(trimmed) > MAX_NAME or not trimmed.isprintable():
        raise invalid_value(
            "name",
            f"name says what it is, or what it is for, in 1 to {MAX_NAME} printable characters.",
        )
    return trimmed


def checked_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """The scopes of these names. Raises INVALID_VALUE when there are none, or no such."""
    asked = frozenset(names)
    unknown = sorted(asked - EVERY_SCOPE)
    if unknown or not asked:
        fault = f"{unknown[0][:100]!r} is no scope" if unknown else "A token has a scope or more"
        raise invalid_value("scopes", f"{fault}; there are {', '.join(sorted(EVERY_SCOPE))}.")
    return frozenset(map(Scope, asked))


def check_not_wider(scopes: frozenset[Scope], own: frozenset[Scope]) -> None:
    """Nobody hands out what they do not have. Raises SCOPE_MISSING."""
    if wider := ", ".join(sorted(scopes - own)):
        raise DomainError(
            ErrorReason.ERROR_REASON_SCOPE_MISSING,
            f"Your own credentials lack {wider}, so they cannot make a token with it.",
            field="scopes",
            metadata={"scope": wider},
        )


def check_for_principal(scopes: frozenset[Scope]) -> None:
    """A principal is of one tenant: nothing of theirs reaches into others. Raises INVALID_VALUE."""
    if Scope.PLATFORM in scopes:
        raise invalid_value(
            "scopes", "A principal's token cannot have the scope platform: leave the one away."
        )


def lifetime_of(duration: Duration) -> timedelta:
    """How long a token is to be valid. Raises INVALID_VALUE."""
    lifetime = _timedelta(duration, MAX_LIFETIME)
    if lifetime is None or lifetime <= timedelta(0):
        raise invalid_value(
            "lifetime",
            f"lifetime is longer than nothing and at most {MAX_LIFETIME.days} days; without one "
            "the token has no end.",
        )
    return lifetime


def overlap_of(duration: Duration) -> timedelta:
    """How long a token stays valid that another has replaced. Raises INVALID_VALUE."""
    overlap = _timedelta(duration, MAX_OVERLAP)
    if overlap is None:
        raise invalid_value(
            "overlap", f"overlap is not negative and at most {MAX_OVERLAP.days} days."
        )
    return overlap


def _timedelta(duration: Duration, longest: timedelta) -> timedelta | None:
    """The duration; None when it is negative, malformed or longer than that."""
    if not 0 <= duration.seconds <= longest.total_seconds() or not 0 <= duration.nanos < 10**9:
        return None
    length = timedelta(seconds=duration.seconds, microseconds=duration.nanos // 1000)
    return length if length <= longest else None
