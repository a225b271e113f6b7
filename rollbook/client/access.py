"""Calls on who may do what, and why."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar, Unpack

from google.protobuf.timestamp_pb2 import Timestamp

from rollbook.client.listing import Listing, page_request
from rollbook.client.options import CallOptions
from rollbook.v1.access_service_pb2 import (
    BatchCheckAccessRequest,
    BatchListEffectiveRolesRequest,
    BatchListEffectiveRolesResponse,
    CheckAccessRequest,
    CheckAccessResponse,
    CheckMembershipRequest,
    CheckMembershipResponse,
    ExplainAccessRequest,
    ExplainAccessResponse,
    ListEffectiveRolesRequest,
    ListEffectiveRolesResponse,
    ListPrincipalsWithRoleRequest,
    ListPrincipalsWithRoleResponse,
    ListTransitiveGroupsRequest,
    ListTransitiveGroupsResponse,
    ListTransitiveMembersRequest,
    ListTransitiveMembersResponse,
)
from rollbook.v1.access_service_pb2_grpc import AccessServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import grpc.aio

    from rollbook.client.connection import Connection
    from rollbook.v1.access_pb2 import EffectiveRole, PrincipalWithRole, TransitiveMember
    from rollbook.v1.access_service_pb2_grpc import AccessServiceAsyncStub


class FreshRequest(Protocol):
    """A request that may say which write its answer has to see."""

    at_least_as_fresh: str


Q = TypeVar("Q", bound=FreshRequest)
R = TypeVar("R")


class FreshOptions(CallOptions, total=False):
    """Of a call whose answer may have to see a certain write."""

    at_least_as_fresh: str
    """The revision of that write. When absent, of the write that this client was answered last."""


class Access:
    """Checks and explains access, with the scope "access.read".

    A role is a `value` of a type, which is empty for a role without one.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> AccessServiceAsyncStub:
        return AccessServiceStub(self._connection.channel)

    async def check(
        self,
        principal_id: str,
        value: str,
        *,
        type_: str = "",
        as_of: datetime | None = None,
        **options: Unpack[FreshOptions],
    ) -> CheckAccessResponse:
        """Whether a user, group or service account has a role, or had it at a past moment; nobody
        who does not exist has any. Raises InvalidRequestError for a role that is none of the
        catalogue's."""
        request = CheckAccessRequest(
            principal_id=principal_id, type=type_, value=value, as_of=_timestamp(as_of)
        )
        return await self._call(self._stub.CheckAccess, request, options)

    async def check_all(
        self, checks: Iterable[tuple[str, str, str]], **options: Unpack[FreshOptions]
    ) -> list[CheckAccessResponse]:
        """Up to 1000 checks of one moment: triples of principal id, type and value. Raises
        InvalidRequestError."""
        request = BatchCheckAccessRequest(
            checks=[
                CheckAccessRequest(principal_id=principal_id, type=type_, value=value)
                for principal_id, type_, value in checks
            ]
        )
        return list((await self._call(self._stub.BatchCheckAccess, request, options)).results)

    async def explain(
        self,
        principal_id: str,
        value: str,
        *,
        type_: str = "",
        as_of: datetime | None = None,
        max_paths: int = 0,
        **options: Unpack[FreshOptions],
    ) -> ExplainAccessResponse:
        """Why somebody has a role, or had it at a past moment: every path to an assignment.
        Raises NotFoundError, InvalidRequestError."""
        request = ExplainAccessRequest(
            principal_id=principal_id,
            type=type_,
            value=value,
            max_paths=max_paths,
            as_of=_timestamp(as_of),
        )
        return await self._call(self._stub.ExplainAccess, request, options)

    def list_roles(
        self,
        principal_id: str,
        *,
        type_: str | None = None,
        page_size: int | None = None,
        **options: Unpack[FreshOptions],
    ) -> Listing[ListEffectiveRolesResponse, EffectiveRole]:
        """What somebody has in the end, by type and value; of one type, with what covers it, when
        that is given. Raises NotFoundError."""
        request = ListEffectiveRolesRequest(
            principal_id=principal_id, type=type_, page_size=page_size
        )

        async def fetch(page_token: str) -> ListEffectiveRolesResponse:
            page = page_request(request, page_token)
            return await self._call(self._stub.ListEffectiveRoles, page, options)

        return Listing(fetch, lambda page: page.roles)

    async def roles_of(
        self,
        principal_ids: Iterable[str],
        *,
        type_: str | None = None,
        **options: Unpack[FreshOptions],
    ) -> BatchListEffectiveRolesResponse:
        """What up to 100 principals have, at most 1000 roles of each."""
        request = BatchListEffectiveRolesRequest(principal_ids=principal_ids, type=type_)
        return await self._call(self._stub.BatchListEffectiveRoles, request, options)

    def list_principals(
        self,
        value: str,
        *,
        type_: str = "",
        principal_types: Iterable[str] = (),
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Listing[ListPrincipalsWithRoleResponse, PrincipalWithRole]:
        """Who has a role: active users, groups and service accounts, or those of some resource
        types. Raises InvalidRequestError."""
        request = ListPrincipalsWithRoleRequest(
            type=type_, value=value, principal_types=principal_types, page_size=page_size
        )

        async def fetch(page_token: str) -> ListPrincipalsWithRoleResponse:
            page = page_request(request, page_token)
            return await self._connection.call(
                self._stub.ListPrincipalsWithRole, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.principals)

    def list_groups(
        self, principal_id: str, *, page_size: int | None = None, **options: Unpack[CallOptions]
    ) -> Listing[ListTransitiveGroupsResponse, TransitiveMember]:
        """The groups that somebody belongs to, at any depth. Raises NotFoundError."""
        request = ListTransitiveGroupsRequest(principal_id=principal_id, page_size=page_size)

        async def fetch(page_token: str) -> ListTransitiveGroupsResponse:
            page = page_request(request, page_token)
            return await self._connection.call(
                self._stub.ListTransitiveGroups, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.groups)

    def list_members(
        self,
        group_id: str,
        *,
        member_types: Iterable[str] = (),
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Listing[ListTransitiveMembersResponse, TransitiveMember]:
        """Who belongs to a group, at any depth. Raises NotFoundError."""
        request = ListTransitiveMembersRequest(
            group_id=group_id, member_types=member_types, page_size=page_size
        )

        async def fetch(page_token: str) -> ListTransitiveMembersResponse:
            page = page_request(request, page_token)
            return await self._connection.call(
                self._stub.ListTransitiveMembers, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.members)

    async def check_membership(
        self, principal_id: str, group_id: str, **options: Unpack[FreshOptions]
    ) -> CheckMembershipResponse:
        """Whether somebody belongs to a group, at any depth."""
        request = CheckMembershipRequest(principal_id=principal_id, group_id=group_id)
        return await self._call(self._stub.CheckMembership, request, options)

    async def _call(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Q, R], request: Q, options: FreshOptions
    ) -> R:
        request.at_least_as_fresh = options.get("at_least_as_fresh", self._connection.revision)
        return await self._connection.call(method, request, options.get("timeout"))


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message
