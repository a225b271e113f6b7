"""Calls on resources, which are alike for every type of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, Unpack, cast

from google.protobuf.field_mask_pb2 import FieldMask

from rollbook.client.filters import filter_of
from rollbook.client.listing import Listing, Page, chunks, page_request
from rollbook.client.options import one_key, read_fields, write_fields
from rollbook.client.patches import operation_of, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    import grpc.aio

    from rollbook.attributes import ResourceType
    from rollbook.client.connection import Connection
    from rollbook.client.filters import Condition
    from rollbook.client.options import (
        CallOptions,
        ChangeOptions,
        CreateOptions,
        DeleteOptions,
        ReadOptions,
    )
    from rollbook.client.patches import Change
    from rollbook.v1.filter_pb2 import Filter, OrderBy
    from rollbook.v1.patch_pb2 import PatchOperation

R = TypeVar("R")
"""A resource."""
P = TypeVar("P", bound=Page)
"""A page of a list of them."""
B = TypeVar("B")
"""Several, asked for by their ids."""

AT_ONCE = 1_000
"""How many ids one call asks for."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The service for one type of resources: the module of its messages, whose names are made
    after the type's, and the class of its stub."""

    resource_type: ResourceType
    messages: ModuleType
    stub: Callable[[grpc.aio.Channel], Any]


class Resources(Generic[R, P, B]):
    """Creates, finds, changes and deletes resources of one type. `options` are those of
    `client.options`.

    Every call raises `rollbook.errors.RollbookError`; named below is what it raises of its own.
    """

    _contract: ClassVar[Contract]

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> Any:
        return self._contract.stub(self._connection.channel)

    @property
    def _type(self) -> ResourceType:
        return self._contract.resource_type

    async def create(self, resource: R, **options: Unpack[CreateOptions]) -> R:
        """Create a resource and return it as stored, with its id. Raises AlreadyExistsError when a
        value is taken that is one resource's alone, InvalidRequestError when one is not valid."""
        return await self._create(resource, options)

    async def _create(
        self, resource: R, options: CreateOptions, metadata: tuple[tuple[str, str], ...] = ()
    ) -> R:
        fields = {self._type.field: resource, **write_fields(options)}
        return self._resource(await self._call("Create{}", fields, options, metadata))

    async def get(self, identifier: str, **options: Unpack[ReadOptions]) -> R:
        """The resource of an id. Raises NotFoundError."""
        fields = {"id": identifier, **read_fields(options)}
        return self._resource(await self._call("Get{}", fields, options))

    async def batch_get(self, identifiers: Iterable[str], **options: Unpack[ReadOptions]) -> B:
        """The resources of several ids, in their order, and the ids of those that do not exist;
        one call for each thousand."""
        merged: Any = None
        for ids in chunks(identifiers, AT_ONCE):
            answer = await self._call("BatchGet{}s", {"ids": ids, **read_fields(options)}, options)
            if merged is None:
                merged = answer
            else:
                merged.MergeFrom(answer)
        return cast("B", merged)

    async def _lookup(self, options: ReadOptions, **keys: str | None) -> R:
        """The one resource with the one key that is given. Raises NotFoundError;
        InvalidRequestError (TOO_MANY) when several have it; TypeError unless one key is given."""
        fields = {**one_key(**keys), **read_fields(options)}
        return self._resource(await self._call("Lookup{}", fields, options))

    def list(
        self,
        *,
        filter: Condition | Filter | None = None,  # noqa: A002  the word of the contract
        order_by: OrderBy | None = None,
        page_size: int | None = None,
        skip: int = 0,
        include_total_size: bool = False,
        **options: Unpack[ReadOptions],
    ) -> Listing[P, R]:
        """The resources that meet the filter, oldest first unless ordered. Nothing is asked before
        the listing is walked; it raises InvalidRequestError when the filter is not valid."""
        fields = {
            "filter": filter_of(filter),
            "order_by": order_by,
            "page_size": page_size,
            "include_total_size": include_total_size,
            **read_fields(options),
        }
        request = self._request("List{}s", fields)

        async def fetch(page_token: str) -> Any:
            page = page_request(request, page_token)
            # Later pages follow the token; together with one a skip is refused.
            page.skip = 0 if page_token else skip
            return await self._send("List{}s", page, options)

        return Listing(fetch, lambda page: getattr(page, f"{self._type.field}s"))

    async def count(
        self,
        filter: Condition | Filter | None = None,  # noqa: A002
        *,
        timeout: float | None = None,
    ) -> int:
        """How many resources meet the filter."""
        options: CallOptions = {} if timeout is None else {"timeout": timeout}
        fields = {"filter": filter_of(filter), "page_size": 0, "include_total_size": True}
        return int((await self._call("List{}s", fields, options)).total_size)

    async def update(
        self, resource: R, mask: Iterable[str] = (), **options: Unpack[ChangeOptions]
    ) -> R:
        """Change the resource that `resource.id` names and return it as it is now. `mask` has the
        protobuf fields to change, e.g. "name.family_name"; "*" replaces the resource, and without
        any the fields that are set are changed. Raises NotFoundError, InvalidRequestError,
        AlreadyExistsError, and ConflictError when the etag has changed."""
        fields = {
            self._type.field: resource,
            "update_mask": FieldMask(paths=mask),
            **write_fields(options),
        }
        return self._resource(await self._call("Update{}", fields, options))

    async def patch(
        self,
        identifier: str,
        operations: Iterable[Change | PatchOperation],
        **options: Unpack[ChangeOptions],
    ) -> R:
        """Apply operations in order, all or none, and return the resource as it is now. Raises
        what `update` does; ValueError and TypeError when an operation suits no such resource."""
        fields = {
            "id": identifier,
            "operations": [operation_of(operation, self._type) for operation in operations],
            **write_fields(options),
        }
        return self._resource(await self._call("Patch{}", fields, options))

    async def delete(self, identifier: str, **options: Unpack[DeleteOptions]) -> None:
        """Delete a resource with its memberships and, if it has any, what it gets in with. Raises
        NotFoundError, ConflictError."""
        await self._call("Delete{}", {"id": identifier, **write_fields(options)}, options)

    def _resource(self, answer: Any) -> R:
        resource: R = getattr(answer, self._type.field)
        return resource

    def _request(self, method: str, fields: dict[str, Any]) -> Any:
        return getattr(self._contract.messages, f"{method.format(self._type.name)}Request")(
            **fields
        )

    async def _call(
        self,
        method: str,
        fields: dict[str, Any],
        options: CallOptions,
        metadata: tuple[tuple[str, str], ...] = (),
    ) -> Any:
        return await self._send(method, self._request(method, fields), options, metadata)

    async def _send(
        self,
        method: str,
        request: Any,
        options: CallOptions,
        metadata: tuple[tuple[str, str], ...] = (),
    ) -> Any:
        send = getattr(self._stub, method.format(self._type.name))
        return await self._connection.call(send, request, options.get("timeout"), metadata=metadata)


class Accounts(Resources[R, P, B]):
    """The same of what can be active."""

    async def activate(self, identifier: str, **options: Unpack[ChangeOptions]) -> R:
        """Let an account be used again. Raises NotFoundError."""
        return await self.patch(identifier, [replace("active", value=True)], **options)

    async def deactivate(self, identifier: str, **options: Unpack[ChangeOptions]) -> R:
        """Forbid the use of an account, at once and on every path. Raises NotFoundError."""
        return await self.patch(identifier, [replace("active", value=False)], **options)
