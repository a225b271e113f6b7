"""Why somebody has a role: the ways from a principal over groups to those who were given it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

Node = TypeVar("Node")

MAX_STEPS: Final = 50_000
"""How many ways are begun at the most: of ways there may be exponentially many."""


def paths(
    start: Node, groups: Mapping[Node, Sequence[Node]], goals: Collection[Node], limit: int
) -> tuple[list[tuple[Node, ...]], bool]:
    """Every way from a node to a goal that meets no node twice, shortest first, and whether there
    may be more than those: at most `limit` are answered."""
    useful = _leading_to(goals, groups)
    found: list[tuple[Node, ...]] = []
    waiting: deque[tuple[Node, ...]] = deque([(start,)] if start in useful else [])
    for _ in range(MAX_STEPS):
        if not waiting:
            return found, False
        way = waiting.popleft()
        if way[-1] in goals:
            if len(found) == limit:
                return found, True
            found.append(way)
        waiting.extend(
            (*way, group)
            for group in groups.get(way[-1], ())
            if group in useful and group not in way
        )
        if len(waiting) > MAX_STEPS:
            break
    return found, bool(waiting)


def _leading_to(goals: Collection[Node], groups: Mapping[Node, Sequence[Node]]) -> set[Node]:
    """The nodes from which a goal can be reached."""
    members: dict[Any, list[Node]] = {}
    for member, its_groups in groups.items():
        for group in its_groups:
            members.setdefault(group, []).append(member)
    seen, waiting = set(goals), list(goals)
    while waiting:
        for member in members.get(waiting.pop(), ()):
            if member not in seen:
                seen.add(member)
                waiting.append(member)
    return seen
