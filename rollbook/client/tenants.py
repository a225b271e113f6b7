"""Calls on tenants."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal, Unpack

from google.protobuf.field_mask_pb2 import FieldMask

from rollbook.client.listing import Listing, page_request
from rollbook.client.options import CallOptions, CommandOptions, DeleteOptions, write_fields
from rollbook.v1.tenant_pb2 import RateLimit, Tenant
from rollbook.v1.tenant_service_pb2 import (
    CreateTenantRequest,
    DeleteTenantRequest,
    GetTenantRequest,
    ListTenantsRequest,
    ListTenantsResponse,
    ResumeTenantRequest,
    SuspendTenantRequest,
    UpdateTenantRequest,
)
from rollbook.v1.tenant_service_pb2_grpc import TenantServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.client.connection import Connection
    from rollbook.v1.tenant_service_pb2_grpc import TenantServiceAsyncStub


class Tenants:
    """Makes, reads, suspends and deletes tenants, with the scope "platform". They go by id or
    name. To act in one, make a client with `tenant=`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> TenantServiceAsyncStub:
        return TenantServiceStub(self._connection.channel)

    async def create(
        self,
        name: str,
        *,
        display_name: str = "",
        hosts: Iterable[str] = (),
        rate_limit: RateLimit | None = None,
        **options: Unpack[CommandOptions],
    ) -> Tenant:
        """Make a tenant, which nobody can enter yet: make it a token by a client with
        `tenant=name`. Without a rate limit of its own it has that of the service's settings.
        Raises InvalidRequestError, AlreadyExistsError."""
        tenant = Tenant(name=name, display_name=display_name, hosts=hosts, rate_limit=rate_limit)
        request = CreateTenantRequest(tenant=tenant, **write_fields(options))
        answer = await self._connection.call(
            self._stub.CreateTenant, request, options.get("timeout")
        )
        return answer.tenant

    async def get(self, tenant: str = "", **options: Unpack[CallOptions]) -> Tenant:
        """A tenant, the caller's own when none is named; others' take the scope "platform".
        Raises NotFoundError."""
        request = GetTenantRequest(id=tenant)
        answer = await self._connection.call(self._stub.GetTenant, request, options.get("timeout"))
        return answer.tenant

    def list(
        self, *, page_size: int | None = None, **options: Unpack[CallOptions]
    ) -> Listing[ListTenantsResponse, Tenant]:
        """The tenants, in the order in which they were made."""
        request = ListTenantsRequest(page_size=page_size)

        async def fetch(page_token: str) -> ListTenantsResponse:
            page = page_request(request, page_token)
            return await self._connection.call(self._stub.ListTenants, page, options.get("timeout"))

        return Listing(fetch, lambda page: page.tenants)

    async def update(
        self,
        tenant: str,
        *,
        display_name: str | None = None,
        hosts: Iterable[str] | None = None,
        rate_limit: RateLimit | Literal["default"] | None = None,
        **options: Unpack[DeleteOptions],
    ) -> Tenant:
        """Change what is given of a tenant: what it is called, its hosts, how often it may call;
        "default" takes its own rate limit away. Raises NotFoundError, InvalidRequestError,
        AlreadyExistsError for another's host, ConflictError."""
        given = {"display_name": display_name, "hosts": hosts, "rate_limit": rate_limit}
        mask = [name for name, value in given.items() if value is not None]
        changed = Tenant(
            id=tenant,
            display_name=display_name or "",
            hosts=hosts or (),
            rate_limit=None if rate_limit == "default" else rate_limit,
        )
        request = UpdateTenantRequest(
            tenant=changed, update_mask=FieldMask(paths=mask), **write_fields(options)
        )
        answer = await self._connection.call(
            self._stub.UpdateTenant, request, options.get("timeout")
        )
        return answer.tenant

    async def suspend(self, tenant: str, **options: Unpack[DeleteOptions]) -> Tenant:
        """Make its credentials good for nothing, at once, and keep everything. Raises
        NotFoundError, ConflictError, and InvalidRequestError for the default tenant."""
        request = SuspendTenantRequest(id=tenant, **write_fields(options))
        answer = await self._connection.call(
            self._stub.SuspendTenant, request, options.get("timeout")
        )
        return answer.tenant

    async def resume(self, tenant: str, **options: Unpack[DeleteOptions]) -> Tenant:
        """End that. Raises NotFoundError, ConflictError, InvalidRequestError."""
        request = ResumeTenantRequest(id=tenant, **write_fields(options))
        answer = await self._connection.call(
            self._stub.ResumeTenant, request, options.get("timeout")
        )
        return answer.tenant

    async def delete(
        self, tenant: str, *, confirm_name: str = "", **options: Unpack[DeleteOptions]
    ) -> None:
        """Delete a tenant with everything in it, for good; its name or etag confirms that. A large
        one takes longer than calls usually may; repeated, the call goes on. Raises NotFoundError,
        InvalidRequestError, ConflictError."""
        request = DeleteTenantRequest(id=tenant, confirm_name=confirm_name, **write_fields(options))
        await self._connection.call(self._stub.DeleteTenant, request, options.get("timeout"))
