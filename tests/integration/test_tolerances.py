"""What was put right in a request is recorded with the change that it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.instance import TOKEN, running_gateway
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.scim import ScimAnswer

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ADA = {"schemas": [CORE], "userName": "ada", "active": True}


@pytest.fixture
async def ada(scim: ScimClient) -> str:
    """The path of a user who was created as the standard has it."""
    return f"/Users/{(await scim.post('/Users', ADA)).body['id']}"


async def _recorded(database: asyncpg.Connection[asyncpg.Record]) -> list[list[str]]:
    """The tolerances of each change, the first one first."""
    rows = await database.fetch("SELECT tolerances FROM changes ORDER BY revision")
    return [row["tolerances"] for row in rows]


async def test_a_patch_leaves_the_mark_of_its_habits(
    scim: ScimClient, ada: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    operation = {"op": "Replace", "path": "active", "value": "False"}
    answer = await scim.patch(ada, operation)
    assert answer.body["active"] is False
    assert await _recorded(database) == [[], ["OPERATION_CASE", "STRING_BOOLEAN"]]


async def test_standard_requests_leave_none(
    scim: ScimClient, ada: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await scim.patch(ada, {"op": "replace", "value": {"active": False}})
    await scim.put(ada, {**ADA, "title": "Countess"})
    await scim.delete(ada)
    assert await _recorded(database) == [[], [], [], []]


async def test_each_write_of_a_bulk_leaves_its_own(
    scim: ScimClient, ada: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    def patch(value: object) -> dict[str, Any]:
        operation = {"op": "replace", "path": "active", "value": value}
        return {
            "method": "PATCH",
            "path": ada,
            "data": {"schemas": [PATCH], "Operations": [operation]},
        }

    answer = await scim.post(
        "/Bulk", {"schemas": [BULK], "Operations": [patch("False"), patch(True)]}
    )
    assert [each["status"] for each in answer.body["Operations"]] == ["200", "200"]
    assert await _recorded(database) == [[], ["STRING_BOOLEAN"], []]


_WORK = {"op": "add", "path": 'emails[type eq "work"].value', "value": "ada@acme.example"}


@pytest.mark.parametrize("way", ["by itself", "Bulk"])
async def test_an_element_that_a_path_creates_leaves_a_mark_and_one_that_is_there_none(
    way: str, scim: ScimClient, ada: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    for address in ("ada@acme.example", "countess@acme.example"):
        operation = {**_WORK, "value": address}
        if way == "Bulk":
            data = {"schemas": [PATCH], "Operations": [operation]}
            part = {"method": "PATCH", "path": ada, "data": data}
            answer = await scim.post("/Bulk", {"schemas": [BULK], "Operations": [part]})
            assert answer.body["Operations"][0]["status"] == "200"
        else:
            assert (await scim.patch(ada, operation)).status == 200
    assert await _recorded(database) == [[], ["VALUE_PATH_CREATES"], []]


async def _deactivate(url: str, path: str, value: object) -> ScimAnswer:
    async with ScimClient(url, TOKEN) as client:
        return await client.patch(path, {"op": "replace", "path": "active", "value": value})


async def test_another_dialect_refuses_the_habit(
    service: str, ada: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with running_gateway(service, scim_dialect="okta") as url:
        refused = await _deactivate(url, ada, "False")
        assert (refused.status, refused.scim_type) == (400, "invalidValue")
        assert await _recorded(database) == [[]]
        assert (await _deactivate(url, ada, [False])).status == 200
    assert await _recorded(database) == [[], ["ARRAY_FOR_SINGLE"]]
