"""What scopes of roles may be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.access.role_rules import NO_SCOPE
from service.domain.errors import DomainError, invalid_value
from service.domain.search.folding import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from rollbook.v1.role_pb2 import RoleScope
    from service.domain.access.role_catalogue import Catalogue, Kind

MAX_AT_ONCE: Final = 100_000
"""How many scopes one call registers or forgets."""

MAX_NAME: Final = 200
"""The longest name, in characters."""


def pattern_of(catalogue: Catalogue, name: str) -> Kind:
    """The pattern of that name. Raises INVALID_VALUE when the catalogue has no such."""
    kind = catalogue.pattern(name)
    if kind is None:
        known = ", ".join(sorted(each.message.name for each in catalogue.patterns)) or "none"
        raise invalid_value(
            "type", f"{name[:100]!r} is no pattern of the role catalogue; there are {known}."
        )
    return kind


def checked_scopes(scopes: Collection[RoleScope]) -> Mapping[str, RoleScope]:
    """Scopes to be registered by the keys of their names. Raises INVALID_VALUE, TOO_MANY."""
    _check_count("scopes", len(scopes))
    found: dict[str, RoleScope] = {}
    for index, scope in enumerate(scopes):
        _check_name(scope.name, f"scopes[{index}].name")
        if len(scope.display) > MAX_NAME or "\0" in scope.display:
            raise invalid_value(
                f"scopes[{index}].display",
                f"display has {MAX_NAME} characters at the most, and no U+0000.",
            )
        found[fold(scope.name)] = scope
    return found


def checked_keys(names: Collection[str]) -> list[str]:
    """The keys of the names of scopes to be forgotten. Raises INVALID_VALUE, TOO_MANY."""
    _check_count("names", len(names))
    return sorted(_keys(names))


def _keys(names: Iterable[str]) -> set[str]:
    return {fold(name) for name in names if "\0" not in name}


def _check_count(field: str, count: int) -> None:
    if count == 0:
        raise invalid_value(field, f"{field} is empty: name a scope or more.")
    if count > MAX_AT_ONCE:
        raise DomainError(
            ErrorReason.ERROR_REASON_TOO_MANY,
            f"{count} scopes were named; {MAX_AT_ONCE} are the most at once.",
            field=field,
        )


def _check_name(name: str, path: str) -> None:
    is_name = name.strip() == name != "" and name.isprintable() and NO_SCOPE.isdisjoint(name)
    if not is_name or len(name) > MAX_NAME:
        raise invalid_value(
            path,
            f"{path} has 1 to {MAX_NAME} printable characters without blanks around, and no < or >,"
            f" unlike {name[:100]!r}.",
        )
