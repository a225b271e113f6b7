"""Groups of tens of thousands of members in one request and one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from rollbook.v1.user_pb2 import User
from tests.harness.instance import TOKEN, running_gateway
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

COUNT: Final = 20_000
"""More than any page, and than one statement takes as single parameters."""

PLANNED_ONCE: Final = 8
"""Executions after which PostgreSQL keeps one plan of a statement for all parameters."""

_INSERT: Final = """
INSERT INTO resources (
    tenant_id, id, resource_type, unique_key, display, active, create_time, update_time,
    message, search
)
SELECT tenant_id, gen_random_uuid(), 'User', 'u' || i, 'User ' || i, true, now(), now(), $1, '{}'
FROM tenants, generate_series(1, $2) AS i WHERE tenants.name = 'default' RETURNING id
"""


@pytest.fixture
async def many_users(database: asyncpg.Connection[asyncpg.Record]) -> list[str]:
    """Ids of users that have been put into the database without ceremony."""
    message = User(user_name="somebody").SerializeToString()
    rows = await database.fetch(_INSERT, message, COUNT)
    return [str(row["id"]) for row in rows]


@pytest.fixture
async def plans_for_nobody(
    database: asyncpg.Connection[asyncpg.Record], patient: ScimClient
) -> None:
    """The service has planned its statements, for any parameters, while the tables were empty."""
    await database.execute("ANALYZE resources, members")
    for _ in range(PLANNED_ONCE):
        created = await patient.post("/Groups", _group())
        path = f"/Groups/{created.body['id']}"
        await patient.put(path, _group(members=[]))
        await patient.put(path, _group(members=[{"value": created.body["id"]}]))
        await patient.delete(path)


@pytest.fixture
async def patient(service: str) -> AsyncIterator[ScimClient]:
    """A client that waits for as long as a busy machine takes."""
    async with (
        running_gateway(service, http_request_timeout=120) as url,
        ScimClient(url, TOKEN, timeout=120) as client,
    ):
        yield client


def _group(**members: Any) -> dict[str, Any]:
    core = "urn:ietf:params:scim:schemas:core:2.0:Group"
    return {"schemas": [core], "displayName": "Everybody", **members}


@pytest.mark.usefixtures("plans_for_nobody")
async def test_a_large_group_is_put_and_read_as_a_whole(
    patient: ScimClient, many_users: list[str]
) -> None:
    created = await patient.post("/Groups", _group())
    path = f"/Groups/{created.body['id']}"
    members = [{"value": identifier} for identifier in many_users]
    put = await patient.put(path, _group(members=members))
    again = await patient.put(path, _group(members=members[::-1]))
    for answer in (put, again, await patient.get(path)):
        assert answer.status == 200, answer.body
        assert {each["value"] for each in answer.body["members"]} == set(many_users)
    patched = await patient.patch(path, {"op": "remove", "path": "members", "value": members[1:]})
    assert patched.status == 204, patched.body
    assert [each["value"] for each in (await patient.get(path)).body["members"]] == many_users[:1]


async def test_a_group_too_large_for_a_body_is_refused_by_the_limit(scim: ScimClient) -> None:
    members = [{"value": "0" * 36, "display": "n" * 200}] * COUNT
    refused = await scim.post("/Groups", _group(members=members))
    assert refused.status == 413
    assert str(4 * 1024 * 1024) in refused.body["detail"]
