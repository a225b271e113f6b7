"""Calls on groups and their members."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from google.protobuf.field_mask_pb2 import FieldMask

from rollbook.attributes import GROUP
from rollbook.client.filters import filter_of
from rollbook.client.listing import Listing, chunks, page_request
from rollbook.client.options import (
    CallOptions,
    ChangeOptions,
    CreateOptions,
    DeleteOptions,
    ReadOptions,
    one_key,
    read_fields,
    write_fields,
)
from rollbook.client.patches import operation_of
from rollbook.v1.group_service_pb2 import (
    AddMembersRequest,
    AddMembersResponse,
    BatchGetGroupsRequest,
    BatchGetGroupsResponse,
    CreateGroupRequest,
    DeleteGroupRequest,
    GetGroupRequest,
    ListGroupsRequest,
    ListGroupsResponse,
    ListMembersRequest,
    ListMembersResponse,
    ListPrincipalGroupsRequest,
    ListPrincipalGroupsResponse,
    LookupGroupRequest,
    PatchGroupRequest,
    RemoveMembersRequest,
    RemoveMembersResponse,
    UpdateGroupRequest,
)
from rollbook.v1.group_service_pb2_grpc import GroupServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from rollbook.client.connection import Connection
    from rollbook.client.filters import Condition
    from rollbook.client.patches import Change
    from rollbook.v1.filter_pb2 import Filter, OrderBy
    from rollbook.v1.group_pb2 import Group, GroupMember
    from rollbook.v1.group_service_pb2_grpc import GroupServiceAsyncStub
    from rollbook.v1.patch_pb2 import PatchOperation
    from rollbook.v1.user_pb2 import GroupMembership

MEMBERS_AT_ONCE: Final = 10_000
"""How many members one call may add or remove."""

SUMMARY: Final = ("id", "external_id", "meta", "display_name", "origin")
"""A read mask that leaves out the members, so that the size of a group does not matter."""


class Groups:
    """Creates, finds, changes and deletes groups. `options` are those of `client.options`.

    A group is read with all its members unless the `read_mask` leaves them out (`SUMMARY`).
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> GroupServiceAsyncStub:
        return GroupServiceStub(self._connection.channel)

    async def create(self, group: Group, **options: Unpack[CreateOptions]) -> Group:
        """Create a group and return it as stored, with its id. Raises InvalidRequestError when a
        value is not valid."""
        request = CreateGroupRequest(group=group, **write_fields(options))
        answer = await self._connection.call(
            self._stub.CreateGroup, request, options.get("timeout")
        )
        return answer.group

    async def get(self, group_id: str, **options: Unpack[ReadOptions]) -> Group:
        """The group of that id. Raises NotFoundError."""
        request = GetGroupRequest(id=group_id, **read_fields(options))
        answer = await self._connection.call(self._stub.GetGroup, request, options.get("timeout"))
        return answer.group

    async def batch_get(
        self, group_ids: Iterable[str], **options: Unpack[ReadOptions]
    ) -> BatchGetGroupsResponse:
        """The groups of those ids, in their order, and the ids of those that do not exist; one
        call for each thousand."""
        merged = BatchGetGroupsResponse()
        for ids in chunks(group_ids, 1000):
            request = BatchGetGroupsRequest(ids=ids, **read_fields(options))
            merged.MergeFrom(
                await self._connection.call(
                    self._stub.BatchGetGroups, request, options.get("timeout")
                )
            )
        return merged

    async def lookup(
        self,
        *,
        display_name: str | None = None,
        external_id: str | None = None,
        **options: Unpack[ReadOptions],
    ) -> Group:
        """The one group with that displayName (in any case) or externalId (exactly). Raises
        NotFoundError; InvalidRequestError (TOO_MANY) when several have it; TypeError unless one
        key is given."""
        key = one_key(display_name=display_name, external_id=external_id)
        request = LookupGroupRequest(**key, **read_fields(options))
        answer = await self._connection.call(
            self._stub.LookupGroup, request, options.get("timeout")
        )
        return answer.group

    def list(
        self,
        *,
        filter: Condition | Filter | None = None,  # noqa: A002  the word of the contract
        order_by: OrderBy | None = None,
        page_size: int | None = None,
        skip: int = 0,
        include_total_size: bool = False,
        **options: Unpack[ReadOptions],
    ) -> Listing[ListGroupsResponse, Group]:
        """The groups that meet the filter, oldest first unless ordered. Nothing is asked before
        the listing is walked; it raises InvalidRequestError when the filter is not valid."""
        request = ListGroupsRequest(
            filter=filter_of(filter),
            order_by=order_by,
            page_size=page_size,
            include_total_size=include_total_size,
            **read_fields(options),
        )

        async def fetch(page_token: str) -> ListGroupsResponse:
            page = page_request(request, page_token)
            # Later pages follow the token; together with one a skip is refused.
            page.skip = 0 if page_token else skip
            return await self._connection.call(self._stub.ListGroups, page, options.get("timeout"))

        return Listing(fetch, lambda page: page.groups)

    async def count(
        self,
        filter: Condition | Filter | None = None,  # noqa: A002
        *,
        timeout: float | None = None,
    ) -> int:
        """How many groups meet the filter."""
        request = ListGroupsRequest(filter=filter_of(filter), page_size=0, include_total_size=True)
        answer = await self._connection.call(self._stub.ListGroups, request, timeout)
        return answer.total_size

    async def update(
        self, group: Group, mask: Iterable[str] = (), **options: Unpack[ChangeOptions]
    ) -> Group:
        """Change the group that `group.id` names and return it as it is now. `mask` has the
        protobuf fields to change, e.g. "display_name"; "*" replaces the group, and without any
        the fields that are set are changed. Raises NotFoundError, InvalidRequestError, and
        ConflictError when the etag has changed."""
        request = UpdateGroupRequest(
            group=group, update_mask=FieldMask(paths=mask), **write_fields(options)
        )
        answer = await self._connection.call(
            self._stub.UpdateGroup, request, options.get("timeout")
        )
        return answer.group

    async def patch(
        self,
        group_id: str,
        operations: Iterable[Change | PatchOperation],
        **options: Unpack[ChangeOptions],
    ) -> Group:
        """Apply operations in order, all or none, and return the group as it is now. Raises what
        `update` does; ValueError and TypeError when an operation suits no group."""
        request = PatchGroupRequest(
            id=group_id,
            operations=[operation_of(operation, GROUP) for operation in operations],
            **write_fields(options),
        )
        answer = await self._connection.call(self._stub.PatchGroup, request, options.get("timeout"))
        return answer.group

    async def delete(self, group_id: str, **options: Unpack[DeleteOptions]) -> None:
        """Delete the group, not its members. Raises NotFoundError, ConflictError."""
        request = DeleteGroupRequest(id=group_id, **write_fields(options))
        await self._connection.call(self._stub.DeleteGroup, request, options.get("timeout"))

    async def add_members(
        self, group_id: str, member_ids: Iterable[str], *, timeout: float | None = None
    ) -> AddMembersResponse:
        """Add users or groups; those who are members already stay so. Returns the group's etag
        and how many are new. One call for each 10,000: when a later one fails, the earlier ones
        have happened, and it is safe to begin again. Raises NotFoundError when there is no such
        group, InvalidRequestError when an id names nobody."""
        total = AddMembersResponse()
        for ids in chunks(member_ids, MEMBERS_AT_ONCE):
            request = AddMembersRequest(group_id=group_id, member_ids=ids, **write_fields({}))
            answer = await self._connection.call(self._stub.AddMembers, request, timeout)
            total.etag = answer.etag
            total.added_count += answer.added_count
        return total

    async def remove_members(
        self, group_id: str, member_ids: Iterable[str], *, timeout: float | None = None
    ) -> RemoveMembersResponse:
        """Remove members; ids that are none are ignored. Returns the group's etag and how many
        were members. One call for each 10,000, as `add_members`. Raises NotFoundError when there
        is no such group."""
        total = RemoveMembersResponse()
        for ids in chunks(member_ids, MEMBERS_AT_ONCE):
            request = RemoveMembersRequest(group_id=group_id, member_ids=ids, **write_fields({}))
            answer = await self._connection.call(self._stub.RemoveMembers, request, timeout)
            total.etag = answer.etag
            total.removed_count += answer.removed_count
        return total

    def list_members(
        self, group_id: str, *, page_size: int | None = None, **options: Unpack[CallOptions]
    ) -> Listing[ListMembersResponse, GroupMember]:
        """The direct members of a group, by id. Walking it raises NotFoundError."""
        request = ListMembersRequest(group_id=group_id, page_size=page_size)

        async def fetch(page_token: str) -> ListMembersResponse:
            page = page_request(request, page_token)
            return await self._connection.call(self._stub.ListMembers, page, options.get("timeout"))

        return Listing(fetch, lambda page: page.members)

    def groups_of(
        self, principal_id: str, *, page_size: int | None = None, **options: Unpack[CallOptions]
    ) -> Listing[ListPrincipalGroupsResponse, GroupMembership]:
        """The groups that a user or group belongs to itself, by id. Walking it raises
        NotFoundError."""
        request = ListPrincipalGroupsRequest(principal_id=principal_id, page_size=page_size)

        async def fetch(page_token: str) -> ListPrincipalGroupsResponse:
            page = page_request(request, page_token)
            return await self._connection.call(
                self._stub.ListPrincipalGroups, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.groups)
