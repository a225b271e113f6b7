"""A small model of effective access, as plain as it can be: sets of edges, searched anew for every
question. What the service answers is compared with it.

Memberships, assignments and activity can each be certain or in doubt: whoever writes while others
read does not know what these see. `most` has everything that may be, `least` what is for certain;
access only grows with what there is, so that answers lie between the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from rollbook.v1.role_pb2 import RoleCatalogue, RoleType, RoleValue, UnknownScopes

VALUES: Final = ("viewer", "editor", "owner")
"""Each one has what those before it have."""

CATALOGUE: Final = RoleCatalogue(
    types=[
        RoleType(
            name=name,
            values=[
                RoleValue(value=value, implies=VALUES[:number])
                for number, value in enumerate(VALUES)
            ],
            covers=covers,
            several=True,
        )
        for name, covers in (("all_workspaces", ["workspace_<name>"]), ("workspace_<name>", []))
    ],
    unknown_scopes=UnknownScopes.UNKNOWN_SCOPES_ACCEPT,
)

Role = tuple[str, str]


def is_enough(given: Role, asked: Role) -> bool:
    """Whether somebody who was given one role has the other."""
    covers = given[0] == asked[0] or (
        given[0] == "all_workspaces" and asked[0].startswith("workspace_")
    )
    return covers and VALUES.index(given[1]) >= VALUES.index(asked[1])


@dataclass
class Graph:
    """Who belongs where, who was given what, and who is inactive."""

    edges: set[tuple[str, str]] = field(default_factory=set)
    given: set[tuple[str, Role]] = field(default_factory=set)
    inactive: set[str] = field(default_factory=set)

    def copy(self) -> Graph:
        """The same, to be changed apart."""
        return Graph(set(self.edges), set(self.given), set(self.inactive))

    def groups_of(self, principal: str) -> set[str]:
        """Every group that somebody belongs to, at any depth."""
        found: set[str] = set()
        waiting = [principal]
        while waiting:
            member = waiting.pop()
            for inner, outer in self.edges:
                if inner == member and outer not in found:
                    found.add(outer)
                    waiting.append(outer)
        return found

    def allows(self, principal: str, asked: Role) -> bool:
        """Whether somebody has a role."""
        holders = {principal, *self.groups_of(principal)}
        return principal not in self.inactive and any(
            holder in holders and is_enough(role, asked) for holder, role in self.given
        )

    def paths(self, principal: str, asked: Role) -> set[tuple[tuple[str, ...], Role]]:
        """Every way from somebody to an assignment that is enough, without a turn back."""
        if principal in self.inactive:
            return set()
        found: set[tuple[tuple[str, ...], Role]] = set()

        def walk(way: tuple[str, ...]) -> None:
            for holder, role in self.given:
                if holder == way[-1] and is_enough(role, asked):
                    found.add((way, role))
            for inner, outer in self.edges:
                if inner == way[-1] and outer not in way:
                    walk((*way, outer))

        walk((principal,))
        return found
