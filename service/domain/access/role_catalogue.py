"""What the roles of a tenant mean: which there are, what each one brings along, and what it covers.

A `RoleKey` is a role as it is compared: type and value, folded.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from rollbook.access import Scope, scopes_named
from rollbook.v1 import role_pb2
from service.domain.search.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rollbook.v1.role_pb2 import RoleCatalogue, RoleType, RoleValue


class RoleKey(NamedTuple):
    """A role as it is compared: `Workspace_Prod`, `Owner` is `workspace_prod`, `owner`."""

    type: str
    value: str

    @classmethod
    def of(cls, role_type: str, value: str) -> RoleKey:
        """The key of a role in any case."""
        return cls(fold(role_type), fold(value))


ADMINISTRATOR: Final = RoleKey("account_type", "admin")
"""The role that makes an administrator of Rollbook whatever the catalogue says."""

ADMINISTRATOR_SCOPES: Final = frozenset(
    {
        Scope.SCIM,
        Scope.DIRECTORY_READ,
        Scope.DIRECTORY_WRITE,
        Scope.ACCESS_READ,
        Scope.PASSWORDS_VERIFY,
        Scope.ADMIN,
        Scope.CREDENTIALS,
    }
)

_NO_SCOPES: Final[frozenset[Scope]] = frozenset()


@dataclass(frozen=True)
class Kind:
    """A role type of the catalogue, read into tables. Of a pattern `prefix` is what comes before
    the name in angle brackets, folded; of a single type it is None."""

    message: RoleType
    key: str
    prefix: str | None

    @classmethod
    def of(cls, message: RoleType) -> Kind:
        """The tables of a type."""
        key = fold(message.name)
        start = key.find("<")
        return cls(message, key, key[:start] if start > 0 and key.endswith(">") else None)

    @cached_property
    def values(self) -> Mapping[str, RoleValue]:
        """The values by their keys."""
        return {fold(value.value): value for value in self.message.values}

    @cached_property
    def _implied(self) -> Mapping[str, frozenset[str]]:
        return _closure({key: map(fold, value.implies) for key, value in self.values.items()})

    @cached_property
    def _implying(self) -> Mapping[str, frozenset[str]]:
        return _reversed(self._implied)

    def implied(self, value: str) -> frozenset[str]:
        """The keys of the values that whoever has this one has, itself included; none when it is
        no value of the type."""
        return self._implied.get(value, frozenset())

    def implying(self, value: str) -> frozenset[str]:
        """The keys of the values that bring this one along, itself included."""
        return self._implying.get(value, frozenset())


class Match(NamedTuple):
    """The type of the catalogue that a role's type is one of, and for a pattern the key of the
    scope that it names."""

    kind: Kind
    scope: str | None

    @property
    def type_key(self) -> str:
        """The key of the role's type under its own name, not under an alias."""
        return self.kind.key if self.scope is None else f"{self.kind.prefix}{self.scope}"


class Catalogue:
    """A tenant's catalogue, read into tables; without types it is free form: every role is known,
    and each means itself alone."""

    def __init__(self, message: RoleCatalogue) -> None:
        self.message = message
        kinds = [Kind.of(each) for each in message.types]
        self._single = {
            fold(name): kind
            for kind in kinds
            if kind.prefix is None
            for name in (*kind.message.aliases, kind.key)
        }
        # Of two patterns that fit, the one that says more is meant.
        self._patterns = sorted(
            (kind for kind in kinds if kind.prefix is not None),
            key=lambda kind: len(kind.prefix or ""),
            reverse=True,
        )
        self._covering: dict[str, list[Kind]] = defaultdict(list)
        for kind in kinds:
            for covered in kind.message.covers:
                self._covering[fold(covered)].append(kind)

    @property
    def patterns(self) -> Sequence[Kind]:
        """The types that there is one of for each scope."""
        return self._patterns

    @property
    def is_free_form(self) -> bool:
        """Whether every type and value is a role."""
        return not self.message.types

    def match(self, type_key: str) -> Match | None:
        """The type of the catalogue that a role type, folded, is; None when there is none."""
        if kind := self._single.get(type_key):
            return Match(kind, None)
        for kind in self._patterns:
            prefix = kind.prefix or ""
            if type_key.startswith(prefix) and len(type_key) > len(prefix):
                return Match(kind, type_key[len(prefix) :])
        return None

    def pattern(self, name: str) -> Kind | None:
        """The type of that pattern, in any case; None when there is none."""
        key = fold(name)
        return next((kind for kind in self._patterns if kind.key == key), None)

    def granting(self, role: RoleKey) -> frozenset[RoleKey]:
        """Every role that somebody may have been given who has this one: itself, those that imply
        it, and those on all scopes that cover it. None when it is no role of the catalogue."""
        if self.is_free_form:
            return frozenset({role})
        match = self.match(role.type)
        if match is None:
            return frozenset()
        demanded = match.kind.implying(role.value)
        found = {RoleKey(match.type_key, value) for value in demanded}
        for kind in self._covering.get(match.kind.key, ()):
            found.update(
                RoleKey(kind.key, value) for shared in demanded for value in kind.implying(shared)
            )
        return frozenset(found)

    def granted(self, role: RoleKey) -> frozenset[RoleKey]:
        """Every role that whoever was given this one has: itself, what it implies, and what it
        covers, under the covered patterns' own names (`workspace_<name>`) for all of their
        scopes. None when it is no role of the catalogue."""
        if self.is_free_form:
            return frozenset({role})
        match = self.match(role.type)
        if match is None:
            return frozenset()
        implied = match.kind.implied(role.value)
        found = {RoleKey(match.type_key, value) for value in implied}
        for covered in match.kind.message.covers:
            if kind := self.pattern(covered):
                found.update(
                    RoleKey(kind.key, value) for shared in implied for value in kind.implied(shared)
                )
        return frozenset(found)

    @cached_property
    def administrative_types(self) -> tuple[list[str], list[str]]:
        """The types that have values which grant scopes of Rollbook's own: their keys, and what
        the keys begin with of those that there is one of for each scope."""
        kinds = [
            kind
            for kind in (*self._single.values(), *self._patterns)
            if any(value.scopes for value in kind.message.values)
        ]
        names = {ADMINISTRATOR.type, *(kind.key for kind in kinds if kind.prefix is None)}
        return sorted(names), [kind.prefix for kind in kinds if kind.prefix is not None]

    def scopes(self, role: RoleKey) -> frozenset[Scope]:
        """The scopes of Rollbook's own that a role grants."""
        builtin = ADMINISTRATOR_SCOPES if role == ADMINISTRATOR else _NO_SCOPES
        match = self.match(role.type)
        if match is None:
            return builtin
        implied = (match.kind.values[value] for value in match.kind.implied(role.value))
        return builtin.union(*(scopes_named(value.scopes) for value in implied))


FREE_FORM: Final = Catalogue(role_pb2.RoleCatalogue())
"""The catalogue of a tenant that has none."""


def _closure(steps: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """What can be reached from each key, itself included; circles are no harm."""
    direct = {key: list(following) for key, following in steps.items()}
    return {key: frozenset(_reached(key, direct)) for key in direct}


def _reached(start: str, steps: Mapping[str, list[str]]) -> set[str]:
    found, waiting = set[str](), [start]
    while waiting:
        key = waiting.pop()
        if key in steps and key not in found:
            found.add(key)
            waiting.extend(steps[key])
    return found


def _reversed(reached: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, following in reached.items():
        for other in following:
            found[other].add(key)
    return {key: frozenset(others) for key, others in found.items()}
