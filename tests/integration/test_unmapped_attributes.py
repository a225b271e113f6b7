"""Attributes that no schema has are kept where the gateway is set to, and shown on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rollbook.attributes import USER
from rollbook.client import RollbookClient
from tests.harness.instance import TOKEN, running_gateway
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

CORE = USER.schema.urn
UNMAPPED = "urn:rollbook:params:scim:schemas:extension:unmapped:1.0:Attributes"
ADA = {"schemas": [CORE], "userName": "ada", "badge": {"colour": "blue"}, "desk": True}


@pytest.fixture
async def keeping(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[ScimClient]:
    async with (
        running_gateway(service, scim_unknown_attributes="keep") as url,
        ScimClient(url, TOKEN) as client,
    ):
        yield client


def kept(body: dict[str, Any]) -> dict[str, str]:
    elements = body.get(UNMAPPED, {}).get("attributes", [])
    return {each["name"]: each["json"] for each in elements}


async def test_what_is_kept_lasts_until_it_is_written_again(
    keeping: ScimClient, service: str
) -> None:
    created = (await keeping.post("/Users", ADA)).body
    path = f"/Users/{created['id']}"
    assert kept(created) == {"badge": '{"colour":"blue"}', "desk": "true"}
    assert UNMAPPED in created["schemas"]
    async with RollbookClient(service, token=TOKEN) as rollbook:
        user = await rollbook.users.get(created["id"])
    assert {each.name: each.json for each in user.unmapped.attributes} == kept(created)

    patched = await keeping.patch(path, {"op": "replace", "path": "desk", "value": 4})
    assert kept(patched.body) == {"badge": '{"colour":"blue"}', "desk": "4"}
    found = await keeping.get("/Users", filter=f'{UNMAPPED}:attributes[name eq "desk"]')
    assert found.body["totalResults"] == 1
    replaced = await keeping.put(path, {**ADA, "badge": None})
    assert kept(replaced.body) == {"desk": "true"}


async def test_by_default_they_are_ignored(scim: ScimClient) -> None:
    created = await scim.post("/Users", ADA)
    assert (created.status, created.body["schemas"]) == (201, [CORE])


async def test_a_value_that_is_too_long_is_refused(keeping: ScimClient) -> None:
    refused = await keeping.post("/Users", {**ADA, "essay": "x" * 70_000})
    assert (refused.status, refused.scim_type) == (400, "invalidValue")
    assert "65536" in refused.body["detail"]
