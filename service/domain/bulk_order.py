"""In which order the operations of a bulk run (RFC 7644 §3.7.1, §3.7.2).

That of the request, except that an operation waits for the creations it refers to. So that the
outcome stays what the client means, operations on one resource keep their order, and a resource
is deleted after whatever named it before. Creations that refer to each other in a circle form a
component and run together.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.domain.bulk_references import Footprint

    Component = list[int]


def components(footprints: Sequence[Footprint]) -> list[Component]:
    """The operations by index, in the order to run them: one by one, or together when they refer
    to each other."""
    waits_for = _waits_for(footprints)
    found = _Circles(waits_for).find()
    owner = {index: number for number, component in enumerate(found) for index in component}
    blocked_by = [
        {owner[other] for index in component for other in waits_for[index]} - {number}
        for number, component in enumerate(found)
    ]
    return [found[number] for number in _earliest_first(found, blocked_by)]


def _waits_for(footprints: Sequence[Footprint]) -> list[set[int]]:
    """For each operation those that have to run before it."""
    creations = {f.target: i for i, f in enumerate(footprints) if f.creates and f.target}
    deleted = {f.target for f in footprints if f.deletes}
    named: defaultdict[str, set[int]] = defaultdict(set)
    last_write: dict[str, int] = {}
    result: list[set[int]] = []
    for index, footprint in enumerate(footprints):
        waits = {creations[key] for key in footprint.mentions if key in creations}
        if not footprint.creates:
            if footprint.target in creations:
                waits.add(creations[footprint.target])
            if footprint.target in last_write:
                waits.add(last_write[footprint.target])
            if footprint.deletes:
                waits |= named[footprint.target]
            last_write[footprint.target] = index
        for key in footprint.mentions & deleted:
            named[key].add(index)
        result.append(waits - {index})
    return result


class _Circles:
    """Strongly connected components by Tarjan's algorithm, without recursion: a chain of
    operations may be as long as the bulk."""

    def __init__(self, waits_for: Sequence[set[int]]) -> None:
        self._waits_for = waits_for
        self._found: list[Component] = []
        self._number: dict[int, int] = {}
        self._lowest: dict[int, int] = {}
        self._open: dict[int, None] = {}
        self._path: list[tuple[int, Iterator[int]]] = []

    def find(self) -> list[Component]:
        """The components, the operations in each in the order of the request."""
        for root in range(len(self._waits_for)):
            if root not in self._number:
                self._enter(root)
            while self._path:
                self._step()
        return self._found

    def _enter(self, index: int) -> None:
        self._number[index] = self._lowest[index] = len(self._number)
        self._open[index] = None
        self._path.append((index, iter(self._waits_for[index])))

    def _step(self) -> None:
        index, others = self._path[-1]
        for other in others:
            if other not in self._number:
                self._enter(other)
                return
            if other in self._open:
                self._lowest[index] = min(self._lowest[index], self._number[other])
        self._leave(index)

    def _leave(self, index: int) -> None:
        self._path.pop()
        if self._path:
            parent = self._path[-1][0]
            self._lowest[parent] = min(self._lowest[parent], self._lowest[index])
        if self._lowest[index] == self._number[index]:
            component = []
            while index in self._open:
                component.append(self._open.popitem()[0])
            self._found.append(sorted(component))


def _earliest_first(found: Sequence[Component], blocked_by: Sequence[set[int]]) -> Iterator[int]:
    """The components, each as soon as those it waits for have run, the earliest in the request
    first. One that waits makes no other run before its turn."""
    blocks: defaultdict[int, list[int]] = defaultdict(list)
    for number, blockers in enumerate(blocked_by):
        for blocker in blockers:
            blocks[blocker].append(number)
    left = [len(blockers) for blockers in blocked_by]
    ready = [(found[number][-1], number) for number, count in enumerate(left) if not count]
    heapq.heapify(ready)
    while ready:
        _, number = heapq.heappop(ready)
        yield number
        for waiting in blocks[number]:
            left[waiting] -= 1
            if not left[waiting]:
                heapq.heappush(ready, (found[waiting][-1], waiting))
