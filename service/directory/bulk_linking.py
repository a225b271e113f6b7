"""Creations of a bulk by a connection that links: those that may mean what is there and managed by
nobody run one by one, the others in batches, all in their order.

Creations that refer to each other in a circle make new resources: whom they mean is not known
before they have ids.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

from service.directory import adoption, writing
from service.directory.bulk_creation import author_of
from service.directory.writing import Writer
from service.domain.bulk import Outcome, Plan, Progress
from service.domain.bulk_references import resource_type_of
from service.domain.errors import DomainError
from service.storage.derived import BARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook.attributes import ResourceType
    from service.directory.bulk_creation import Creator
    from service.domain.bulk_order import Component
    from service.storage.adoption import Candidate
    from service.storage.changes import Author
    from service.storage.database import Connection


class Linker:
    """Creates or links resources in the transaction of the caller."""

    def __init__(
        self,
        connection: Connection,
        author: Author,
        plan: Plan,
        progress: Progress,
        creator: Creator,
    ) -> None:
        self._connection = connection
        self._author = author
        self._plan = plan
        self._progress = progress
        self._creator = creator

    async def create(self, components: Sequence[Component]) -> None:
        """Run creations and note what becomes of them; some are not begun when so many fail that
        the bulk ends."""
        if not self._author.provenance.adopts:
            await self._creator.create(components)
            return
        unmanaged = await self._unmanaged(components)
        for links, part in groupby(components, lambda each: self._may_link(each, unmanaged)):
            batch = list(part)
            if not links and not self._progress.stops():
                await self._creator.create(batch)
            for component in batch if links else ():
                if not self._progress.stops():
                    await self._create_one(component[0])

    async def _unmanaged(self, components: Sequence[Component]) -> list[Candidate]:
        named: dict[ResourceType, list[str]] = {}
        for component in components:
            kind, resource = self._creation(component[0])
            named.setdefault(kind, []).append(adoption.name_of(resource))
        found: list[Candidate] = []
        for kind, names in named.items():
            found += await adoption.unmanaged_of(self._connection, self._author, kind, names)
        return found

    def _may_link(self, component: Component, unmanaged: Sequence[Candidate]) -> bool:
        _, resource = self._creation(component[0])
        return len(component) == 1 and adoption.is_named(resource, unmanaged)

    def _creation(self, index: int) -> tuple[ResourceType, Any]:
        """The type of what an operation creates, and the resource as it was sent."""
        return self._parts(self._plan.operations[index])

    def _parts(self, operation: Any) -> tuple[ResourceType, Any]:
        kind = resource_type_of(operation, self._plan.schemas)
        assert kind is not None
        return kind, getattr(getattr(operation, f"create_{kind.field}"), kind.field)

    async def _create_one(self, index: int) -> None:
        """One operation by itself; if it fails, it leaves no trace."""
        try:
            operation = self._progress.resolved(index)
            kind, resource = self._parts(operation)
            author = author_of(operation, self._author)
            writer = Writer(self._connection, author, self._plan.schemas, kind, BARE)
            async with self._connection.transaction():
                answer = await writing.create(writer, resource)
        except DomainError as error:
            self._progress.note(self._progress.failed(index, error))
            return
        made: Any = kind.message.FromString(answer)
        self._progress.name(index, UUID(made.id))
        self._progress.note(Outcome(index, made.id, made.meta.etag))
