"""scim2-tester finds nothing wrong with extensions: it discovers them and checks every attribute.

It can fill in neither decimals nor moments, and expects to see whatever it sets.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from tests.harness.badge_schema import BADGE, definition

if TYPE_CHECKING:
    from rollbook.client import RollbookClient
    from tests.harness.scim import ScimClient

TEAM = "urn:acme:params:scim:schemas:extension:team:1.0:Group"

ATTRIBUTES = (
    {"name": "number", "uniqueness": "server"},
    {"name": "level", "type": "integer"},
    {"name": "valid", "type": "boolean"},
    {"name": "page", "type": "reference", "referenceTypes": ["external"]},
    {
        "name": "printer",
        "type": "complex",
        "subAttributes": [{"name": "name"}, {"name": "class", "type": "integer"}],
    },
)


async def test_every_check_succeeds(client: RollbookClient, scim: ScimClient) -> None:
    await client.schemas.create(definition(BADGE, *ATTRIBUTES, name="Badge"))
    await client.schemas.create(definition(TEAM, {"name": "size", "type": "integer"}, name="Team"))
    await asyncio.gather(client.schemas.attach(BADGE, "User"), client.schemas.attach(TEAM, "Group"))

    def check() -> list[str]:
        headers = {"Authorization": f"Bearer {scim.token}"}
        with Client(base_url=scim.base_url, headers=headers, timeout=30) as http:
            results = check_server(SyncSCIMClient(http), include_tags={"patch", "discovery"})
        checked.extend(each.title for each in results if each.status is Status.SUCCESS)
        return [
            f"{result.resource_type} {result.title}: {result.reason}"
            for result in results
            if result.status not in {Status.SUCCESS, Status.SKIPPED}
        ]

    checked: list[object] = []
    assert await asyncio.to_thread(check) == []
    assert len(checked) > 60
