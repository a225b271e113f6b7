"""Calls on groups and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from rollbook.attributes import GROUP
from rollbook.client.listing import Listing, chunks, page_request
from rollbook.client.options import write_fields
from rollbook.client.resources import Contract, Resources
from rollbook.v1 import group_service_pb2
from rollbook.v1.group_pb2 import Group
from rollbook.v1.group_service_pb2 import (
    AddMembersRequest,
    AddMembersResponse,
    BatchGetGroupsResponse,
    ListGroupsResponse,
    ListMembersRequest,
    ListMembersResponse,
    ListPrincipalGroupsRequest,
    ListPrincipalGroupsResponse,
    RemoveMembersRequest,
    RemoveMembersResponse,
)
from rollbook.v1.group_service_pb2_grpc import GroupServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from rollbook.client.options import CallOptions, ReadOptions
    from rollbook.v1.group_pb2 import GroupMember
    from rollbook.v1.user_pb2 import GroupMembership

MEMBERS_AT_ONCE: Final = 10_000
"""How many members one call may add or remove."""

SUMMARY: Final = ("id", "external_id", "meta", "display_name", "origin")
"""A read mask that leaves out the members, so that the size of a group does not matter."""


class Groups(Resources[Group, ListGroupsResponse, BatchGetGroupsResponse]):
    """Creates, finds, changes and deletes groups.

    A group is read with all its members unless the `read_mask` leaves them out (`SUMMARY`).
    """

    _contract = Contract(GROUP, group_service_pb2, GroupServiceStub)

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
        return await self._lookup(options, display_name=display_name, external_id=external_id)

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
