"""Creations of a bulk, as many as possible with one statement for each table.

A batch is tried as if all of it succeeded. When what fails has consequences for others of the
batch, all of it is undone and done again in smaller parts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rollbook.attributes import USER
from service.directory.access import role_writes
from service.directory.creating import FIRST_VERSION, New, prepared
from service.domain import etag
from service.domain.access import role_mentions
from service.domain.bulk import MAX_TOLERANCES, Outcome, Plan, Progress
from service.domain.bulk_references import resource_type_of
from service.domain.errors import DomainError
from service.domain.identifiers import new_id
from service.domain.membership import unknown_member
from service.domain.responsibility import unknown_owner
from service.domain.uniqueness import taken as value_taken
from service.domain.uniqueness import unique_values
from service.storage import batches, changes, resources
from service.storage import unique_values as values_taken
from service.storage.access import role_assignments
from service.storage.resources import taken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rollbook.v1.directory_service_pb2 import BulkOperation
    from service.directory.access.role_writes import RoleWrites
    from service.domain.bulk_order import Component
    from service.storage.changes import Author
    from service.storage.database import Connection

    Components = Sequence[Component]


class _SplitError(Exception):
    """A batch cannot stay as it is: these parts of it have to run one after the other."""

    def __init__(self, parts: Sequence[Components]) -> None:
        super().__init__()
        self.parts = parts


class _CircleError(Exception):
    """Creations that refer to each other have failed, all of them."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What is known of a batch, by the indices of its operations."""

    new: dict[int, New] = field(default_factory=dict)
    errors: dict[int, DomainError] = field(default_factory=dict)

    def fail(self, index: int, error: DomainError) -> None:
        self.new.pop(index, None)
        self.errors[index] = error


