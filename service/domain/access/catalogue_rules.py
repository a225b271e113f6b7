"""What a role catalogue may say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollbook.access import EVERY_SCOPE, Scope
from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.role_pb2 import RoleCatalogue, UnknownScopes
from service.domain.errors import DomainError, invalid_value
from service.domain.search.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.v1.role_pb2 import RoleType

MAX_TYPES: Final = 200
MAX_VALUES: Final = 100
"""How many values a type has, and how many aliases."""

MAX_NAME: Final = 200
"""The longest name, in characters."""

MAX_TEXT: Final = 2_000
"""The longest description, in characters."""

GRANTABLE: Final = EVERY_SCOPE - {Scope.PLATFORM}
"""Scopes that a role may grant: what it is about goes on within the tenant."""


def completed(catalogue: RoleCatalogue) -> RoleCatalogue:
    """The catalogue as it is stored. Raises INVALID_VALUE, TOO_MANY naming what is wrong."""
    new = RoleCatalogue()
    new.CopyFrom(catalogue)
    new.ClearField("etag")
    new.ClearField("update_time")
    if new.unknown_scopes not in UnknownScopes.values():
        raise invalid_value("unknown_scopes", f"{new.unknown_scopes} is no way to treat scopes.")
    _check_count("types", len(new.types), MAX_TYPES)
    for index, role_type in enumerate(new.types):
        _check_type(role_type, f"types[{index}]")
    _check_names(new)
    _check_covers(new)
    if new.default_type:
        _check_default(new)
    return new


def granted_scopes(catalogue: RoleCatalogue) -> frozenset[Scope]:
    """Every scope that a role of the catalogue grants."""
    return frozenset(
        Scope(scope)
        for role_type in catalogue.types
        for value in role_type.values
        for scope in value.scopes
    )


def is_pattern(name: str) -> bool:
    """Whether a type's name stands for one type for each scope: workspace_<name>."""
    start = name.find("<")
    return start > 0 and name.endswith(">") and name.count("<") == name.count(">") == 1


def _check_type(role_type: RoleType, path: str) -> None:
    name = role_type.name
    _check_name(name, f"{path}.name")
    if ("<" in name or ">" in name) and not is_pattern(name):
        raise invalid_value(
            f"{path}.name",
            f"{name!r} is no pattern: one ends in a name in angle brackets, as workspace_<name>.",
        )
    _check_texts(path, role_type.display, role_type.description)
    _check_count(f"{path}.aliases", len(role_type.aliases), MAX_VALUES)
    for alias in role_type.aliases:
        _check_name(alias, f"{path}.aliases")
        if is_pattern(name) or "<" in alias:
            raise invalid_value(f"{path}.aliases", f"The pattern {name!r} has no alias.")
    _check_values(role_type, path)


def _check_values(role_type: RoleType, path: str) -> None:
    if not role_type.values:
        raise invalid_value(f"{path}.values", f"The type {role_type.name!r} has no values.")
    _check_count(f"{path}.values", len(role_type.values), MAX_VALUES)
    known = {fold(value.value) for value in role_type.values}
    for index, value in enumerate(role_type.values):
        place = f"{path}.values[{index}]"
        _check_name(value.value, f"{place}.value")
        _check_texts(place, value.display, value.description)
        for implied in value.implies:
            if fold(implied) not in known:
                raise invalid_value(
                    f"{place}.implies", f"{implied[:100]!r} is no value of {role_type.name!r}."
                )
        for scope in value.scopes:
            if scope not in GRANTABLE:
                listed = ", ".join(sorted(GRANTABLE))
                raise invalid_value(
                    f"{place}.scopes", f"{scope[:100]!r} cannot be granted; there are {listed}."
                )
    _check_distinct(f"{path}.values", (value.value for value in role_type.values))


def _check_names(catalogue: RoleCatalogue) -> None:
    names = (name for each in catalogue.types for name in (each.name, *each.aliases))
    _check_distinct("types", names)
    prefixes = (each.name.partition("<")[0] for each in catalogue.types if is_pattern(each.name))
    _check_distinct("types", prefixes)


def _check_covers(catalogue: RoleCatalogue) -> None:
    patterns = {fold(each.name) for each in catalogue.types if is_pattern(each.name)}
    for index, role_type in enumerate(catalogue.types):
        path = f"types[{index}].covers"
        if role_type.covers and is_pattern(role_type.name):
            raise invalid_value(path, f"The pattern {role_type.name!r} cannot cover others.")
        for covered in role_type.covers:
            if fold(covered) not in patterns:
                raise invalid_value(path, f"{covered[:100]!r} is no pattern of the catalogue.")


def _check_default(catalogue: RoleCatalogue) -> None:
    singles = {fold(each.name) for each in catalogue.types if not is_pattern(each.name)}
    if fold(catalogue.default_type) not in singles:
        raise invalid_value(
            "default_type",
            f"{catalogue.default_type[:100]!r} is no type of the catalogue that is without scopes.",
        )


def _check_name(name: str, path: str) -> None:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise invalid_value(
            path, f"{path} is printable, not empty, and without blanks around: {name[:100]!r}."
        )
    if len(name) > MAX_NAME:
        raise invalid_value(path, f"{path} has {len(name)} characters; {MAX_NAME} are the most.")


def _check_texts(path: str, *texts: str) -> None:
    for text in texts:
        if len(text) > MAX_TEXT or "\0" in text:
            raise invalid_value(
                path, f"A text of {path} has more than {MAX_TEXT} characters, or U+0000."
            )


def _check_count(path: str, count: int, most: int) -> None:
    if count > most:
        raise DomainError(
            ErrorReason.ERROR_REASON_TOO_MANY,
            f"{path} has {count} elements; {most} are the most.",
            field=path,
        )


def _check_distinct(path: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if fold(name) in seen:
            raise invalid_value(path, f"{name!r} occurs twice in {path}; case does not matter.")
        seen.add(fold(name))
