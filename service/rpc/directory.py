"""Methods of DirectoryService: resources of every type at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import RESOURCE_TYPES
from rollbook.schema_sets import transfer
from rollbook.v1.directory_service_pb2 import (
    BulkOperation,
    BulkResponse,
    BulkResult,
    OperationError,
    Resource,
)
from service.directory import bulk, listing, paging
from service.domain.bulk import Outcome, Plan, check
from service.domain.errors import DomainError
from service.rpc import status, wire
from service.rpc.gate.password_hashing import hash_password
from service.rpc.resources import default_view, page_tokens, view_of_paths
from service.storage.derived import View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rollbook.v1.directory_service_pb2 import BulkRequest, SearchResourcesRequest
    from service.passwords import PasswordHasher
    from service.rpc.calls import Answer, Call
    from service.rpc.writes import Writes
    from service.storage.database import Connection, Database

_FIELDS: Final = {
    kind.name: Resource.DESCRIPTOR.fields_by_name[kind.field].number for kind in RESOURCE_TYPES
}
"""The field of a Resource that holds a resource of a type."""


class DirectoryMethods:
    """Searches all types, and runs many writes."""

    def __init__(
        self, database: Database, hasher: PasswordHasher, writes: Writes, page_key: bytes
    ) -> None:
        self._database = database
        self._hasher = hasher
        self._writes = writes
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {"SearchResources": self.search, "Bulk": self.bulk}

    async def search(self, request: SearchResourcesRequest, call: Call) -> bytes:
        """One page of a list of resources of all types."""
        view = _view(request, call)
        kinds = call.schemas.resource_types
        query = listing.query_of_resources(request, kinds, call.tenant_id, view)
        page = await paging.page(self._database, query, self._page_key)
        resources = (
            wire.nested(_FIELDS[row.resource_type.name], row.resource) for row in page.rows
        )
        return wire.repeated(1, resources) + page_tokens(page)

    async def bulk(self, request: BulkRequest, call: Call) -> bytes:
        """Many writes, each for itself."""
        check(request)
        fingerprint = self._writes.fingerprint(request)
        for operation in request.operations:
            await self._hash_password(operation)
        plan = Plan.of(request, call.schemas)

        async def work(connection: Connection) -> bytes:
            outcomes = await bulk.run(connection, call.author, plan)
            return BulkResponse(results=map(_result, outcomes)).SerializeToString()

        return await self._writes.run(call, request, fingerprint, work)

    async def _hash_password(self, operation: BulkOperation) -> None:
        try:
            await hash_password(self._hasher, _users_of(operation))
        except DomainError as error:
            transfer(_error(error), operation.refused)


def _users_of(operation: BulkOperation) -> Iterator[Any]:
    match operation.WhichOneof("operation"):
        case "create_user":
            yield operation.create_user.user
        case "update_user":
            yield operation.update_user.user
        case "patch_user":
            yield from (each.user for each in operation.patch_user.operations)


def _result(outcome: Outcome) -> BulkResult:
    error = None if outcome.error is None else _error(outcome.error)
    return BulkResult(index=outcome.index, error=error, id=outcome.id, etag=outcome.etag)


def _error(error: DomainError) -> OperationError:
    shown = status.status_of(error)
    return OperationError(
        code=shown.code,
        reason=error.reason,
        message=shown.message,
        field=error.field,
        metadata=error.metadata,
    )


def _view(request: SearchResourcesRequest, call: Call) -> View:
    """Which derived parts a mask asks for whose paths begin with the field of a type."""
    masks: dict[str, list[str]] = {}
    for path in request.read_mask.paths:
        kind, _, rest = path.partition(".")
        masks.setdefault(kind, []).append(rest or "*")
    if not masks or "*" in masks:
        return default_view(call)
    # The name of a type alone stands for what is shown of it by default.
    whole = default_view(call)
    wanted = [
        (kind, whole if "*" in paths else view_of_paths(paths))
        for kind in RESOURCE_TYPES
        for paths in (masks.get(kind.field, ["id"]),)
    ]
    return View(
        groups=any(view.groups for kind, view in wanted if kind.schema.attribute("groups")),
        manager=any(view.manager for _, view in wanted),
        members=any(view.members for kind, view in wanted if kind.schema.attribute("members")),
        access=any(view.access for _, view in wanted),
        origin=any(view.origin for _, view in wanted),
    )
