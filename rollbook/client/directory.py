"""Calls on resources of every type at once: searches, and many writes in one call."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from rollbook.client.filters import filter_of
from rollbook.client.listing import Listing, page_request
from rollbook.client.options import CommandOptions, ReadOptions, read_fields, write_fields
from rollbook.v1.directory_service_pb2 import (
    BulkRequest,
    BulkResult,
    Resource,
    SearchResourcesRequest,
    SearchResourcesResponse,
)
from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.client.connection import Connection
    from rollbook.client.filters import Condition
    from rollbook.v1.directory_service_pb2 import BulkOperation
    from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceAsyncStub
    from rollbook.v1.filter_pb2 import Filter, OrderBy


class Directory:
    """Finds and changes resources whatever their type. `options` are those of
    `client.options`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> DirectoryServiceAsyncStub:
        return DirectoryServiceStub(self._connection.channel)

    def search(
        self,
        filter: Condition | Filter | None = None,  # noqa: A002  the word of the contract
        *,
        order_by: OrderBy | None = None,
        page_size: int | None = None,
        include_total_size: bool = False,
        **options: Unpack[ReadOptions],
    ) -> Listing[SearchResourcesResponse, Resource]:
        """The resources of all types that meet the filter, oldest first unless ordered; an
        attribute that a type lacks has no value there. A read mask begins with the type:
        "user.user_name". Walking it raises InvalidRequestError when the filter is not valid."""
        request = SearchResourcesRequest(
            filter=filter_of(filter),
            order_by=order_by,
            page_size=page_size,
            include_total_size=include_total_size,
            **read_fields(options),
        )

        async def fetch(page_token: str) -> SearchResourcesResponse:
            page = page_request(request, page_token)
            return await self._connection.call(
                self._stub.SearchResources, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.resources)

    async def bulk(
        self,
        operations: Iterable[BulkOperation],
        *,
        fail_on_errors: int = 0,
        **options: Unpack[CommandOptions],
    ) -> list[BulkResult]:
        """Run up to 1,000 writes, each on its own, and return what became of those that were
        begun, in their order: a result has an `error`, or the id and etag of its resource. After
        `fail_on_errors` failures no more are begun; 0 is no limit. Where an operation has an id,
        "bulkId:" and the `bulk_id` of a creation may stand. Raises InvalidRequestError when the
        call as a whole is not valid: nothing has happened then."""
        request = BulkRequest(
            operations=operations, fail_on_errors=fail_on_errors, **write_fields(options)
        )
        answer = await self._connection.call(self._stub.Bulk, request, options.get("timeout"))
        return list(answer.results)
