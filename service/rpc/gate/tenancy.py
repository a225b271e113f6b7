"""In which tenant a call acts, and whether it may: what the URL named, suspension, and `platform`
credentials that act in another tenant."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rollbook.access import Scope
from rollbook.metadata import TENANT
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain import tenant_rules
from service.domain.errors import DomainError
from service.rpc.gate.authentication import CACHE_SECONDS, REFUSAL_SECONDS, invalid_credentials
from service.rpc.gate.expected_tenant import expected_of
from service.rpc.gate.rate_limits import Rate
from service.storage import tenants

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from service.epoch import Epoch
    from service.rpc.gate.authentication import Caller
    from service.rpc.gate.expected_tenant import Expected
    from service.storage.database import Database
    from service.storage.tenants import Tenant

CACHE_SIZE: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of a tenant, and until when, under which epoch, it is believed."""

    tenant: Tenant | None
    expires: float
    epoch: int


class Tenancy:
    """Where tenants stand. Keeps that for a second, as long as the epoch stays the same."""

    def __init__(self, database: Database, epoch: Epoch) -> None:
        self._database = database
        self._epoch = epoch
        self._known: dict[str, _Known] = {}
        self._hosts: dict[str, tuple[float, int, bool]] = {}

    async def place(self, caller: Caller, metadata: Mapping[str, str], began: float) -> Caller:
        """The caller in the tenant that the call acts in; `began` is when its credentials were
        looked at.

        Raises CREDENTIALS_INVALID when the caller's tenant is not the one that it came to, in the
        words and the time of credentials that nobody has; TENANT_SUSPENDED; SCOPE_MISSING and
        TENANT_NOT_FOUND for acting in another one.
        """
        tenant = await self._tenant(str(caller.tenant_id))
        if tenant is None or not await self._is_meant(tenant, expected_of(metadata)):
            await asyncio.sleep(began + REFUSAL_SECONDS - time.monotonic())
            raise invalid_credentials()
        if tenant.is_suspended:
            raise _suspended(tenant)
        wanted = metadata.get(TENANT)
        if not wanted or wanted in (tenant.name, str(tenant.tenant_id)):
            return caller
        return await self._elsewhere(caller, wanted)

    async def rate_of(self, tenant_id: UUID) -> Rate | None:
        """How often a tenant may call, where it has a limit of its own."""
        tenant = await self._tenant(str(tenant_id))
        if tenant is None or tenant.requests_per_second is None:
            return None
        return Rate(tenant.requests_per_second, tenant.burst or 1)

    async def serves(self, tenant_id: UUID, metadata: Mapping[str, str]) -> bool:
        """Whether a call without credentials may be about a tenant: the URL named no other, and
        the tenant is not suspended."""
        tenant = await self._tenant(str(tenant_id))
        if tenant is None or tenant.is_suspended:
            return False
        return await self._is_meant(tenant, expected_of(metadata))

    async def _is_meant(self, tenant: Tenant, expected: Expected) -> bool:
        if expected.name is not None and expected.name != tenant.name:
            return False
        return expected.host is None or await self._has(tenant, expected.host)

    async def _has(self, tenant: Tenant, host: str) -> bool:
        """Whether a host is the tenant's or nobody's own."""
        return host in tenant.hosts or not await self._is_any_host(host)

    async def _elsewhere(self, caller: Caller, wanted: str) -> Caller:
        """The caller in another tenant, where it is nobody's principal."""
        if Scope.PLATFORM not in caller.scopes:
            raise DomainError(
                ErrorReason.ERROR_REASON_SCOPE_MISSING,
                "The credentials lack a scope: acting in another tenant takes platform.",
                metadata={"scope": Scope.PLATFORM},
            )
        tenant = await self._tenant(wanted)
        if tenant is None:
            raise tenant_rules.not_found(wanted)
        return replace(
            caller,
            tenant_id=tenant.tenant_id,
            name=f"{caller.name} (platform)",
            principal_id=None,
            connection_id=None,
        )

    async def _is_any_host(self, host: str) -> bool:
        """Whether some tenant had the host a second ago."""
        now, epoch = time.monotonic(), self._epoch.current
        known = self._hosts.get(host)
        if known is not None and known[0] > now and known[1] == epoch:
            return known[2]
        async with self._database.across_tenants() as connection:
            is_any = await tenants.is_any_host(connection, host)
        if len(self._hosts) >= CACHE_SIZE:
            self._hosts.clear()
        self._hosts[host] = (now + CACHE_SECONDS, epoch, is_any)
        return is_any

    async def _tenant(self, text: str) -> Tenant | None:
        """The tenant of an id or name, as it was a second ago at the most."""
        now, epoch = time.monotonic(), self._epoch.current
        known = self._known.get(text)
        if known is not None and known.expires > now and known.epoch == epoch:
            return known.tenant
        async with self._database.across_tenants() as connection:
            tenant = await tenants.find(connection, text)
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[text] = _Known(tenant, now + CACHE_SECONDS, epoch)
        return tenant


def _suspended(tenant: Tenant) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_TENANT_SUSPENDED,
        f"The tenant {tenant.name} is suspended: its credentials are good for nothing until the "
        "operator of this service resumes it. Nothing of it is lost.",
        metadata={"tenant": tenant.name},
    )
