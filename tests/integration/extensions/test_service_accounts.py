"""Registered schemas extend service accounts as they do users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1.schema_pb2 import AttributeDefinition, SchemaDefinition
from tests.harness.representation import SERVICE_ACCOUNT_SCHEMA

if TYPE_CHECKING:
    from rollbook.client import RollbookClient
    from tests.harness.scim import ScimClient

RUNNER = "urn:acme:params:scim:schemas:extension:runner:1.0:ServiceAccount"


async def test_a_service_account_has_attributes_of_the_tenants_own(
    client: RollbookClient, scim: ScimClient
) -> None:
    pool = AttributeDefinition(name="pool", type="string", uniqueness="server")
    await client.schemas.create(SchemaDefinition(id=RUNNER, attributes=[pool]))
    await client.schemas.attach(RUNNER, "ServiceAccount")
    body = {
        "schemas": [SERVICE_ACCOUNT_SCHEMA, RUNNER],
        "displayName": "bot",
        RUNNER: {"pool": "large"},
    }
    assert (await scim.post("/ServiceAccounts", body)).body[RUNNER] == {"pool": "large"}
    assert (await scim.post("/ServiceAccounts", {**body, "displayName": "two"})).status == 409
    found = await scim.get(f"/ServiceAccounts?filter={RUNNER}:pool%20eq%20%22LARGE%22")
    assert found.body["totalResults"] == 1
    shown = (await scim.get("/ResourceTypes/ServiceAccount")).body["schemaExtensions"]
    assert shown == [{"schema": RUNNER, "required": False}]
