"""What principals have in the end: a search of the graph of memberships for what was given.

Nodes are users, service accounts and groups; edges lead from a member to its groups. Circles are
no harm, and depth costs no more than breadth.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from service.domain.access.role_catalogue import RoleKey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from uuid import UUID

    from service.domain.access.role_catalogue import Catalogue

NEVER: Final = math.inf
"""The end of what has none."""


class Given(NamedTuple):
    """A role that an assignment gives: its key, until when in seconds since 1970, and as shown."""

    key: RoleKey
    until: float
    type: str
    value: str
    display: str


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, service account or group: the groups that it is a member of itself, and what was
    given to it itself. Assignments that are pending are none."""

    id: UUID
    type: str
    active: bool
    groups: tuple[UUID, ...]
    given: tuple[Given, ...]


class Known(Protocol):
    """Principals by their ids, as a mapping has them."""

    def get(self, identifier: UUID, /) -> Principal | None:
        """The principal; None when it is not known."""


class IncompleteError(LookupError):
    """A principal that has to be known to tell is not among those that are."""


def missing(start: UUID, known: Known) -> list[UUID]:
    """Those that have to be known besides to tell what a principal has, as far as one can see."""
    seen, waiting, unknown = {start}, [start], []
    for identifier in waiting:
        node = known.get(identifier)
        if node is None:
            unknown.append(identifier)
            continue
        fresh = [group for group in node.groups if group not in seen]
        seen.update(fresh)
        waiting.extend(fresh)
    return unknown


def reached(start: UUID, known: Known) -> Iterator[Principal]:
    """A principal and every group that it belongs to, at any depth, nearest first.

    Raises IncompleteError when one of them is not known.
    """
    seen, waiting = {start}, [start]
    for identifier in waiting:
        node = known.get(identifier)
        if node is None:
            raise IncompleteError(identifier)
        yield node
        for group in node.groups:
            if group not in seen:
                seen.add(group)
                waiting.append(group)


def held(nodes: Iterable[Principal]) -> dict[RoleKey, float]:
    """The roles that a principal was given, itself or through groups, and until when."""
    roles: dict[RoleKey, float] = {}
    for node in nodes:
        for given in node.given:
            if given.until > roles.get(given.key, 0):
                roles[given.key] = given.until
    return roles


def holds(roles: Mapping[RoleKey, float], granting: Collection[RoleKey], now: float) -> bool:
    """Whether one of the roles that would do is held at that time."""
    return any(roles.get(key, 0) > now for key in granting)


@dataclass(frozen=True, slots=True)
class Effective:
    """A role that a principal has in the end; `direct`: of its own, perhaps besides through
    groups; `implied`: no assignment names it."""

    key: RoleKey
    type: str
    value: str
    display: str
    direct: bool
    implied: bool
    until: float


class RolesPage(NamedTuple):
    """Which roles of somebody are listed, in the order of the keys: after which one, and how many
    at the most. Of a type if that is given, with what covers it; else what roles on all scopes
    cover is left out: it may be a great deal."""

    limit: int
    after: RoleKey | None = None
    type_key: str | None = None


def effective_roles(
    nodes: Iterable[Principal], catalogue: Catalogue, now: float, page: RolesPage
) -> list[Effective]:
    """What a principal has; it is the first of the nodes itself."""
    reasons: dict[RoleKey, list[tuple[Given, bool]]] = defaultdict(list)
    for place, node in enumerate(nodes):
        for given in node.given:
            if given.until <= now:
                continue
            for key in _brought_along(given.key, catalogue, page.type_key):
                if page.after is None or key > page.after:
                    reasons[key].append((given, place == 0))
    return [
        reduce(
            _joined,
            (_effective(key, given, catalogue, direct=direct) for given, direct in reasons[key]),
        )
        for key in heapq.nsmallest(page.limit, reasons)
    ]


def _brought_along(given: RoleKey, catalogue: Catalogue, type_key: str | None) -> Iterator[RoleKey]:
    own = given.type if type_key is None else type_key
    match = catalogue.match(own)
    wanted = match.type_key if match else own
    pattern = match.kind.key if match and match.scope is not None else None
    for key in catalogue.granted(given):
        if key.type == wanted:
            yield key
        elif type_key is not None and key.type == pattern:
            yield RoleKey(wanted, key.value)


def _effective(key: RoleKey, given: Given, catalogue: Catalogue, *, direct: bool) -> Effective:
    """A role that an assignment brings along, spelt as it was given or as the catalogue does."""
    if key == given.key:
        return Effective(
            key, given.type, given.value, given.display, direct, implied=False, until=given.until
        )
    match = catalogue.match(key.type)
    message = match.kind.values.get(key.value) if match else None
    single = match.kind.message.name if match and match.scope is None else ""
    return Effective(
        key,
        given.type if key.type == given.key.type else single or key.type,
        message.value if message else key.value,
        message.display if message else "",
        direct,
        implied=True,
        until=given.until,
    )


def _joined(one: Effective, other: Effective) -> Effective:
    """The same role for two reasons."""
    shown = other if one.implied and not other.implied else one
    return Effective(
        one.key,
        shown.type,
        shown.value,
        shown.display or one.display or other.display,
        one.direct or other.direct,
        one.implied and other.implied,
        max(one.until, other.until),
    )
