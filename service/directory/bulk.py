"""Many writes in one transaction, each of which stands or falls by itself (RFC 7644 §3.7).

Creations that follow one another run in batches; whatever else there is to do runs one by one,
each in a savepoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.directory import writing
from service.directory.bulk_creation import Creator, author_of
from service.directory.reading import identifier_of
from service.directory.writing import Writer
from service.domain.bulk import Outcome, Plan, Progress
from service.domain.bulk_references import resource_type_of
from service.domain.errors import DomainError
from service.storage.derived import BARE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook.attributes import ResourceType
    from rollbook.schema_sets import SchemaSet
    from rollbook.v1.directory_service_pb2 import BulkOperation
    from service.domain.bulk_order import Component
    from service.storage.changes import Author
    from service.storage.database import Connection

BATCH: Final = 250
"""How many resources one statement creates; the event loop is not held up for longer."""


async def run(connection: Connection, author: Author, plan: Plan) -> list[Outcome]:
    """Run the operations of a plan, in the transaction of the caller. What is wrong with one of
    them is in its outcome; raised is what makes the whole transaction fail."""
    progress = Progress(plan)
    creator = Creator(connection, author, plan, progress)
    for batch in _batches(plan):
        if progress.stops():
            break
        first = batch[0][0]
        if plan.footprints[first].creates:
            await creator.create(batch)
        else:
            progress.note(await _changed(connection, author, plan.schemas, progress, first))
    return progress.outcomes


def _batches(plan: Plan) -> Iterator[list[Component]]:
    """What runs together: creations that follow one another, anything else by itself."""
    batch: list[Component] = []
    for component in plan.components:
        if not plan.footprints[component[0]].creates:
            if batch:
                yield batch
            batch = []
            yield [component]
            continue
        batch.append(component)
        if sum(map(len, batch)) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _changed(
    connection: Connection, author: Author, schemas: SchemaSet, progress: Progress, index: int
) -> Outcome:
    """What becomes of an operation on a resource that exists; if it fails, nothing."""
    try:
        operation = progress.resolved(index)
        async with connection.transaction():
            return await _change(connection, author, schemas, operation, index)
    except DomainError as error:
        return progress.failed(index, error)


async def _change(
    connection: Connection,
    author: Author,
    schemas: SchemaSet,
    operation: BulkOperation,
    index: int,
) -> Outcome:
    kind = resource_type_of(operation, schemas)
    verb = operation.WhichOneof("operation")
    assert kind is not None
    assert verb is not None
    request: Any = getattr(operation, verb)
    writer = Writer(connection, author_of(operation, author), schemas, kind, BARE)
    match verb.partition("_")[0]:
        case "update":
            resource = getattr(request, kind.name.lower())
            identifier = identifier_of(kind, resource.id)
            mask = list(request.update_mask.paths)
            stored = await writing.update(writer, identifier, resource, mask, request.etag)
        case "patch":
            identifier = identifier_of(kind, request.id)
            stored = await writing.apply_patch(writer, identifier, request.operations, request.etag)
        case _:
            identifier = identifier_of(kind, request.id)
            await writing.delete(writer, identifier, request.etag)
            return Outcome(index, str(identifier))
    return Outcome(index, str(identifier), _etag(stored, kind))


def _etag(stored: bytes, kind: ResourceType) -> str:
    resource: Any = kind.message.FromString(stored)
    etag: str = resource.meta.etag
    return etag
