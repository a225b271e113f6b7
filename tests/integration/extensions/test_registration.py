"""What administrators can do with schemas, and what they cannot."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any

import pytest

from rollbook.errors import AlreadyExistsError, InvalidRequestError, NotFoundError, RollbookError
from rollbook.schema_json import definition_from_json, definition_to_json
from tests.harness.badge_schema import BADGE, BADGE_SCHEMA, definition, with_badge
from tests.harness.tenants import serving, tenant_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from rollbook.client import RollbookClient
    from tests.harness.scim import ScimClient


async def test_a_schema_grows_and_nothing_else(client: RollbookClient, scim: ScimClient) -> None:
    number = {"name": "number", "type": "integer", "required": True}
    created = await client.schemas.create(definition(BADGE, number, name="Badge"))
    same = await client.schemas.update(definition(BADGE, number, name="Badge"))
    assert same == created
    await client.schemas.attach(BADGE, "User")
    ada = (await scim.post("/Users", with_badge("ada", number=1))).body["id"]
    lifted = {"name": "number", "type": "integer", "description": "On its back"}
    grown = await client.schemas.update(definition(BADGE, {"name": "color"}, lifted, name="Badges"))
    assert [(each.name, each.field_number) for each in grown.definition.attributes] == [
        ("color", 2),
        ("number", 1),
    ]
    shown = (await scim.get(f"/Schemas/{BADGE}")).body
    assert (shown["name"], shown["attributes"][1]["required"]) == ("Badges", False)
    added = {"op": "add", "path": f"{BADGE}:color", "value": "red"}
    changed = await scim.patch(f"/Users/{ada}", added)
    assert changed.body[BADGE] == {"number": 1, "color": "red"}


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ([{"name": "color"}], "MUTABILITY"),
        ([{"name": "number", "type": "integer"}], "MUTABILITY"),
        ([{"name": "number", "multiValued": True}], "MUTABILITY"),
        ([{"name": "number", "caseExact": True}], "MUTABILITY"),
        ([{"name": "number", "required": True}], "MUTABILITY"),
        ([{"name": "number"}, {"name": "color", "required": True}], "INVALID_VALUE"),
    ],
)
async def test_what_a_schema_has_stays(
    client: RollbookClient, attributes: Sequence[dict[str, Any]], reason: str
) -> None:
    await client.schemas.create(definition(BADGE, {"name": "number"}))
    with pytest.raises(InvalidRequestError) as refused:
        await client.schemas.update(definition(BADGE, *attributes))
    assert refused.value.reason == reason


async def test_a_urn_is_registered_once(client: RollbookClient) -> None:
    await client.schemas.create(definition(BADGE))
    with pytest.raises(AlreadyExistsError):
        await client.schemas.create(definition(BADGE.upper()))
    with pytest.raises(InvalidRequestError, match="cannot be told from"):
        await client.schemas.create(definition(f"{BADGE}:number"))


async def test_a_tenant_has_fifty_schemas(client: RollbookClient) -> None:
    for number in range(50):
        await client.schemas.create(definition(f"urn:acme:{number}"))
    with pytest.raises(InvalidRequestError) as refused:
        await client.schemas.create(definition("urn:acme:more"))
    assert refused.value.reason == "TOO_MANY"


async def test_nothing_is_written_to_try_it_out(client: RollbookClient) -> None:
    tried = await client.schemas.create(definition(BADGE), validate_only=True)
    assert tried.definition.attributes[0].type == "string"
    assert await client.schemas.list() == []
    await client.schemas.create(definition(BADGE))
    await client.schemas.attach(BADGE, "User", validate_only=True)
    assert not (await client.schemas.get(BADGE)).attachments


@pytest.mark.parametrize("urn", ["urn:acme:none", ""])
async def test_a_schema_that_is_not_there_is_not_found(client: RollbookClient, urn: str) -> None:
    for call in (
        client.schemas.get(urn),
        client.schemas.attach(urn, "User"),
        client.schemas.detach(urn, "User"),
        client.schemas.delete(urn),
    ):
        with pytest.raises(NotFoundError):
            await call


async def test_a_resource_type_that_is_not_there_is_refused(client: RollbookClient) -> None:
    await client.schemas.create(definition(BADGE))
    with pytest.raises(InvalidRequestError, match="User or Group"):
        await client.schemas.attach(BADGE, "Device")


async def test_changes_of_schemas_are_recorded(
    own_token: str, client: RollbookClient, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await client.schemas.create(definition(BADGE))
    await client.schemas.attach(BADGE, "User")
    await client.schemas.detach(BADGE, "User")
    await client.schemas.delete(BADGE)
    async with serving(database, await tenant_of(database, own_token)):
        rows = await database.fetch(
            "SELECT action, attributes, version FROM changes ORDER BY revision"
        )
    assert [tuple(row) for row in rows] == [
        ("create", ["attributes"], 1),
        ("update", ["attachments.User"], 2),
        ("update", ["attachments.User"], 3),
        ("delete", [], 4),
    ]


async def test_what_is_exported_can_be_registered(client: RollbookClient) -> None:
    await client.schemas.create(definition_from_json(BADGE_SCHEMA))
    exported = definition_to_json((await client.schemas.get(BADGE)).definition)
    again = {**copy.deepcopy(exported), "id": "urn:acme:again"}
    stored = await client.schemas.create(definition_from_json(again))
    assert definition_to_json(stored.definition) == again


async def test_concurrent_registrations_do_not_collide(client: RollbookClient) -> None:
    async def register() -> str:
        try:
            await client.schemas.create(definition(BADGE))
        except RollbookError as error:
            return error.reason
        return "OK"

    outcomes = await asyncio.gather(*(register() for _ in range(8)))
    assert sorted(outcomes) == ["OK", *["UNIQUENESS"] * 7]
    await asyncio.gather(*(client.schemas.attach(BADGE, "User") for _ in range(2)))
    assert len((await client.schemas.get(BADGE)).attachments) == 1
