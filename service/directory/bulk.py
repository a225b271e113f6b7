"""Many writes in one transaction, each of which stands or falls by itself (RFC 7644 §3.7).

Creations that follow one another run in batches, and so do changes of resources of one type;
deletions run one by one.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from service.directory.bulk_change import Changer
from service.directory.bulk_creation import Creator
from service.directory.bulk_linking import Linker
from service.domain.bulk import Outcome, Plan, Progress
from service.domain.bulk_references import resource_type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.domain.bulk_order import Component
    from service.storage.changes import Author
    from service.storage.database import Connection

BATCH: Final = 250
"""How many resources one statement writes; the event loop is not held up for longer."""


async def run(connection: Connection, author: Author, plan: Plan) -> list[Outcome]:
    """Run the operations of a plan, in the transaction of the caller. What is wrong with one of
    them is in its outcome; raised is what makes the whole transaction fail."""
    progress = Progress(plan)
    creator = Linker(
        connection, author, plan, progress, Creator(connection, author, plan, progress)
    )
    changer = Changer(connection, author, plan, progress)
    for batch in _batches(plan):
        if progress.stops():
            break
        if plan.footprints[batch[0][0]].creates:
            await creator.create(batch)
        else:
            await changer.change([index for component in batch for index in component])
    return progress.outcomes


class _Sort(NamedTuple):
    """What operations of one batch have in common."""

    creates: bool
    deletes: bool
    resource_type: str


def _sort_of(plan: Plan, component: Component) -> _Sort:
    index = component[0]
    footprint = plan.footprints[index]
    kind = resource_type_of(plan.operations[index], plan.schemas)
    type_matters = not footprint.creates and kind is not None
    return _Sort(footprint.creates, footprint.deletes, kind.name if kind and type_matters else "")


def _batches(plan: Plan) -> Iterator[list[Component]]:
    """What runs together: operations of one sort that follow one another. Those that change
    resources have a different one each."""
    for sort, run_ in groupby(plan.components, key=lambda each: _sort_of(plan, each)):
        one_by_one = not sort.creates and (sort.deletes or not sort.resource_type)
        batch: list[Component] = []
        targets: set[str] = set()
        for component in run_:
            target = plan.footprints[component[0]].target
            is_full = sum(map(len, batch)) >= BATCH
            if batch and (one_by_one or is_full or (not sort.creates and target in targets)):
                yield batch
                batch, targets = [], set()
            batch.append(component)
            targets.add(target)
        yield batch
