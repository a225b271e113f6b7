"""Calls on users."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from google.protobuf.field_mask_pb2 import FieldMask

from rollbook.attributes import USER
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
from rollbook.metadata import ORIGIN
from rollbook.v1.user_service_pb2 import (
    BatchGetUsersRequest,
    BatchGetUsersResponse,
    CreateUserRequest,
    DeleteUserRequest,
    GetUserRequest,
    ListUsersRequest,
    ListUsersResponse,
    LookupUserRequest,
    PatchUserRequest,
    UpdateUserRequest,
)
from rollbook.v1.user_service_pb2_grpc import UserServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.client.connection import Connection
    from rollbook.client.filters import Condition
    from rollbook.client.patches import Change
    from rollbook.v1.filter_pb2 import Filter, OrderBy
    from rollbook.v1.patch_pb2 import PatchOperation
    from rollbook.v1.user_pb2 import User
    from rollbook.v1.user_service_pb2_grpc import UserServiceAsyncStub


class Users:
    """Creates, finds, changes and deletes users. `options` are those of `client.options`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> UserServiceAsyncStub:
        return UserServiceStub(self._connection.channel)

    async def create(
        self, user: User, *, imported: bool = False, **options: Unpack[CreateOptions]
    ) -> User:
        """Create a user and return it as stored, with its id; one that is `imported` from
        elsewhere says so as its origin. Raises AlreadyExistsError when its userName is taken,
        InvalidRequestError when a value is not valid or users come from SCIM alone."""
        request = CreateUserRequest(user=user, **write_fields(options))
        answer = await self._connection.call(
            self._stub.CreateUser,
            request,
            options.get("timeout"),
            metadata=((ORIGIN, "import"),) if imported else (),
        )
        return answer.user

    async def get(self, user_id: str, **options: Unpack[ReadOptions]) -> User:
        """The user of that id. Raises NotFoundError."""
        request = GetUserRequest(id=user_id, **read_fields(options))
        answer = await self._connection.call(self._stub.GetUser, request, options.get("timeout"))
        return answer.user

    async def batch_get(
        self, user_ids: Iterable[str], **options: Unpack[ReadOptions]
    ) -> BatchGetUsersResponse:
        """The users of those ids, in their order, and the ids of those that do not exist; one
        call for each thousand."""
        merged = BatchGetUsersResponse()
        for ids in chunks(user_ids, 1000):
            request = BatchGetUsersRequest(ids=ids, **read_fields(options))
            merged.MergeFrom(
                await self._connection.call(
                    self._stub.BatchGetUsers, request, options.get("timeout")
                )
            )
        return merged

    async def lookup(
        self,
        *,
        user_name: str | None = None,
        external_id: str | None = None,
        email: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> User:
        """The one user with that userName (in any case), externalId (exactly) or e-mail address
        (in any case). Raises NotFoundError; InvalidRequestError (TOO_MANY) when several have it;
        TypeError unless one key is given."""
        key = one_key(user_name=user_name, external_id=external_id, email=email)
        request = LookupUserRequest(**key, **read_fields(options))
        answer = await self._connection.call(self._stub.LookupUser, request, options.get("timeout"))
        return answer.user

    def list(
        self,
        *,
        filter: Condition | Filter | None = None,  # noqa: A002  the word of the contract
        order_by: OrderBy | None = None,
        page_size: int | None = None,
        skip: int = 0,
        include_total_size: bool = False,
        **options: Unpack[ReadOptions],
    ) -> Listing[ListUsersResponse, User]:
        """The users that meet the filter, oldest first unless ordered. Nothing is asked before
        the listing is walked; it raises InvalidRequestError when the filter is not valid."""
        request = ListUsersRequest(
            filter=filter_of(filter),
            order_by=order_by,
            page_size=page_size,
            include_total_size=include_total_size,
            **read_fields(options),
        )

        async def fetch(page_token: str) -> ListUsersResponse:
            page = page_request(request, page_token)
            # Later pages follow the token; together with one a skip is refused.
            page.skip = 0 if page_token else skip
            return await self._connection.call(self._stub.ListUsers, page, options.get("timeout"))

        return Listing(fetch, lambda page: page.users)

    async def count(
        self,
        filter: Condition | Filter | None = None,  # noqa: A002
        *,
        timeout: float | None = None,
    ) -> int:
        """How many users meet the filter."""
        request = ListUsersRequest(filter=filter_of(filter), page_size=0, include_total_size=True)
        answer = await self._connection.call(self._stub.ListUsers, request, timeout)
        return answer.total_size

    async def update(
        self, user: User, mask: Iterable[str] = (), **options: Unpack[ChangeOptions]
    ) -> User:
        """Change the user that `user.id` names and return it as it is now. `mask` has the
        protobuf fields to change, e.g. "name.family_name"; "*" replaces the user, and without
        any the fields that are set are changed. Raises NotFoundError, InvalidRequestError,
        AlreadyExistsError, and ConflictError when the etag has changed."""
        request = UpdateUserRequest(
            user=user, update_mask=FieldMask(paths=mask), **write_fields(options)
        )
        answer = await self._connection.call(self._stub.UpdateUser, request, options.get("timeout"))
        return answer.user

    async def patch(
        self,
        user_id: str,
        operations: Iterable[Change | PatchOperation],
        **options: Unpack[ChangeOptions],
    ) -> User:
        """Apply operations in order, all or none, and return the user as it is now. Raises what
        `update` does; ValueError and TypeError when an operation suits no user."""
        request = PatchUserRequest(
            id=user_id,
            operations=[operation_of(operation, USER) for operation in operations],
            **write_fields(options),
        )
        answer = await self._connection.call(self._stub.PatchUser, request, options.get("timeout"))
        return answer.user

    async def activate(self, user_id: str, **options: Unpack[ChangeOptions]) -> User:
        """Let the account be used again. Raises NotFoundError."""
        return await self.patch(user_id, [replace("active", value=True)], **options)

    async def deactivate(self, user_id: str, **options: Unpack[ChangeOptions]) -> User:
        """Forbid the use of the account, at once and on every path. Raises NotFoundError."""
        return await self.patch(user_id, [replace("active", value=False)], **options)

    async def delete(self, user_id: str, **options: Unpack[DeleteOptions]) -> None:
        """Delete the user with its memberships. Raises NotFoundError, ConflictError."""
        request = DeleteUserRequest(id=user_id, **write_fields(options))
        await self._connection.call(self._stub.DeleteUser, request, options.get("timeout"))
