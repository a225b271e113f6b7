"""Changes of a bulk to resources that exist: runs of them are read with one statement and stored
with one, and only what the database may refuse, or what concerns other rows, runs by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from service.directory import writing
from service.directory.access import role_writes
from service.directory.access_end import end_access, must_end
from service.directory.bulk_creation import author_of
from service.directory.changing import VALUE_PATH_CREATES, Changed, later_than, patched, updated
from service.directory.reading import identifier_of, not_found
from service.directory.writing import Writer
from service.domain import etag
from service.domain.access import role_mentions
from service.domain.bulk import Outcome, Plan, Progress
from service.domain.bulk_references import resource_type_of
from service.domain.errors import DomainError
from service.storage import batches, changes, resources
from service.storage.access import role_assignments
from service.storage.changes import Change
from service.storage.derived import BARE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from rollbook.attributes import ResourceType
    from rollbook.v1.directory_service_pb2 import BulkOperation
    from service.domain.access.role_writing import RoleWrite
    from service.storage.changes import Author
    from service.storage.database import Connection
    from service.storage.resources import Stored


class Changer:
    """Changes and deletes resources in the transaction of the caller."""

    def __init__(
        self, connection: Connection, author: Author, plan: Plan, progress: Progress
    ) -> None:
        self._connection = connection
        self._author = author
        self._plan = plan
        self._progress = progress

    async def change(self, indices: Sequence[int]) -> None:
        """Run operations on resources of one type, a different one each, and note what becomes
        of them; some are not begun when so many fail that the bulk ends."""
        if len(indices) == 1:
            await self._run(indices[0])
            return
        stored = await self._locked(indices)
        roles = await self._role_writes(indices, stored)
        waiting: list[tuple[int, Changed]] = []
        for index in indices:
            if self._progress.stops():
                break
            try:
                changed = self._changed(index, stored, roles)
            except DomainError as error:
                self._progress.note(self._progress.failed(index, error))
                continue
            if changed.is_within_row:
                waiting.append((index, changed))
                continue
            # What is recorded of it comes after what is recorded of those before it.
            await self._store(waiting)
            waiting = []
            await self._run(index)
        await self._store(waiting)

    async def _run(self, index: int) -> None:
        """One operation by itself; if it fails, it leaves no trace."""
        try:
            operation = self._progress.resolved(index)
            async with self._connection.transaction():
                outcome = await self._written(index, operation)
        except DomainError as error:
            outcome = self._progress.failed(index, error)
        self._progress.note(outcome)

    async def _written(self, index: int, operation: BulkOperation) -> Outcome:
        kind, verb, request = self._parts(operation)
        identifier = _identifier(kind, verb, request)
        author = author_of(operation, self._author)
        writer = Writer(self._connection, author, self._plan.schemas, kind, BARE)
        if verb == "delete":
            await writing.delete(writer, identifier, request.etag)
            return Outcome(index, str(identifier))
        if verb == "update":
            resource, mask = getattr(request, kind.field), list(request.update_mask.paths)
            answer = await writing.update(writer, identifier, resource, mask, request.etag)
        else:
            answer = await writing.apply_patch(writer, identifier, request.operations, request.etag)
        after: Any = kind.message.FromString(answer)
        return Outcome(index, str(identifier), after.meta.etag)

    async def _locked(self, indices: Sequence[int]) -> dict[UUID, Stored]:
        """The resources that the operations are on, as far as they exist."""
        ids: set[UUID] = set()
        kind = None
        for index in indices:
            try:
                kind, verb, request = self._parts(self._progress.resolved(index))
                ids.add(_identifier(kind, verb, request))
            except DomainError:  # it fails in its turn
                continue
        if kind is None:
            return {}
        return await batches.lock_resources(self._connection, self._author.tenant_id, kind, ids)

    async def _role_writes(
        self, indices: Sequence[int], stored: Mapping[UUID, Stored]
    ) -> Mapping[int, RoleWrite]:
        """What the operations go by that are about roles."""
        mentioned: dict[int, tuple[UUID, frozenset[str]]] = {}
        for index in indices:
            try:
                kind, verb, request = self._parts(self._progress.resolved(index))
                before = stored.get(_identifier(kind, verb, request))
            except DomainError:  # it fails in its turn
                continue
            types = _mentioned(before, kind, verb, request) if before else None
            if before is not None and types is not None:
                mentioned[index] = before.id, types
        if not mentioned:
            return {}
        ids = {identifier for identifier, _ in mentioned.values()}
        types = frozenset().union(*(types for _, types in mentioned.values()))
        read = await role_writes.read(self._connection, self._author, ids, types)
        return {
            index: read.of(author_of(self._plan.operations[index], self._author), identifier)
            for index, (identifier, _) in mentioned.items()
        }

    def _changed(
        self, index: int, stored: Mapping[UUID, Stored], roles: Mapping[int, RoleWrite]
    ) -> Changed:
        """What an operation makes of its resource."""
        kind, verb, request = self._parts(self._progress.resolved(index))
        identifier = _identifier(kind, verb, request)
        before = stored.get(identifier)
        if before is None:
            raise not_found(kind, str(identifier))
        provenance = self._author.provenance
        provenance.require_change(before.origin, kind)
        etag.require(request.etag, before.version)
        if verb == "patch":
            changed = patched(before, request.operations, kind, roles.get(index))
        else:
            resource, mask = getattr(request, kind.field), list(request.update_mask.paths)
            changed = updated(before, resource, mask, kind, roles.get(index))
        provenance.require_user_name(kind, before.message, changed.message)
        return changed

    async def _store(self, waiting: Sequence[tuple[int, Changed]]) -> None:
        """Store what cannot fail any more; what made no difference is left as it is."""
        rows, recorded, assigned, taken_over = [], [], [], []
        for index, changed in waiting:
            before, version, time = (
                changed.stored,
                changed.stored.version,
                later_than(changed.stored),
            )
            if changed.attributes:
                version += 1
                rows.append((before.id, changed.message, version, time))
            takes_over = self._author.provenance.takes_over(before.origin)
            if takes_over:
                taken_over.append(before.id)
            if changed.attributes or changed.roles or takes_over:
                author = author_of(self._plan.operations[index], self._author)
                if changed.has_created_elements:
                    author = author.having_met(VALUE_PATH_CREATES)
                change = _change(changed, version, time, taken_over=takes_over)
                recorded.append((author, change))
                assigned.append((before.id, author.name, changed.roles))
                writing.note_rights(author, changed.attributes)
            outcome = Outcome(index, str(before.id), etag.of_version(version))
            self._progress.note(outcome)
        if recorded:
            kind, tenant_id = waiting[0][1].resource_type, self._author.tenant_id
            if rows:
                await batches.update_resources(self._connection, tenant_id, kind, rows)
            await role_assignments.apply(self._connection, tenant_id, assigned)
            await changes.record_all(self._connection, recorded)
        if taken_over:
            source = self._author.source
            await resources.take_over(
                self._connection, self._author.tenant_id, taken_over, source, datetime.now(UTC)
            )
        await self._end_access(waiting)

    async def _end_access(self, waiting: Sequence[tuple[int, Changed]]) -> None:
        ending = [changed for _, changed in waiting if must_end(changed.message)]
        if ending:
            ids = [each.stored.id for each in ending]
            was_over = any(must_end(each.stored.message) for each in ending)
            await end_access(self._connection, self._author, ids, again=was_over)

    def _parts(self, operation: BulkOperation) -> tuple[ResourceType, str, Any]:
        """The type of resource, the verb (update, patch or delete) and the request."""
        kind = resource_type_of(operation, self._plan.schemas)
        name = operation.WhichOneof("operation")
        assert kind is not None
        assert name is not None
        return kind, name.partition("_")[0], getattr(operation, name)


def _identifier(kind: ResourceType, verb: str, request: Any) -> UUID:
    """The resource that a request is about. Raises NOT_FOUND for what no resource has as id."""
    named = getattr(request, kind.field) if verb == "update" else request
    return identifier_of(kind, named.id)


def _mentioned(
    stored: Stored, kind: ResourceType, verb: str, request: Any
) -> frozenset[str] | None:
    """The types of roles that an operation mentions; None when it leaves roles alone."""
    if verb == "patch":
        return role_mentions.in_patch(request.operations, kind)
    mask = list(request.update_mask.paths)
    return role_mentions.in_update(stored.message, getattr(request, kind.field), mask, kind)


def _change(changed: Changed, version: int, time: datetime, *, taken_over: bool) -> Change:
    message = changed.message.SerializeToString(deterministic=True)
    kind, identifier = changed.resource_type.name, changed.stored.id
    attributes = list(changed.attributes or (["roles"] if changed.roles else ()))
    attributes += ["origin"] if taken_over else []
    return Change("update", kind, identifier, version, time, attributes, message)
