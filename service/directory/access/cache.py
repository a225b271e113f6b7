"""Principals that a worker keeps in memory, as they were at the moment of the latest look."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.attributes import GROUP
from service.domain.access import graph as access_graph
from service.domain.access.graph import IncompleteError, Principal
from service.domain.access.role_catalogue import FREE_FORM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from service.domain.access.role_catalogue import Catalogue, RoleKey
    from service.storage.access.graph import Look

# What CPython needs for one of them, or a little more: an assignment is counted as if no other were
# like it.
_PRINCIPAL_BYTES: Final = 600
_GROUP_BYTES: Final = 90
_GIVEN_BYTES: Final = 450
_HELD_BYTES: Final = 110
_ASKED_BYTES: Final = 400
_GRANTING_BYTES: Final = 300

_CATALOGUE_FACTOR: Final = 30
"""How many times as large as its message a catalogue is that is read into tables."""

_ABSENT: Final = ""
"""The type of what does not exist. Members of a deleted group may still name it: nobody has told of
them that they changed."""

_MAX_GRANTING: Final = 20_000
"""For how many roles it is remembered which others bring them along."""


class UnknownPrincipalError(LookupError):
    """There is no such principal."""


@dataclass(slots=True)
class _Entry:
    """A principal, and what it holds with its groups: right while `generation` is the current."""

    principal: Principal
    bytes: int
    roles: Mapping[RoleKey, float] | None = None
    generation: int = -1


class CachedPrincipals:
    """The principals of one tenant that are in memory, with the role catalogue.

    Everything is of one moment, that of the look applied last. `bytes` is what it takes at the
    most, as far as one can tell.
    """

    def __init__(self) -> None:
        self.catalogue: Catalogue = FREE_FORM
        self.bytes = 0
        self._catalogue_bytes = 0
        self._granting_bytes = 0
        # In the order of their last use.
        self._leaves: OrderedDict[UUID, _Entry] = OrderedDict()
        # What others hold rests on them, so they are not forgotten one by one.
        self._groups: dict[UUID, _Entry] = {}
        # Counts the changes of groups: what was put together before is to be put together anew.
        self._generation = 0
        self._granting: dict[RoleKey, frozenset[RoleKey]] = {}

    def get(self, identifier: UUID) -> Principal | None:
        """A principal, if it is in memory."""
        entry = self._leaves.get(identifier) or self._groups.get(identifier)
        return entry.principal if entry else None

    def held(self, identifier: UUID) -> tuple[Principal, Mapping[RoleKey, float]]:
        """A principal, and what it and its groups were given, until when.

        Raises UnknownPrincipalError; IncompleteError when it has to be looked for.
        """
        entry = self._leaves.get(identifier)
        if entry is not None:
            self._leaves.move_to_end(identifier)
        elif (entry := self._groups.get(identifier)) is None:
            raise IncompleteError(identifier)
        if entry.principal.type == _ABSENT:
            raise UnknownPrincipalError(identifier)
        if entry.roles is None or entry.generation != self._generation:
            self._put_together(entry)
            assert entry.roles is not None
        return entry.principal, entry.roles

    def reached(self, identifier: UUID) -> list[Principal]:
        """A principal and its groups, nearest first. Raises as `held` does."""
        self.held(identifier)
        return [each for each in access_graph.reached(identifier, self) if each.type != _ABSENT]

    def missing(self, identifier: UUID) -> list[UUID]:
        """Whom a look has to ask for so that all is known of a principal."""
        entry = self._leaves.get(identifier) or self._groups.get(identifier)
        if entry is not None and entry.generation == self._generation:
            return []
        return access_graph.missing(identifier, self)

    def granting(self, role: RoleKey) -> frozenset[RoleKey]:
        """`Catalogue.granting`, remembered."""
        found = self._granting.get(role)
        if found is None:
            if len(self._granting) >= _MAX_GRANTING:
                self._forget_granting()
            found = self._granting[role] = self.catalogue.granting(role)
            size = _ASKED_BYTES + _GRANTING_BYTES * len(found)
            self.bytes += size
            self._granting_bytes += size
        return found

    def apply(self, look: Look, asked: Iterable[UUID]) -> None:
        """Take over what a look found that asked for these."""
        if look.catalogue is not None:
            self._take(look.catalogue)
        if look.changed is None:
            self.clear()
        else:
            self._drop(look.changed)
        for principal in look.principals:
            self._put(principal)
        for identifier in set(asked).difference(each.id for each in look.principals):
            self._put(Principal(identifier, _ABSENT, active=False, groups=(), given=()))

    def clear(self) -> None:
        """Forget every principal."""
        self._leaves.clear()
        self._groups.clear()
        self._forget_granting()
        self._generation += 1
        self.bytes = self._catalogue_bytes

    def halve(self) -> None:
        """Forget those that were not asked for lately; everybody when groups take up the most."""
        wanted = self.bytes // 2
        self._forget_granting()
        while self._leaves and self.bytes > wanted:
            self.bytes -= self._leaves.popitem(last=False)[1].bytes
        if self.bytes > wanted:
            self.clear()

    def _take(self, catalogue: Catalogue) -> None:
        self._forget_granting()
        size = _CATALOGUE_FACTOR * catalogue.message.ByteSize()
        self.bytes += size - self._catalogue_bytes
        self.catalogue, self._catalogue_bytes = catalogue, size

    def _forget_granting(self) -> None:
        self.bytes -= self._granting_bytes
        self._granting_bytes = 0
        self._granting.clear()

    def _put_together(self, entry: _Entry) -> None:
        roles = access_graph.held(access_graph.reached(entry.principal.id, self))
        more = _HELD_BYTES * (len(roles) - len(entry.roles or ()))
        entry.bytes += more
        self.bytes += more
        entry.roles, entry.generation = roles, self._generation

    def _drop(self, changed: Iterable[UUID]) -> None:
        for identifier in changed:
            entry = self._leaves.pop(identifier, None)
            if entry is None and (entry := self._groups.pop(identifier, None)):
                self._generation += 1
            if entry is not None:
                self.bytes -= entry.bytes

    def _put(self, principal: Principal) -> None:
        known = self.get(principal.id)
        if known is not None:
            if known == principal:
                return
            self._drop((principal.id,))
        size = (
            _PRINCIPAL_BYTES
            + _GROUP_BYTES * len(principal.groups)
            + _GIVEN_BYTES * len(principal.given)
        )
        is_group = principal.type == GROUP.name
        (self._groups if is_group else self._leaves)[principal.id] = _Entry(principal, size)
        self.bytes += size
