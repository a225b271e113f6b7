"""Tenants: a new one, and one whose users have badges as an administrator has registered them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook.client import RollbookClient
from rollbook.schema_json import definition_from_json
from service.rpc import schemas
from service.rpc.gate import tenant_schemas
from tests.harness.badge_schema import BADGE, BADGE_SCHEMA
from tests.harness.scim import ScimClient
from tests.harness.tenants import new_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import asyncpg


@pytest.fixture(scope="session", autouse=True)
def _settling() -> Iterator[None]:
    """Changes settle ten times as fast as they do elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tenant_schemas, "CACHE_SECONDS", tenant_schemas.CACHE_SECONDS / 10)
        patch.setattr(schemas, "SETTLING_SECONDS", tenant_schemas.SETTLING_SECONDS / 10)
        yield


@pytest.fixture
async def own_token(service: str, database: asyncpg.Connection[asyncpg.Record]) -> str:
    """An administrator of a tenant that is new."""
    return await new_tenant(database)


@pytest.fixture
async def client(service: str, own_token: str) -> AsyncIterator[RollbookClient]:
    """That administrator over gRPC."""
    async with RollbookClient(service, token=own_token) as client:
        yield client


@pytest.fixture
async def scim(gateway: str, own_token: str) -> AsyncIterator[ScimClient]:
    """That administrator over SCIM."""
    async with ScimClient(gateway, own_token) as client:
        yield client


@pytest.fixture(scope="session")
async def badge_token(service: str, _connection: asyncpg.Connection[asyncpg.Record]) -> str:
    """An administrator of a tenant whose users have badges."""
    token = await new_tenant(_connection)
    async with RollbookClient(service, token=token) as client:
        await client.schemas.create(definition_from_json(BADGE_SCHEMA))
        await client.schemas.attach(BADGE, "User")
    return token


@pytest.fixture
async def badge_client(service: str, badge_token: str) -> AsyncIterator[RollbookClient]:
    """That administrator over gRPC."""
    async with RollbookClient(service, token=badge_token) as client:
        yield client


@pytest.fixture
async def badges(
    gateway: str, badge_token: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[ScimClient]:
    """A SCIM client of an empty directory whose users have badges."""
    async with ScimClient(gateway, badge_token) as client:
        yield client
