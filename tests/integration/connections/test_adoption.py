"""What becomes of accounts that nobody manages when a connection creates them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rollbook.v1.connection_pb2 import AdoptionPolicy
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.user_pb2 import Email, Role, User

if TYPE_CHECKING:
    from tests.harness.connections import Provisioning

LINK = AdoptionPolicy.ADOPTION_POLICY_LINK


def name() -> str:
    return f"{uuid4().hex[:12]}@acme.example"


async def test_it_is_refused_where_nothing_else_is_said(rollbook: Provisioning) -> None:
    _, client = await rollbook.connect(name())
    user = await rollbook.admin.users.create(User(user_name=name()))
    answer = await client.post("/Users", {"userName": user.user_name})
    assert (answer.status, answer.scim_type) == (409, "uniqueness")
    assert await rollbook.origin(user.id) == "manual"


async def test_a_linked_user_keeps_id_roles_groups_and_what_is_not_named(
    rollbook: Provisioning,
) -> None:
    made, client = await rollbook.connect(name(), adoption=LINK)
    user = await rollbook.admin.users.create(
        User(
            user_name=name(),
            title="Countess",
            active=False,
            roles=[Role(type="workspace", value="editor")],
        )
    )
    group = await rollbook.admin.groups.create(
        Group(display_name=name(), members=[GroupMember(value=user.id)])
    )
    body = {"userName": user.user_name.upper(), "externalId": "00u1", "nickName": "Ada"}
    answer = await client.post("/Users", body)
    assert answer.status == 201, answer.body
    assert answer.headers["Location"].endswith(f"/Users/{user.id}")
    linked = answer.body
    assert linked["id"] == user.id
    assert (linked["userName"], linked["active"]) == (user.user_name.upper(), True)
    assert (linked["title"], linked["externalId"]) == ("Countess", "00u1")
    assert linked["roles"] == [{"type": "workspace", "value": "editor"}]
    assert [each["value"] for each in linked["groups"]] == [group.id]
    assert await rollbook.origin(user.id) == f"scim:{made.id}"
    assert "origin" in await attributes_of_last_change(rollbook, user.id)
    again = await client.post("/Users", body)
    assert (again.status, again.scim_type) == (409, "uniqueness")


async def attributes_of_last_change(rollbook: Provisioning, resource_id: str) -> list[str]:
    found: list[str] = await rollbook.database.fetchval(
        "SELECT attributes FROM changes WHERE resource_id = $1::text::uuid"
        " ORDER BY revision DESC LIMIT 1",
        resource_id,
    )
    return found


async def test_a_linked_group_keeps_its_id_and_gets_the_members_that_are_named(
    rollbook: Provisioning,
) -> None:
    made, client = await rollbook.connect(name(), adoption=LINK)
    old, new = [(await rollbook.admin.users.create(User(user_name=name()))).id for _ in range(2)]
    team = await rollbook.admin.groups.create(
        Group(display_name=f"Team {name()}", members=[GroupMember(value=old)])
    )
    body: dict[str, Any] = {"displayName": team.display_name.upper(), "externalId": "g1"}
    answer = await client.post("/Groups", body)
    assert (answer.status, answer.body["id"]) == (201, team.id)
    assert [each["value"] for each in answer.body["members"]] == [old]
    assert await rollbook.origin(team.id) == f"scim:{made.id}"
    other = await rollbook.admin.groups.create(
        Group(display_name=f"Team {name()}", members=[GroupMember(value=old)])
    )
    body = {"displayName": other.display_name, "members": [{"value": new}]}
    answer = await client.post("/Groups", body)
    assert (answer.status, answer.body["id"]) == (201, other.id)
    assert [each["value"] for each in answer.body["members"]] == [new]
    assert await rollbook.origin_of_member(other.id, new) == f"scim:{made.id}"


async def test_one_of_several_groups_of_a_name_is_not_guessed(rollbook: Provisioning) -> None:
    _, client = await rollbook.connect(name(), adoption=LINK)
    team = name()
    for _ in range(2):
        await rollbook.admin.groups.create(Group(display_name=team))
    answer = await client.post("/Groups", {"displayName": team})
    assert (answer.status, answer.scim_type) == (409, "uniqueness")
    assert "2 groups" in answer.body["detail"]


async def test_an_account_of_another_connection_is_not_to_be_had(rollbook: Provisioning) -> None:
    first, okta = await rollbook.connect(name())
    _, entra = await rollbook.connect(name(), adoption=LINK)
    body, team = {"userName": name()}, {"displayName": name()}
    user = (await okta.post("/Users", body)).body["id"]
    group = (await okta.post("/Groups", team)).body["id"]
    assert (await entra.post("/Users", body)).status == 409
    made = await entra.post("/Groups", team)
    assert made.status == 201
    assert made.body["id"] != group
    assert await rollbook.origin(user) == f"scim:{first.id}"
    await rollbook.change(first, enabled=False)
    moved = await entra.post("/Users", body)
    assert (moved.status, moved.body["id"]) == (201, user)


async def test_an_e_mail_address_links_nobody(rollbook: Provisioning) -> None:
    _, client = await rollbook.connect(name(), adoption=LINK)
    address = name()
    user = await rollbook.admin.users.create(
        User(user_name=uuid4().hex, emails=[Email(value=address)])
    )
    answer = await client.post("/Users", {"userName": address, "emails": [{"value": address}]})
    assert answer.status == 201
    assert answer.body["id"] != user.id


async def test_a_bulk_links_in_its_order_and_others_may_refer_to_what_is_linked(
    rollbook: Provisioning,
) -> None:
    made, client = await rollbook.connect(name(), adoption=LINK)
    user = await rollbook.admin.users.create(User(user_name=name(), title="Countess"))
    team = await rollbook.admin.groups.create(Group(display_name=name()))
    fresh = name()
    operations = [
        {"bulkId": "1", "path": "/Users", "data": {"userName": fresh}},
        {"bulkId": "2", "path": "/Users", "data": {"userName": user.user_name}},
        {
            "bulkId": "3",
            "path": "/Groups",
            "data": {
                "displayName": team.display_name,
                "members": [{"value": "bulkId:1"}, {"value": "bulkId:2"}],
            },
        },
        {"bulkId": "4", "path": "/Users", "data": {"userName": user.user_name}},
    ]
    answer = await client.post(
        "/Bulk", {"Operations": [{"method": "POST", **each} for each in operations]}
    )
    results = answer.body["Operations"]
    assert [each["status"] for each in results] == ["201", "201", "201", "409"]
    assert results[1]["location"].endswith(user.id)
    assert results[2]["location"].endswith(team.id)
    members = {each.value for each in (await rollbook.admin.groups.get(team.id)).members}
    assert user.id in members
    assert len(members) == 2
    assert (await rollbook.admin.users.get(user.id)).title == "Countess"
    assert await rollbook.origin(user.id) == f"scim:{made.id}"


async def test_a_match_found_by_search_is_linked_by_the_first_write(
    rollbook: Provisioning,
) -> None:
    made, client = await rollbook.connect(name())
    user = await rollbook.admin.users.create(User(user_name=name()))
    etag = user.meta.etag
    body = {"userName": user.user_name, "active": True}
    answer = await client.put(f"/Users/{user.id}", body)
    assert (answer.status, answer.body["meta"]["version"]) == (200, etag)
    assert await rollbook.origin(user.id) == f"scim:{made.id}"


async def test_a_bulk_takes_over_what_it_changes(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    users = [await rollbook.admin.users.create(User(user_name=name())) for _ in range(3)]
    operations = [
        {
            "method": "PATCH",
            "path": f"/Users/{user.id}",
            "data": {"Operations": [{"op": "replace", "path": "title", "value": "x"}]},
        }
        for user in users
    ]
    answer = await client.post("/Bulk", {"Operations": operations})
    assert {each["status"] for each in answer.body["Operations"]} == {"200"}, answer.body
    for user in users:
        assert await rollbook.origin(user.id) == f"scim:{made.id}"
