"""Calls on roles: what there are, what they are on, and who has which."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from google.protobuf.timestamp_pb2 import Timestamp

from rollbook.client.listing import Listing, page_request
from rollbook.client.options import CallOptions, CommandOptions, DeleteOptions, write_fields
from rollbook.v1.role_service_pb2 import (
    GetRoleCatalogueRequest,
    GrantRoleRequest,
    ListRoleAssignmentsRequest,
    ListRoleAssignmentsResponse,
    ListRoleScopesRequest,
    ListRoleScopesResponse,
    RegisterRoleScopesRequest,
    RegisterRoleScopesResponse,
    RevokeRoleRequest,
    UnregisterRoleScopesRequest,
    UnregisterRoleScopesResponse,
    UpdateRoleCatalogueRequest,
)
from rollbook.v1.role_service_pb2_grpc import RoleServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from rollbook.client.connection import Connection
    from rollbook.v1.role_pb2 import RoleAssignment, RoleCatalogue, RoleScope
    from rollbook.v1.role_service_pb2_grpc import RoleServiceAsyncStub


class Roles:
    """Keeps the role catalogue and the scopes that roles are on, and grants, revokes and lists
    roles. Types, values and names of scopes go in any case."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> RoleServiceAsyncStub:
        return RoleServiceStub(self._connection.channel)

    async def catalogue(self, **options: Unpack[CallOptions]) -> RoleCatalogue:
        """The catalogue; without types roles are free."""
        answer = await self._connection.call(
            self._stub.GetRoleCatalogue, GetRoleCatalogueRequest(), options.get("timeout")
        )
        return answer.catalogue

    async def update_catalogue(
        self, catalogue: RoleCatalogue, **options: Unpack[DeleteOptions]
    ) -> RoleCatalogue:
        """Replace the catalogue. Raises InvalidRequestError naming what is wrong with it,
        ConflictError when it has another etag by now."""
        request = UpdateRoleCatalogueRequest(catalogue=catalogue, **write_fields(options))
        answer = await self._connection.call(
            self._stub.UpdateRoleCatalogue, request, options.get("timeout")
        )
        return answer.catalogue

    async def register_scopes(
        self, type_: str, scopes: Iterable[RoleScope], **options: Unpack[CommandOptions]
    ) -> RegisterRoleScopesResponse:
        """Make scopes of a pattern of the catalogue known, 100,000 at the most. Raises
        InvalidRequestError."""
        request = RegisterRoleScopesRequest(type=type_, scopes=scopes, **write_fields(options))
        return await self._connection.call(
            self._stub.RegisterRoleScopes, request, options.get("timeout")
        )

    async def unregister_scopes(
        self, type_: str, names: Iterable[str], **options: Unpack[CommandOptions]
    ) -> UnregisterRoleScopesResponse:
        """Forget scopes; roles on them count no more. Raises InvalidRequestError."""
        request = UnregisterRoleScopesRequest(type=type_, names=names, **write_fields(options))
        return await self._connection.call(
            self._stub.UnregisterRoleScopes, request, options.get("timeout")
        )

    def list_scopes(
        self, type_: str = "", *, page_size: int | None = None, **options: Unpack[CallOptions]
    ) -> Listing[ListRoleScopesResponse, RoleScope]:
        """The known scopes, of one pattern or of all."""
        request = ListRoleScopesRequest(type=type_, page_size=page_size)

        async def fetch(page_token: str) -> ListRoleScopesResponse:
            page = page_request(request, page_token)
            return await self._connection.call(
                self._stub.ListRoleScopes, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.scopes)

    async def grant(
        self,
        principal_id: str,
        value: str,
        *,
        type_: str = "",
        display: str = "",
        primary: bool = False,
        source: str = "",
        expire_time: datetime | None = None,
        **options: Unpack[CommandOptions],
    ) -> RoleAssignment:
        """Give a user, group or service account a role, by the word of "manual", "import" or
        "product:<name>". Raises NotFoundError, and InvalidRequestError for a role that the
        catalogue does not have."""
        request = GrantRoleRequest(
            principal_id=principal_id,
            type=type_,
            value=value,
            display=display,
            primary=primary,
            source=source,
            expire_time=_timestamp(expire_time),
            **write_fields(options),
        )
        answer = await self._connection.call(self._stub.GrantRole, request, options.get("timeout"))
        return answer.assignment

    async def revoke(self, assignment_id: str, **options: Unpack[CommandOptions]) -> None:
        """Take a role away, whatever its source. Raises NotFoundError."""
        request = RevokeRoleRequest(id=assignment_id, **write_fields(options))
        await self._connection.call(self._stub.RevokeRole, request, options.get("timeout"))

    async def revoke_role(
        self,
        principal_id: str,
        value: str,
        *,
        type_: str = "",
        source: str = "",
        **options: Unpack[CommandOptions],
    ) -> None:
        """Take a role away that one source has given, "manual" by default. Raises
        NotFoundError."""
        request = RevokeRoleRequest(
            principal_id=principal_id,
            type=type_,
            value=value,
            source=source,
            **write_fields(options),
        )
        await self._connection.call(self._stub.RevokeRole, request, options.get("timeout"))

    def list_assignments(
        self,
        *,
        principal_id: str = "",
        type_: str = "",
        value: str = "",
        source: str = "",
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Listing[ListRoleAssignmentsResponse, RoleAssignment]:
        """Who was given which roles directly: those that meet every condition given. A source
        may be the beginning of sources, as "product:"."""
        request = ListRoleAssignmentsRequest(
            principal_id=principal_id, type=type_, value=value, source=source, page_size=page_size
        )

        async def fetch(page_token: str) -> ListRoleAssignmentsResponse:
            page = page_request(request, page_token)
            return await self._connection.call(
                self._stub.ListRoleAssignments, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.assignments)


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message
