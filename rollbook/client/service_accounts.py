"""Calls on service accounts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from google.protobuf.field_mask_pb2 import FieldMask

from rollbook.attributes import SERVICE_ACCOUNT
from rollbook.client.filters import filter_of
from rollbook.client.listing import Listing, chunks, page_request
from rollbook.client.options import (
    ChangeOptions,
    CreateOptions,
    DeleteOptions,
    ReadOptions,
    one_key,
    read_fields,
    write_fields,
)
from rollbook.client.patches import operation_of, replace
from rollbook.v1.service_account_service_pb2 import (
    BatchGetServiceAccountsRequest,
    BatchGetServiceAccountsResponse,
    CreateServiceAccountRequest,
    DeleteServiceAccountRequest,
    GetServiceAccountRequest,
    ListServiceAccountsRequest,
    ListServiceAccountsResponse,
    LookupServiceAccountRequest,
    PatchServiceAccountRequest,
    UpdateServiceAccountRequest,
)
from rollbook.v1.service_account_service_pb2_grpc import ServiceAccountServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.client.connection import Connection
    from rollbook.client.filters import Condition
    from rollbook.client.patches import Change
    from rollbook.v1.filter_pb2 import Filter, OrderBy
    from rollbook.v1.patch_pb2 import PatchOperation
    from rollbook.v1.service_account_pb2 import ServiceAccount
    from rollbook.v1.service_account_service_pb2_grpc import ServiceAccountServiceAsyncStub


class ServiceAccounts:
    """Creates, finds, changes and deletes service accounts. `options` are those of
    `client.options`; their API keys are made by `Tokens`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> ServiceAccountServiceAsyncStub:
        return ServiceAccountServiceStub(self._connection.channel)

    async def create(
        self, account: ServiceAccount, **options: Unpack[CreateOptions]
    ) -> ServiceAccount:
        """Create a service account and return it as stored, with its id. Raises AlreadyExistsError
        when its displayName is taken, InvalidRequestError when a value is not valid."""
        request = CreateServiceAccountRequest(service_account=account, **write_fields(options))
        answer = await self._connection.call(
            self._stub.CreateServiceAccount, request, options.get("timeout")
        )
        return answer.service_account

    async def get(self, account_id: str, **options: Unpack[ReadOptions]) -> ServiceAccount:
        """The service account of that id. Raises NotFoundError."""
        request = GetServiceAccountRequest(id=account_id, **read_fields(options))
        answer = await self._connection.call(
            self._stub.GetServiceAccount, request, options.get("timeout")
        )
        return answer.service_account

    async def batch_get(
        self, account_ids: Iterable[str], **options: Unpack[ReadOptions]
    ) -> BatchGetServiceAccountsResponse:
        """The service accounts of those ids, in their order, and the ids of those that do not
        exist; one call for each thousand."""
        merged = BatchGetServiceAccountsResponse()
        for ids in chunks(account_ids, 1000):
            request = BatchGetServiceAccountsRequest(ids=ids, **read_fields(options))
            merged.MergeFrom(
                await self._connection.call(
                    self._stub.BatchGetServiceAccounts, request, options.get("timeout")
                )
            )
        return merged

    async def lookup(
        self,
        *,
        display_name: str | None = None,
        external_id: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> ServiceAccount:
        """The one service account with that displayName (in any case) or externalId (exactly).
        Raises NotFoundError; InvalidRequestError (TOO_MANY) when several have it; TypeError unless
        one key is given."""
        key = one_key(display_name=display_name, external_id=external_id)
        request = LookupServiceAccountRequest(**key, **read_fields(options))
        answer = await self._connection.call(
            self._stub.LookupServiceAccount, request, options.get("timeout")
        )
        return answer.service_account

    def list(
        self,
        *,
        filter: Condition | Filter | None = None,  # noqa: A002  the word of the contract
        order_by: OrderBy | None = None,
        page_size: int | None = None,
        skip: int = 0,
        include_total_size: bool = False,
        **options: Unpack[ReadOptions],
    ) -> Listing[ListServiceAccountsResponse, ServiceAccount]:
        """The service accounts that meet the filter, oldest first unless ordered. Nothing is asked
        before the listing is walked; it raises InvalidRequestError when the filter is not
        valid."""
        request = ListServiceAccountsRequest(
            filter=filter_of(filter),
            order_by=order_by,
            page_size=page_size,
            include_total_size=include_total_size,
            **read_fields(options),
        )

        async def fetch(page_token: str) -> ListServiceAccountsResponse:
            page = page_request(request, page_token)
            # Later pages follow the token; together with one a skip is refused.
            page.skip = 0 if page_token else skip
            return await self._connection.call(
                self._stub.ListServiceAccounts, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.service_accounts)

    async def count(
        self,
        filter: Condition | Filter | None = None,  # noqa: A002
        *,
        timeout: float | None = None,
    ) -> int:
        """How many service accounts meet the filter."""
        request = ListServiceAccountsRequest(
            filter=filter_of(filter), page_size=0, include_total_size=True
        )
        answer = await self._connection.call(self._stub.ListServiceAccounts, request, timeout)
        return answer.total_size

    async def update(
        self, account: ServiceAccount, mask: Iterable[str] = (), **options: Unpack[ChangeOptions]
    ) -> ServiceAccount:
        """Change the service account that `account.id` names and return it as it is now. `mask`
        has the protobuf fields to change, e.g. "owner.value"; "*" replaces the service account, and
        without any the fields that are set are changed. Raises NotFoundError, InvalidRequestError,
        AlreadyExistsError, and ConflictError when the etag has changed."""
        request = UpdateServiceAccountRequest(
            service_account=account, update_mask=FieldMask(paths=mask), **write_fields(options)
        )
        answer = await self._connection.call(
            self._stub.UpdateServiceAccount, request, options.get("timeout")
        )
        return answer.service_account

    async def patch(
        self,
        account_id: str,
        operations: Iterable[Change | PatchOperation],
        **options: Unpack[ChangeOptions],
    ) -> ServiceAccount:
        """Apply operations in order, all or none, and return the service account as it is now.
        Raises what `update` does; ValueError and TypeError when an operation suits no service
        account."""
        request = PatchServiceAccountRequest(
            id=account_id,
            operations=[operation_of(operation, SERVICE_ACCOUNT) for operation in operations],
            **write_fields(options),
        )
        answer = await self._connection.call(
            self._stub.PatchServiceAccount, request, options.get("timeout")
        )
        return answer.service_account

    async def activate(self, account_id: str, **options: Unpack[ChangeOptions]) -> ServiceAccount:
        """Let the account be used again. Raises NotFoundError."""
        return await self.patch(account_id, [replace("active", value=True)], **options)

    async def deactivate(self, account_id: str, **options: Unpack[ChangeOptions]) -> ServiceAccount:
        """Forbid the use of the account, at once and on every path. Raises NotFoundError."""
        return await self.patch(account_id, [replace("active", value=False)], **options)

    async def delete(self, account_id: str, **options: Unpack[DeleteOptions]) -> None:
        """Delete the service account with its memberships and API keys. Raises NotFoundError,
        ConflictError."""
        request = DeleteServiceAccountRequest(id=account_id, **write_fields(options))
        await self._connection.call(
            self._stub.DeleteServiceAccount, request, options.get("timeout")
        )
