"""Which roles the catalogue of a tenant allows, and how it writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from rollbook.v1.role_pb2 import UnknownScopes
from service.domain.errors import invalid_value
from service.domain.search.folding import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.domain.access.role_catalogue import Catalogue, Match
    from service.domain.access.roles import Role

NO_SCOPE: Final = frozenset("<>")
"""Letters that no scope's name has, so that a pattern is never taken for a type of it."""

MAX_KEY_BYTES: Final = 1_500
"""The most bytes of a role's type and value together, folded: they are in one index entry."""


@dataclass(frozen=True)
class RoleRules:
    """A catalogue, and of the scopes that are in question the names of those that are registered,
    by the keys of pattern and name."""

    catalogue: Catalogue
    registered: Mapping[tuple[str, str], str]

    def allows(self, role: Role) -> bool:
        match = self._match(role)
        return self.catalogue.is_free_form or (
            match is not None
            and not _is_pattern(match)
            and fold(role.value) in match.kind.values
            and not (self._is_unregistered(match) and self._refuses_unregistered)
        )

    def canonical(self, role: Role) -> tuple[Role, bool]:
        """The role as the catalogue writes it, and whether it has to wait for its scope.

        Raises INVALID_VALUE.
        """
        key = role.key
        if sum(len(part.encode()) for part in key) > MAX_KEY_BYTES:
            raise invalid_value(
                "roles", f"Type and value of a role have {MAX_KEY_BYTES} bytes at the most."
            )
        if self.catalogue.is_free_form:
            return role, False
        match = self._match(role)
        if match is None or _is_pattern(match):
            raise self._unknown_type(role)
        value = match.kind.values.get(key.value)
        if value is None:
            raise _unknown_value(role, match)
        unregistered = self._is_unregistered(match)
        if unregistered and self._refuses_unregistered:
            raise _unknown_scope(role, match)
        waits = self.catalogue.message.unknown_scopes == UnknownScopes.UNKNOWN_SCOPES_KEEP_PENDING
        name = self._type_name(role, match)
        return role._replace(type=name, value=value.value), unregistered and waits

    def _match(self, role: Role) -> Match | None:
        return self.catalogue.match(fold(role.type or self.catalogue.message.default_type))

    def _is_unregistered(self, match: Match) -> bool:
        return match.scope is not None and (match.kind.key, match.scope) not in self.registered

    @property
    def _refuses_unregistered(self) -> bool:
        return self.catalogue.message.unknown_scopes in {
            UnknownScopes.UNKNOWN_SCOPES_UNSPECIFIED,
            UnknownScopes.UNKNOWN_SCOPES_REFUSE,
        }

    def _type_name(self, role: Role, match: Match) -> str:
        """A type as the catalogue writes it, with the scope's name as its product does."""
        name = match.kind.message.name
        if match.scope is None:
            return name
        prefix = name[: name.index("<")]
        known = self.registered.get((match.kind.key, match.scope))
        if known is not None:
            return prefix + known
        sent = role.type[len(prefix) :]
        return prefix + (sent if fold(prefix + sent) == match.type_key else match.scope)

    def _unknown_type(self, role: Role) -> Exception:
        known = ", ".join(each.name for each in self.catalogue.message.types)
        if not role.type:
            return invalid_value(
                "roles.type", f"The role {role.value[:100]!r} has no type; there are {known}."
            )
        return invalid_value(
            "roles.type", f"There is no role type {role.type[:100]!r}; there are {known}."
        )


def _is_pattern(match: Match) -> bool:
    """Whether a role names no scope but all of them, as the pattern of its type does: that is not
    for anybody to have."""
    return match.scope is not None and not NO_SCOPE.isdisjoint(match.scope)


def _unknown_value(role: Role, match: Match) -> Exception:
    name = role.type or match.kind.message.name
    known = ", ".join(value.value for value in match.kind.message.values)
    return invalid_value(
        "roles.value",
        f"{role.value[:100]!r} is no role of the type {name[:100]!r}; there are {known}.",
    )


def _unknown_scope(role: Role, match: Match) -> Exception:
    return invalid_value(
        "roles.type",
        f"No scope {str(match.scope)[:100]!r} is registered for {match.kind.message.name}, so "
        f"nobody can have the role {role.type[:100]!r}; register it first.",
    )


def read_json(role: Role) -> Role:
    """The role that JSON text in the place of a value tells of (`JSON_ROLE` of the gateway.s
    dialects); others are as they are."""
    if not role.value.startswith("{"):
        return role
    try:
        told = orjson.loads(role.value)
    except orjson.JSONDecodeError:
        return role
    value, display = told.get("value"), told.get("displayName")
    if not isinstance(value, str):
        return role
    shown = display if isinstance(display, str) and role.display is None else role.display
    return role._replace(value=value, display=shown)