class Creator:
    """Creates resources in the transaction of the caller."""

    def __init__(
        self, connection: Connection, author: Author, plan: Plan, progress: Progress
    ) -> None:
        self._connection = connection
        self._author = author
        self._plan = plan
        self._progress = progress

    async def create(self, components: Components) -> None:
        """Run creations and note what becomes of them; some are not begun when so many fail
        that the bulk ends."""
        attempt = _Attempt()
        try:
            async with self._connection.transaction():
                await self._try(components, attempt)
        except _CircleError:
            self._forget(components)
        except _SplitError as split:
            self._forget(components)
            for part in split.parts:
                if not self._progress.stops():
                    await self.create(part)
            return
        self._note(components, attempt)

    async def _try(self, components: Components, attempt: _Attempt) -> None:
        roles = await self._role_writes(components)
        for component in components:
            self._prepare(component, attempt, roles)
        await self._refuse_unknown(attempt)
        await self._insert(components, attempt)
        self._check_consequences(components, attempt)
        await self._insert_rest(attempt)

    async def _role_writes(self, components: Components) -> RoleWrites | None:
        """What the creations go by that have roles; None when none has."""
        types: set[str] = set()
        for component in components:
            for index in component:
                types |= role_mentions.of_resource(self._resource(self._plan.operations[index]))
        if not types:
            return None
        return await role_writes.read(self._connection, self._author, (), types)

    def _resource(self, operation: BulkOperation) -> Any:
        kind = resource_type_of(operation, self._plan.schemas)
        assert kind is not None
        request: Any = getattr(operation, f"create_{kind.field}")
        return getattr(request, kind.field)

    def _prepare(self, component: Component, attempt: _Attempt, roles: RoleWrites | None) -> None:
        """Ids first: so those who refer to each other need not exist to do so."""
        ids = {index: new_id() for index in component}
        for index, identifier in ids.items():
            self._progress.name(index, identifier)
        for index, identifier in ids.items():
            try:
                attempt.new[index] = self._prepared(index, identifier, roles)
            except DomainError as error:
                attempt.fail(index, error)
        self._fail_referring(component, attempt)

    def _prepared(self, index: int, identifier: UUID, roles: RoleWrites | None) -> New:
        operation = self._progress.resolved(index)
        kind = resource_type_of(operation, self._plan.schemas)
        assert kind is not None
        resource = self._resource(operation)
        write = None
        if roles is not None and role_mentions.of_resource(resource):
            write = roles.of(author_of(operation, self._author))
        provenance = self._author.provenance
        provenance.require_creation(kind)
        provenance.require_user_name(kind, kind.message(), resource)
        return prepared(resource, kind, write, identifier)

    def _fail_referring(self, component: Component, attempt: _Attempt) -> None:
        """Creations of a circle fail together."""
        while broken := self._progress.broken_by(
            [index for index in component if index in attempt.new], attempt.errors
        ):
            for index, error in broken.items():
                attempt.fail(index, error)
        for index in component:
            if index in attempt.errors:
                self._progress.forget(index)

    async def _refuse_unknown(self, attempt: _Attempt) -> None:
        """Members have to exist, and owners to be users."""
        kinds = {new.id: new.resource_type.name for new in attempt.new.values()}
        others = {each for new in attempt.new.values() for each in new.referred} - kinds.keys()
        if others:
            tenant_id = self._author.tenant_id
            kinds |= await batches.principals_among(self._connection, tenant_id, others)
        for index, new in list(attempt.new.items()):
            unknown = next((each for each in new.member_ids if each not in kinds), None)
            if unknown is not None:
                attempt.fail(index, unknown_member(unknown))
            elif new.owner_id and kinds.get(new.owner_id) != USER.name:
                attempt.fail(index, unknown_owner(new.owner_id))

    async def _insert(self, components: Components, attempt: _Attempt) -> None:
        rows = [(new.id, new.resource_type, new.message, new.time) for new in attempt.new.values()]
        if not rows:
            return
        stored = await batches.insert_resources(
            self._connection, self._author.tenant_id, rows, self._author.source
        )
        for index, new in list(attempt.new.items()):
            if new.id not in stored:
                attempt.fail(index, taken(new.resource_type, new.message))
        lost = await self._keep_unique(attempt)
        if lost and len(stored) < len(rows) and len(components) > 1:
            # What lost its place now may have kept another one from having it.
            raise _SplitError([[component] for component in components])

    async def _keep_unique(self, attempt: _Attempt) -> bool:
        """Take the values of registered attributes that no other resource may have. Returns
        whether any were taken before."""
        tenant_id = self._author.tenant_id
        rows = [
            (attribute, value, new.id)
            for new in attempt.new.values()
            for attribute, value in unique_values(new.message, new.resource_type).items()
        ]
        conflicts = await values_taken.take(self._connection, tenant_id, rows)
        for index, new in list(attempt.new.items()):
            if attribute := conflicts.get(new.id):
                await resources.delete(self._connection, tenant_id, new.id)
                attempt.fail(index, value_taken(attribute, new.resource_type))
        return bool(conflicts)

    def _check_consequences(self, components: Components, attempt: _Attempt) -> None:
        """Raises when what has failed means that others of the batch must not be there."""
        if self._progress.broken_by(attempt.new, attempt.errors):
            if len(components) > 1:
                raise _SplitError([[component] for component in components])
            self._fail_referring(components[0], attempt)
            raise _CircleError
        failures = 0
        for position, component in enumerate(components[:-1], start=1):
            failures += sum(index in attempt.errors for index in component)
            if self._progress.stops(more_failures=failures):
                raise _SplitError([components[:position], components[position:]])

    async def _insert_rest(self, attempt: _Attempt) -> None:
        new, tenant_id = attempt.new, self._author.tenant_id
        pairs = [(each.id, member) for each in new.values() for member in each.member_ids]
        hashes = [(each.id, each.password_hash) for each in new.values() if each.password_hash]
        assigned = [(each.id, self._author.name, each.roles) for each in new.values()]
        made = [
            (author_of(self._plan.operations[index], self._author), each.change())
            for index, each in new.items()
        ]
        await batches.insert_members(self._connection, tenant_id, pairs, self._author.source)
        await batches.insert_passwords(self._connection, tenant_id, hashes)
        await role_assignments.apply(self._connection, tenant_id, assigned)
        if pairs:
            self._author.effects.rights_changed = True
        await changes.record_all(self._connection, made)

    def _forget(self, components: Components) -> None:
        for component in components:
            for index in component:
                self._progress.forget(index)

    def _note(self, components: Components, attempt: _Attempt) -> None:
        for component in components:
            for index in component:
                if error := attempt.errors.get(index):
                    self._progress.forget(index)
                    self._progress.note(self._progress.failed(index, error))
                else:
                    identifier = str(attempt.new[index].id)
                    version = etag.of_version(FIRST_VERSION)
                    self._progress.note(Outcome(index, identifier, version))


def author_of(operation: BulkOperation, author: Author) -> Author:
    """Who does an operation, with the habits met in it."""
    if not operation.tolerances:
        return author
    met = dict.fromkeys((*author.tolerances, *operation.tolerances))
    return replace(author, tolerances=list(met)[:MAX_TOLERANCES])
