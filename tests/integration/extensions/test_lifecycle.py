"""Who sees what of a schema when: attached, detached, required, deleted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from rollbook.errors import InvalidRequestError, NotFoundError
from rollbook.schema_json import definition_from_json
from rollbook.v1.user_pb2 import User
from tests.harness.badge_schema import (
    BADGE,
    BADGE_SCHEMA,
    GROUP,
    USER,
    definition,
    found,
    with_badge,
)
from tests.harness.instance import running_gateway, running_service
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from rollbook.client import RollbookClient

TEAM = "urn:acme:params:scim:schemas:extension:team:1.0:Group"


async def extensions_of(scim: ScimClient, name: str = "User") -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = (await scim.get(f"/ResourceTypes/{name}")).body[
        "schemaExtensions"
    ]
    return [each for each in shown if "ietf" not in each["schema"]]


async def test_a_schema_is_seen_when_it_is_attached(
    client: RollbookClient, scim: ScimClient
) -> None:
    await client.schemas.create(definition_from_json(BADGE_SCHEMA))
    assert await extensions_of(scim) == []
    assert (await scim.get(f"/Schemas/{BADGE}")).status == 404
    ignored = await scim.post("/Users", with_badge("early", number="1"))
    assert BADGE not in ignored.body
    await client.schemas.attach(BADGE.upper(), "User")
    assert await extensions_of(scim) == [{"schema": BADGE, "required": False}]
    shown = (await scim.get(f"/Schemas/{BADGE}")).body
    assert shown["name"] == "Badge"
    assert [each["name"] for each in shown["attributes"]] == [
        each["name"] for each in BADGE_SCHEMA["attributes"]
    ]
    listed = (await scim.get("/Schemas")).body["Resources"]
    assert BADGE in [each["id"] for each in listed]
    created = await scim.post("/Users", with_badge("ada", number="1"))
    assert created.body[BADGE] == {"number": "1"}


async def test_who_has_no_credentials_sees_the_contract(badges: ScimClient) -> None:
    answer = await badges.send("GET", "/Schemas", headers={})
    assert BADGE not in [each["id"] for each in answer.body["Resources"]]
    wrong = await badges.send("GET", "/Schemas", headers={"Authorization": "Bearer wrong"})
    assert wrong.status == 401


async def test_every_process_goes_by_a_change_when_it_is_answered(
    database_url: str, own_token: str, client: RollbookClient
) -> None:
    """Two services, two gateways, each of which has served before."""
    async with (
        running_service(database_url) as one,
        running_service(database_url) as other,
        running_gateway(one) as first,
        running_gateway(other) as second,
        ScimClient(first, own_token) as near,
        ScimClient(second, own_token) as far,
    ):
        for scim in (near, far):
            assert (await scim.get("/Users")).status == 200
        await client.schemas.create(definition(BADGE, {"name": "number"}))
        await client.schemas.attach(BADGE, "User")
        for number, scim in enumerate((near, far, near, far)):
            created = await scim.post("/Users", with_badge(f"u{number}", number=str(number)))
            assert created.body[BADGE] == {"number": str(number)}
        await client.schemas.update(definition(BADGE, {"name": "number"}, {"name": "color"}))
        for number, scim in enumerate((near, far), start=4):
            created = await scim.post("/Users", with_badge(f"u{number}", color="red"))
            assert created.body[BADGE] == {"color": "red"}
        await client.schemas.detach(BADGE, "User")
        for scim in (near, far):
            (shown,) = await found(scim, 'userName eq "u4"')
            assert BADGE not in shown


async def test_tenants_do_not_see_each_other(
    badges: ScimClient, scim: ScimClient, client: RollbookClient
) -> None:
    created = await scim.post("/Users", with_badge("ada", number="1"))
    assert BADGE not in created.body
    assert await client.schemas.list() == []
    own = definition(BADGE, {"name": "number", "type": "integer"})
    await client.schemas.create(own)
    await client.schemas.attach(BADGE, "User")
    number = {"op": "add", "path": f"{BADGE}:number", "value": 7}
    changed = await scim.patch(f"/Users/{created.body['id']}", number)
    assert changed.body[BADGE] == {"number": 7}
    there = await badges.post("/Users", with_badge("ada", number="7"))
    assert there.body[BADGE] == {"number": "7"}


async def test_values_survive_while_nobody_sees_them(
    client: RollbookClient, scim: ScimClient
) -> None:
    color = {"name": "color"}
    number = {"name": "number", "uniqueness": "server"}
    await client.schemas.create(definition(BADGE, number, color))
    await client.schemas.attach(BADGE, "User")
    ada = (await scim.post("/Users", with_badge("ada", number="1", color="red"))).body["id"]
    await client.schemas.detach(BADGE, "User")
    hidden = (await scim.get(f"/Users/{ada}")).body
    assert (BADGE in hidden, hidden["schemas"]) == (False, [USER])
    assert await found(scim, f'{BADGE}:color eq "red"') == []
    # Neither a change, nor a replacement, nor a client that knows the field touches them.
    await scim.patch(f"/Users/{ada}", {"op": "replace", "path": "title", "value": "T"})
    await scim.put(f"/Users/{ada}", {"schemas": [USER], "userName": "ada.l"})
    user = await client.users.get(ada)
    await client.users.update(user, ["*"])
    await client.users.update(User(id=ada, nick_name="A"))
    await client.schemas.attach(BADGE, "User")
    shown = await found(scim, f'{BADGE}:color eq "red"')
    assert [each[BADGE] for each in shown] == [{"number": "1", "color": "red"}]
    taken = await scim.post("/Users", with_badge("grace", number="1"))
    assert taken.status == 409


async def test_a_deleted_schema_leaves_nothing_to_one_of_its_name(
    client: RollbookClient, scim: ScimClient
) -> None:
    await client.schemas.create(definition(BADGE, {"name": "number", "uniqueness": "server"}))
    await client.schemas.attach(BADGE, "User")
    ada = (await scim.post("/Users", with_badge("ada", number="1"))).body["id"]
    with pytest.raises(InvalidRequestError) as refused:
        await client.schemas.delete(BADGE)
    assert refused.value.reason == "SCHEMA_ATTACHED"
    await client.schemas.detach(BADGE, "User")
    await client.schemas.delete(BADGE)
    with pytest.raises(NotFoundError):
        await client.schemas.get(BADGE)
    await client.schemas.create(definition(BADGE, {"name": "number", "uniqueness": "server"}))
    await client.schemas.attach(BADGE, "User")
    assert BADGE not in (await scim.get(f"/Users/{ada}")).body
    assert await found(scim, f'{BADGE}:number eq "1"') == []
    assert (await scim.post("/Users", with_badge("grace", number="1"))).status == 201


async def test_a_required_extension_is_required(client: RollbookClient, scim: ScimClient) -> None:
    before = (await scim.post("/Users", {"schemas": [USER], "userName": "old"})).body["id"]
    await client.schemas.create(definition(BADGE, {"name": "number"}))
    await client.schemas.attach(BADGE, "User", required=True)
    assert await extensions_of(scim) == [{"schema": BADGE, "required": True}]
    without = await scim.post("/Users", {"schemas": [USER], "userName": "ada"})
    assert (without.status, without.scim_type) == (400, "invalidValue")
    assert BADGE in without.body["detail"]
    ada = (await scim.post("/Users", with_badge("ada", number="1"))).body["id"]
    removal = {"op": "remove", "path": BADGE}
    assert (await scim.patch(f"/Users/{ada}", removal)).status == 400
    replacement = {"schemas": [USER], "userName": "ada"}
    assert (await scim.put(f"/Users/{ada}", replacement)).status == 400
    # Who was there before may be changed without it, not replaced.
    title = {"op": "add", "path": "title", "value": "T"}
    assert (await scim.patch(f"/Users/{before}", title)).status == 200
    assert (await scim.put(f"/Users/{before}", replacement)).status == 400
    await client.schemas.attach(BADGE, "User", required=False)
    assert (await scim.patch(f"/Users/{ada}", removal)).status == 200


async def test_groups_are_extended_too(client: RollbookClient, scim: ScimClient) -> None:
    await client.schemas.create(
        definition(TEAM, {"name": "lead"}, {"name": "size", "type": "integer"})
    )
    await client.schemas.create(definition(BADGE))
    await asyncio.gather(client.schemas.attach(TEAM, "Group"), client.schemas.attach(BADGE, "User"))
    ada = (await scim.post("/Users", with_badge("ada", number="1"))).body["id"]
    body = {"schemas": [GROUP, TEAM], "displayName": "Engines", TEAM: {"lead": "Ada", "size": 1}}
    engines = (await scim.post("/Groups", body)).body
    assert engines[TEAM] == {"lead": "Ada", "size": 1}
    changed = await scim.patch(
        f"/Groups/{engines['id']}",
        {"op": "add", "path": "members", "value": [{"value": ada}]},
        {"op": "replace", "path": f"{TEAM}:size", "value": 2},
    )
    assert changed.status in {200, 204}
    shown = (await scim.get(f"/Groups/{engines['id']}")).body
    assert ([each["value"] for each in shown["members"]], shown[TEAM]["size"]) == ([ada], 2)
    # Deleting a member is a change of the group, and leaves the rest as it is.
    assert (await scim.delete(f"/Users/{ada}")).status == 204
    shown = await found(scim, f"{TEAM}:size eq 2", "/Groups")
    assert [each["displayName"] for each in shown] == ["Engines"]


async def test_the_reports_of_a_deleted_manager_keep_their_extensions(
    badges: ScimClient,
) -> None:
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    boss = (await badges.post("/Users", with_badge("boss"))).body["id"]
    body = {**with_badge("ada", number="1"), enterprise: {"manager": {"value": boss}}}
    await badges.post("/Users", body)
    assert (await badges.delete(f"/Users/{boss}")).status == 204
    shown = await found(badges, f'{BADGE}:number eq "1"')
    assert [each[BADGE] for each in shown] == [{"number": "1"}]
