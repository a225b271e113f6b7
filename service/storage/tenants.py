"""Tenants: one row each, read by whoever has to find one, written in its own name."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncpg

from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.tenant_pb2 import RateLimit
from rollbook.v1.tenant_pb2 import Tenant as Message
from service.domain import etag
from service.domain.errors import DomainError
from service.domain.tenant_rules import tenant_id_of
from service.domain.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from service.storage.database import Connection

BATCH: Final = 1_000
"""How many rows of a tenant are deleted at once, so that nobody waits long for their locks."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant."""

    tenant_id: UUID
    name: str
    display_name: str
    hosts: Sequence[str]
    suspend_time: datetime | None
    delete_time: datetime | None
    create_time: datetime
    update_time: datetime
    version: int
    requests_per_second: int | None
    burst: int | None

    @property
    def is_suspended(self) -> bool:
        """Whether its credentials are good for nothing."""
        return self.suspend_time is not None or self.delete_time is not None

    def message(self) -> Message:
        """The tenant as the contract has it."""
        state = Message.STATE_SUSPENDED if self.suspend_time else Message.STATE_ACTIVE
        return Message(
            id=str(self.tenant_id),
            name=self.name,
            display_name=self.display_name,
            hosts=self.hosts,
            state=Message.STATE_DELETING if self.delete_time else state,
            create_time=timestamp(self.create_time),
            update_time=timestamp(self.update_time),
            etag=etag.of_version(self.version),
            rate_limit=self._rate_limit(),
        )

    def _rate_limit(self) -> RateLimit | None:
        if self.requests_per_second is None:
            return None
        return RateLimit(requests_per_second=self.requests_per_second, burst=self.burst)


_COLUMNS: Final = """
tenant_id, name, display_name, suspend_time, delete_time, create_time, update_time, version,
requests_per_second, burst,
ARRAY(
    SELECT h.host FROM tenant_hosts AS h WHERE h.tenant_id = tenants.tenant_id ORDER BY h.host
) AS hosts
"""


@asynccontextmanager
async def in_the_name_of(connection: Connection, tenant_id: UUID) -> AsyncIterator[None]:
    """Serve another tenant for some statements of a transaction. An error in between has to end
    the transaction, which takes the setting back; so does its end in any case."""
    before = await connection.fetchval("SELECT current_setting('rollbook.tenant_id')")
    await _serve(connection, str(tenant_id))
    yield
    await _serve(connection, before)


async def _serve(connection: Connection, tenant_id: str) -> None:
    await connection.execute("SELECT set_config('rollbook.tenant_id', $1, TRUE)", tenant_id)


async def find(connection: Connection, text: str) -> Tenant | None:
    """The tenant of an id or name; one that the connection may see."""
    tenant_id = tenant_id_of(text)
    column, key = ("name", text) if tenant_id is None else ("tenant_id", tenant_id)
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM tenants WHERE {column} = $1", key)
    return Tenant(**row) if row else None


async def is_any_host(connection: Connection, host: str) -> bool:
    """Whether a host is some tenant's; over a connection of no tenant."""
    return bool(
        await connection.fetchval("SELECT EXISTS (SELECT FROM tenant_hosts WHERE host = $1)", host)
    )


async def page(connection: Connection, *, after: UUID | None, limit: int) -> list[Tenant]:
    """Tenants in the order of their ids, beginning behind one; over a connection of no tenant."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM tenants WHERE $1::uuid IS NULL OR tenant_id > $1 "
        "ORDER BY tenant_id LIMIT $2",
        after,
        limit,
    )
    return [Tenant(**row) for row in rows]


async def hold(connection: Connection, tenant_id: UUID) -> Tenant | None:
    """The tenant of an id, held until the transaction ends."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM tenants WHERE tenant_id = $1 FOR NO KEY UPDATE", tenant_id
    )
    return Tenant(**row) if row else None


async def insert(connection: Connection, tenant_id: UUID, name: str) -> None:
    """Make a tenant. Raises UNIQUENESS when the name is taken."""
    try:
        await connection.execute(
            "INSERT INTO tenants (tenant_id, name) VALUES ($1, $2)", tenant_id, name
        )
    except asyncpg.UniqueViolationError as error:
        raise _taken("name", name) from error


async def save(connection: Connection, tenant: Tenant) -> Tenant:
    """Store what can change of a tenant, as a new version. Raises UNIQUENESS for its hosts."""
    await connection.execute(
        """
        UPDATE tenants SET
            display_name = $2, suspend_time = $3, delete_time = $4, requests_per_second = $5,
            burst = $6, update_time = now(), version = version + 1
        WHERE tenant_id = $1
        """,
        tenant.tenant_id,
        tenant.display_name,
        tenant.suspend_time,
        tenant.delete_time,
        tenant.requests_per_second,
        tenant.burst,
    )
    await _save_hosts(connection, tenant)
    stored = await find(connection, str(tenant.tenant_id))
    assert stored is not None
    return stored


async def _save_hosts(connection: Connection, tenant: Tenant) -> None:
    await connection.execute(
        "DELETE FROM tenant_hosts WHERE tenant_id = $1 AND host <> ALL ($2::text [])",
        tenant.tenant_id,
        tenant.hosts,
    )
    for host in tenant.hosts:
        try:
            await connection.execute(
                "INSERT INTO tenant_hosts (tenant_id, host) VALUES ($1, $2) "
                "ON CONFLICT (tenant_id, host) DO NOTHING",
                tenant.tenant_id,
                host,
            )
        except asyncpg.UniqueViolationError as error:
            raise _taken("hosts", host) from error


def _taken(field: str, value: str) -> DomainError:
    return DomainError(
        ErrorReason.ERROR_REASON_UNIQUENESS,
        f"{value!r} is already in use by another tenant.",
        field=field,
        metadata={"attribute": field, "value": value},
    )


async def delete_some(connection: Connection, tenant_id: UUID) -> bool:
    """Delete a part of a tenant that is being deleted, or what is left; whether it was the rest."""
    for statement in _PARTS:
        if await connection.execute(statement, tenant_id, BATCH) != "DELETE 0":
            return False
    await connection.execute("DELETE FROM tenants WHERE tenant_id = $1", tenant_id)
    return True


_PARTS: Final = (
    """
    DELETE FROM members WHERE tenant_id = $1 AND (group_id, member_id) IN (
        SELECT group_id, member_id FROM members WHERE tenant_id = $1 LIMIT $2
    )
    """,
    """
    DELETE FROM resources WHERE tenant_id = $1 AND id IN (
        SELECT id FROM resources WHERE tenant_id = $1 LIMIT $2
    )
    """,
    """
    DELETE FROM changes WHERE tenant_id = $1 AND revision IN (
        SELECT revision FROM changes WHERE tenant_id = $1 LIMIT $2
    )
    """,
)
"""What there can be much of; the rest goes with the tenant's row."""
