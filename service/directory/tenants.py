"""Making, changing, suspending and deleting tenants.

Functions run inside the transaction of whoever administers the platform; what they do to a tenant
is recorded in the `changes` of the administrator's own, as one of a resource of the type "Tenant".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from service.domain import etag, tenant_rules
from service.domain.identifiers import new_id
from service.domain.tenant_rules import (
    checked_display_name,
    checked_hosts,
    checked_name,
    checked_rate_limit,
)
from service.storage import changes, tenants
from service.storage.changes import Change
from service.storage.credentials import DEFAULT_TENANT
from service.storage.database import NO_TENANT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rollbook.v1 import tenant_pb2
    from service.storage.changes import Action, Author
    from service.storage.database import Connection, Database
    from service.storage.tenants import Tenant


async def existing(database: Database, text: str) -> Tenant:
    """The tenant of an id or name. Raises TENANT_NOT_FOUND."""
    async with database.across_tenants() as connection:
        found = await tenants.find(connection, text)
    if found is None:
        raise tenant_rules.not_found(text)
    return found


async def id_of(connection: Connection, text: str) -> UUID:
    """The id of the tenant of an id or name. Raises TENANT_NOT_FOUND."""
    async with tenants.in_the_name_of(connection, NO_TENANT):
        found = await tenants.find(connection, text)
    if found is None:
        raise tenant_rules.not_found(text)
    return found.tenant_id


async def create(connection: Connection, author: Author, asked: tenant_pb2.Tenant) -> Tenant:
    """A new tenant. Raises INVALID_VALUE, UNIQUENESS."""
    # Who came by a host that is this tenant's now is out at once.
    author.effects.credentials_ended = bool(asked.hosts)
    name, display_name = checked_name(asked.name), checked_display_name(asked.display_name)
    hosts, tenant_id = checked_hosts(asked.hosts), new_id()
    per_second, burst = checked_rate_limit(asked)
    async with tenants.in_the_name_of(connection, tenant_id):
        await tenants.insert(connection, tenant_id, name)
        made = await _held(connection, tenant_id)
        stored = replace(
            made,
            display_name=display_name,
            hosts=hosts,
            requests_per_second=per_second,
            burst=burst,
        )
        if stored != made:
            stored = await tenants.save(connection, stored)
    limited = [] if per_second is None else ["rateLimit"]
    await _record(connection, author, "create", stored, ["name", "displayName", "hosts", *limited])
    return stored


async def update(
    connection: Connection,
    author: Author,
    tenant_id: UUID,
    asked: tenant_pb2.Tenant,
    mask: Sequence[str],
    tag: str,
) -> Tenant:
    """Change what a tenant is called, its hosts and its rate limit. Raises TENANT_NOT_FOUND,
    INVALID_VALUE, INVALID_PATH, MUTABILITY, UNIQUENESS, ETAG_MISMATCH."""
    fields = tenant_rules.changed_fields(mask)
    # What workers believe of hosts and limits ends with what they believe of credentials.
    author.effects.credentials_ended = not fields.isdisjoint({"hosts", "rate_limit"})
    async with tenants.in_the_name_of(connection, tenant_id):
        before = await _held(connection, tenant_id, tag)
        after = before
        if "display_name" in fields:
            after = replace(after, display_name=checked_display_name(asked.display_name))
        if "hosts" in fields:
            after = replace(after, hosts=checked_hosts(asked.hosts))
        if "rate_limit" in fields:
            per_second, burst = checked_rate_limit(asked)
            after = replace(after, requests_per_second=per_second, burst=burst)
        if after != before:
            after = await tenants.save(connection, after)
    if after != before:
        await _record(connection, author, "update", after, sorted(fields))
    return after


async def suspend(connection: Connection, author: Author, tenant_id: UUID, tag: str) -> Tenant:
    """Let its credentials be good for nothing. Raises TENANT_NOT_FOUND, ETAG_MISMATCH,
    TENANT_PROTECTED."""
    _check_not_default(tenant_id)
    author.effects.credentials_ended = True
    async with tenants.in_the_name_of(connection, tenant_id):
        tenant = await _held(connection, tenant_id, tag)
        if tenant.is_suspended:
            return tenant
        suspended = await tenants.save(connection, replace(tenant, suspend_time=_now()))
    await _record(connection, author, "update", suspended, ["state"])
    return suspended


async def resume(connection: Connection, author: Author, tenant_id: UUID, tag: str) -> Tenant:
    """Let its credentials be what they were. Raises TENANT_NOT_FOUND, ETAG_MISMATCH,
    TENANT_PROTECTED."""
    author.effects.credentials_ended = True
    async with tenants.in_the_name_of(connection, tenant_id):
        tenant = await _held(connection, tenant_id, tag)
        if tenant.delete_time:
            raise tenant_rules.protected(
                f"The tenant {tenant.name} is being deleted and cannot be resumed."
            )
        if not tenant.is_suspended:
            return tenant
        resumed = await tenants.save(connection, replace(tenant, suspend_time=None))
    await _record(connection, author, "update", resumed, ["state"])
    return resumed


async def begin_deletion(
    connection: Connection, author: Author, tenant_id: UUID, confirmation: str, tag: str
) -> None:
    """Let a tenant's credentials be good for nothing, for ever: `purge` does the rest. Raises
    TENANT_NOT_FOUND, INVALID_VALUE, ETAG_MISMATCH, TENANT_PROTECTED."""
    _check_not_default(tenant_id)
    author.effects.credentials_ended = True
    async with tenants.in_the_name_of(connection, tenant_id):
        tenant = await _held(connection, tenant_id)
        tenant_rules.check_confirmed(tenant.name, confirmation, tag)
        if tenant.delete_time:
            return
        etag.require(tag, tenant.version)
        doomed = await tenants.save(connection, replace(tenant, hosts=(), delete_time=_now()))
    await _record(connection, author, "delete", doomed, [])


async def purge(database: Database, tenant_id: UUID) -> None:
    """Delete what is left of a tenant that is being deleted, part by part; one that is gone is no
    error."""

    async def part(connection: Connection) -> bool:
        tenant = await tenants.hold(connection, tenant_id)
        if tenant is None or tenant.delete_time is None:
            return True
        return await tenants.delete_some(connection, tenant_id)

    while not await database.transaction(tenant_id, part):
        pass


def _check_not_default(tenant_id: UUID) -> None:
    if tenant_id == DEFAULT_TENANT:
        raise tenant_rules.protected("The tenant default cannot be suspended or deleted.")


async def _held(connection: Connection, tenant_id: UUID, tag: str = "") -> Tenant:
    """The tenant that the connection serves, held. Raises TENANT_NOT_FOUND, ETAG_MISMATCH."""
    tenant = await tenants.hold(connection, tenant_id)
    if tenant is None:
        raise tenant_rules.not_found(str(tenant_id))
    etag.require(tag, tenant.version)
    return tenant


def _now() -> datetime:
    return datetime.now(UTC)


async def _record(
    connection: Connection,
    author: Author,
    action: Action,
    tenant: Tenant,
    attributes: Sequence[str],
) -> None:
    gone = action == "delete"
    change = Change(
        action=action,
        resource_type="Tenant",
        resource_id=tenant.tenant_id,
        version=tenant.version,
        time=_now(),
        attributes=attributes,
        message=None if gone else tenant.message().SerializeToString(),
    )
    await changes.record(connection, author, change)
