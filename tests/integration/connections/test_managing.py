"""Who may change what a connection has provisioned: by hand, by another one, and when it is off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rollbook.client import replace
from rollbook.errors import InvalidRequestError
from rollbook.v1.directory_service_pb2 import BulkOperation, BulkRequest
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import (
    CreateUserRequest,
    DeleteUserRequest,
    PatchUserRequest,
    UpdateUserRequest,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.harness.connections import Provisioning
    from tests.harness.scim import ScimClient


def name() -> str:
    return f"{uuid4().hex[:12]}@acme.example"


async def provisioned(client: ScimClient, user_name: str = "") -> str:
    answer = await client.post("/Users", {"userName": user_name or name()})
    assert answer.status == 201, answer.body
    return str(answer.body["id"])


async def pushed(client: ScimClient, *members: str) -> str:
    body = {"displayName": name(), "members": [{"value": each} for each in members]}
    answer = await client.post("/Groups", body)
    assert answer.status == 201, answer.body
    return str(answer.body["id"])


async def refused(call: Awaitable[Any], connection: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await call
    assert caught.value.reason == "MANAGED_BY_SCIM"
    assert connection in caught.value.message


async def test_what_a_locked_connection_manages_nobody_changes_by_hand(
    rollbook: Provisioning,
) -> None:
    users, groups = rollbook.admin.users, rollbook.admin.groups
    made, client = await rollbook.connect(name())
    user, group = await provisioned(client), await pushed(client)
    unsynced = (await users.create(User(user_name=name()))).id
    await rollbook.change(made, lock_synced=True)
    try:
        changed = User(id=user, title="Countess")
        await refused(users.update(changed), made.name)
        await refused(users.patch(user, [replace("title", "Countess")]), made.name)
        await refused(users.delete(user), made.name)
        await refused(users.create(User(user_name=name())), made.name)
        await refused(groups.update(Group(id=group, display_name="x")), made.name)
        await refused(groups.add_members(group, [unsynced]), made.name)
        await refused(groups.remove_members(group, [unsynced]), made.name)
        await refused(groups.delete(group), made.name)
        await users.update(User(id=unsynced, title="Countess"))
        await users.delete(unsynced)
        app_only = await groups.create(Group(display_name=name()))
        await groups.add_members(app_only.id, [user])
    finally:
        await rollbook.change(made, lock_synced=False)
    await users.update(changed)
    await groups.add_members(group, [user])
    await users.create(User(user_name=name()))
    await users.delete(user)


async def test_the_connection_itself_goes_on_under_its_lock(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name(), lock_synced=True)
    try:
        user = await provisioned(client)
        group = await pushed(client, user)
        patch = {"op": "replace", "path": "title", "value": "Countess"}
        assert (await client.patch(f"/Users/{user}", patch)).status == 200
        removal = {"op": "remove", "path": f'members[value eq "{user}"]'}
        assert (await client.patch(f"/Groups/{group}", removal)).status == 204
        assert (await client.delete(f"/Groups/{group}")).status == 204
        assert (await client.delete(f"/Users/{user}")).status == 204
    finally:
        await rollbook.admin.connections.delete(made.id)


async def test_a_bulk_by_hand_is_held_to_the_lock_too(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    locked = [await provisioned(client) for _ in range(3)]
    free = (await rollbook.admin.users.create(User(user_name=name()))).id
    await rollbook.change(made, lock_synced=True)
    request = BulkRequest(
        operations=[
            BulkOperation(update_user=UpdateUserRequest(user=User(id=locked[0], title="x"))),
            BulkOperation(update_user=UpdateUserRequest(user=User(id=free, title="x"))),
            BulkOperation(patch_user=PatchUserRequest(id=locked[1], operations=[])),
            BulkOperation(delete_user=DeleteUserRequest(id=locked[2])),
            BulkOperation(create_user=CreateUserRequest(user=User(user_name=name()))),
        ]
    )
    try:
        results = await rollbook.bulk(request)
    finally:
        await rollbook.admin.connections.delete(made.id)
    assert results == ["MANAGED_BY_SCIM", "", *["MANAGED_BY_SCIM"] * 3]


async def test_switched_off_it_leaves_everything_and_hands_it_back(
    rollbook: Provisioning,
) -> None:
    made, client = await rollbook.connect(name(), lock_synced=True)
    user = await provisioned(client)
    group = await pushed(client, user)
    await rollbook.change(made, enabled=False)
    kept = await rollbook.admin.groups.get(group)
    assert [each.value for each in kept.members] == [user]
    await rollbook.admin.users.update(User(id=user, title="Countess"))
    await rollbook.admin.users.create(User(user_name=name()))
    await rollbook.admin.groups.remove_members(group, [user])
    await rollbook.admin.users.delete(user)


async def test_what_one_connection_manages_is_no_other_ones(rollbook: Provisioning) -> None:
    okta, first = await rollbook.connect(name())
    _, second = await rollbook.connect(name())
    user_name = name()
    user = await provisioned(first, user_name)
    group = await pushed(first)
    own = await pushed(second, user)
    rename = {"op": "replace", "path": "title", "value": "Countess"}
    add = {"op": "add", "path": "members", "value": [{"value": user}]}
    answers = [
        await second.put(f"/Users/{user}", {"userName": user_name, "title": "Countess"}),
        await second.patch(f"/Users/{user}", rename),
        await second.patch(f"/Groups/{group}", add),
        await second.delete(f"/Users/{user}"),
        await second.post("/Users", {"userName": user_name}),
    ]
    assert [answer.status for answer in answers] == [409] * 5
    assert okta.name in answers[0].body["detail"]
    assert answers[4].scim_type == "uniqueness"
    assert (await second.get(f"/Users/{user}")).status == 200
    assert (await second.delete(f"/Groups/{own}")).status == 204


async def test_what_was_provisioned_by_one_that_is_off_another_takes_over(
    rollbook: Provisioning,
) -> None:
    old, first = await rollbook.connect(name())
    new, second = await rollbook.connect(name())
    user = await provisioned(first)
    rename = {"op": "replace", "path": "title", "value": "Countess"}
    assert (await second.patch(f"/Users/{user}", rename)).status == 409
    await rollbook.change(old, enabled=False)
    assert (await second.patch(f"/Users/{user}", rename)).status == 200
    await rollbook.change(old, enabled=True)
    assert (await first.patch(f"/Users/{user}", rename)).status == 409
    assert await rollbook.origin(user) == f"scim:{new.id}"


@pytest.mark.parametrize(
    "user_name", ["ada@acme.example", "ada+x@sub.acme.example", "ä@bücher.example"]
)
async def test_a_connection_may_take_e_mail_addresses_alone(
    rollbook: Provisioning, user_name: str
) -> None:
    _, client = await rollbook.connect(name(), require_email_user_names=True)
    assert (await client.post("/Users", {"userName": user_name})).status == 201
    await rollbook.admin.users.delete((await rollbook.admin.users.lookup(user_name=user_name)).id)


@pytest.mark.parametrize(
    "user_name", ["ada", "ada@", "@acme.example", "ada@acme", "a b@acme.example", "a@b@c.example"]
)
async def test_other_user_names_are_refused_with_what_to_do(
    rollbook: Provisioning, user_name: str
) -> None:
    made, client = await rollbook.connect(name(), require_email_user_names=True)
    user = await provisioned(client)
    patch = {"op": "replace", "path": "userName", "value": user_name}
    bulk = {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"userName": user_name}}
    for answer in (
        await client.post("/Users", {"userName": user_name}),
        await client.put(f"/Users/{user}", {"userName": user_name}),
        await client.patch(f"/Users/{user}", patch),
    ):
        assert (answer.status, answer.scim_type) == (400, "invalidValue")
        assert repr(user_name) in answer.body["detail"]
        assert made.name in answer.body["detail"]
    answer = await client.post("/Bulk", {"Operations": [bulk]})
    assert answer.body["Operations"][0]["status"] == "400"


async def test_user_names_of_before_may_stay(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    user = await provisioned(client, uuid4().hex)
    await rollbook.change(made, require_email_user_names=True)
    patch = {"op": "replace", "path": "active", "value": False}
    assert (await client.patch(f"/Users/{user}", patch)).status == 200
    await rollbook.admin.users.create(User(user_name=uuid4().hex))


async def test_memberships_say_who_made_them(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    by_hand, by_idp = await provisioned(client), await provisioned(client)
    group = await rollbook.admin.groups.create(
        Group(display_name=name(), members=[GroupMember(value=by_hand)])
    )
    assert await rollbook.origin_of_member(group.id, by_hand) == "manual"
    add = {"op": "add", "path": "members", "value": [{"value": by_idp}]}
    assert (await client.patch(f"/Groups/{group.id}", add)).status == 204
    assert await rollbook.origin_of_member(group.id, by_idp) == f"scim:{made.id}"
    assert await rollbook.origin_of_member(group.id, by_hand) == "manual"
    add = {"op": "add", "path": "members", "value": [{"value": by_hand}]}
    assert (await client.patch(f"/Groups/{group.id}", add)).status == 204
    assert await rollbook.origin_of_member(group.id, by_hand) == f"scim:{made.id}"
