"""Methods of TenantService."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from rollbook.access import Scope
from rollbook.v1 import tenant_service_pb2
from service.directory import tenants as use_cases
from service.directory.paging import page_size_of
from service.domain import tenant_rules
from service.domain.search import page_token
from service.domain.search.page_token import Position
from service.rpc import wire
from service.storage import tenants

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from service.rpc.calls import Answer, Call
    from service.rpc.writes import Writes
    from service.storage.changes import Author
    from service.storage.database import Connection, Database
    from service.storage.tenants import Tenant


class TenantMethods:
    """Makes, reads, changes, suspends, resumes and deletes tenants."""

    def __init__(self, database: Database, writes: Writes, page_key: bytes) -> None:
        self._database = database
        self._writes = writes
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "CreateTenant": self.create,
            "GetTenant": self.get,
            "ListTenants": self.list,
            "UpdateTenant": self.update,
            "SuspendTenant": self.suspend,
            "ResumeTenant": self.resume,
            "DeleteTenant": self.delete,
        }

    async def create(self, request: Any, call: Call) -> bytes:
        """A new tenant."""
        return await self._write(
            request, call, lambda c: use_cases.create(c, call.author, request.tenant)
        )

    async def get(self, request: Any, call: Call) -> bytes:
        """One tenant; only the caller's own for who does not administer the platform."""
        text = request.id or str(call.tenant_id)
        if Scope.PLATFORM in call.caller.scopes:
            return _answer(await use_cases.existing(self._database, text))
        async with self._database.connection(call.tenant_id) as connection:
            found = await tenants.find(connection, text)
        if found is None:
            raise tenant_rules.not_found(text)
        return _answer(found)

    async def list(self, request: Any, call: Call) -> bytes:
        """One page of tenants."""
        size = max(1, page_size_of(request))
        digest = page_token.digest(call.method.encode())
        after = None
        if request.page_token:
            after = page_token.decode(request.page_token, digest, size, self._page_key).id
        async with self._database.across_tenants() as connection:
            found = await tenants.page(connection, after=after, limit=size + 1)
        response = tenant_service_pb2.ListTenantsResponse(
            tenants=[tenant.message() for tenant in found[:size]]
        )
        if len(found) > size:
            last = Position(None, found[size - 1].tenant_id)
            response.next_page_token = page_token.encode(last, digest, size, self._page_key)
        return response.SerializeToString()

    async def update(self, request: Any, call: Call) -> bytes:
        """Display name, hosts and rate limit anew."""

        async def change(connection: Connection) -> Tenant:
            tenant_id = await use_cases.id_of(connection, request.tenant.id)
            mask = list(request.update_mask.paths)
            return await use_cases.update(
                connection, call.author, tenant_id, request.tenant, mask, request.etag
            )

        return await self._write(request, call, change)

    async def suspend(self, request: Any, call: Call) -> bytes:
        """Credentials that are good for nothing."""
        return await self._transition(request, call, use_cases.suspend)

    async def resume(self, request: Any, call: Call) -> bytes:
        """Credentials that are good again."""
        return await self._transition(request, call, use_cases.resume)

    async def delete(self, request: Any, call: Call) -> bytes:
        """One tenant less. The id is kept with the request, so that a repetition goes on where
        the first call ended."""

        async def work(connection: Connection) -> bytes:
            tenant_id = await use_cases.id_of(connection, request.id)
            await use_cases.begin_deletion(
                connection, call.author, tenant_id, request.confirm_name, request.etag
            )
            return tenant_id.bytes

        doomed = await self._writes.run(call, request, self._writes.fingerprint(request), work)
        if not request.validate_only:
            await use_cases.purge(self._database, UUID(bytes=doomed))
        return b""

    async def _transition(
        self,
        request: Any,
        call: Call,
        change: Callable[[Connection, Author, UUID, str], Awaitable[Tenant]],
    ) -> bytes:
        async def work(connection: Connection) -> Tenant:
            tenant_id = await use_cases.id_of(connection, request.id)
            return await change(connection, call.author, tenant_id, request.etag)

        return await self._write(request, call, work)

    async def _write(
        self, request: Any, call: Call, change: Callable[[Connection], Awaitable[Tenant]]
    ) -> bytes:
        async def work(connection: Connection) -> bytes:
            return _answer(await change(connection))

        return await self._writes.run(call, request, self._writes.fingerprint(request), work)


def _answer(tenant: Tenant) -> bytes:
    """CreateTenantResponse and its like: the tenant is field 1 in all of them."""
    return wire.nested(1, tenant.message().SerializeToString())
