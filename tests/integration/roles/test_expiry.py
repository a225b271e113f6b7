"""Roles that have expired vanish from those who had them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from rollbook.v1.role_service_pb2 import GrantRoleRequest
from rollbook.v1.user_service_pb2 import GetUserRequest
from service import upkeep
from service.directory.access.role_expiry import remove_expired
from service.storage.database import Database
from tests.harness.instance import running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.calls import Calls


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Database]:
    pool = await Database.connect(database_url, max_connections=2)
    yield pool
    await pool.close()


async def _grant(calls: Calls, user: str, value: str) -> None:
    tomorrow = Timestamp()
    tomorrow.FromDatetime(datetime.now(UTC) + timedelta(days=1))
    request = GrantRoleRequest(principal_id=user, type="a", value=value, expire_time=tomorrow)
    await calls(request)


async def _let_expire(database: asyncpg.Connection[asyncpg.Record], value: str) -> None:
    await database.execute(
        "UPDATE role_assignments SET expire_time = now() WHERE value = $1", value
    )


async def test_expired_roles_are_removed(
    calls: Calls, ada: str, database: asyncpg.Connection[asyncpg.Record], pool: Database
) -> None:
    for value in ("x", "y"):
        await _grant(calls, ada, value)
    await _let_expire(database, "x")
    before = (await calls(GetUserRequest(id=ada))).user
    assert [role.value for role in before.roles] == ["x", "y"]
    assert await remove_expired(pool) == 1
    after = (await calls(GetUserRequest(id=ada))).user
    assert [role.value for role in after.roles] == ["y"]
    assert after.meta.etag != before.meta.etag
    recorded = await database.fetchrow(
        "SELECT actor, attributes FROM changes WHERE resource_id = $1 "
        "ORDER BY revision DESC LIMIT 1",
        ada,
    )
    assert recorded is not None
    assert (recorded["actor"], recorded["attributes"]) == ("expiry", ["roles"])
    assert await remove_expired(pool) == 0


async def test_a_service_looks_for_them_by_itself(
    calls: Calls,
    ada: str,
    database: asyncpg.Connection[asyncpg.Record],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await _grant(calls, ada, "x")
    await _let_expire(database, "x")
    monkeypatch.setattr(upkeep, "EXPIRY_INTERVAL", 0.01)
    async with running_service(database_url):
        for _ in range(1000):
            if not (await calls(GetUserRequest(id=ada))).user.roles:
                break
    assert not (await calls(GetUserRequest(id=ada))).user.roles
