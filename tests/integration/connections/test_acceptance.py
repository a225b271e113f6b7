"""A tenant whose users come from an identity provider, from before it is switched on until after
it is switched off: what Dagster+ does, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook.client import RollbookClient
from rollbook.errors import InvalidRequestError, UnauthenticatedError
from rollbook.v1.connection_pb2 import AdoptionPolicy
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.user_pb2 import Role, User

if TYPE_CHECKING:
    from tests.harness.connections import Provisioning


async def test_from_before_it_is_on_until_after_it_is_off(rollbook: Provisioning) -> None:
    users, groups = rollbook.admin.users, rollbook.admin.groups
    connection, okta = await rollbook.connect(
        "dagster",
        enabled=False,
        adoption=AdoptionPolicy.ADOPTION_POLICY_LINK,
        lock_synced=True,
        require_email_user_names=True,
    )

    # 1. While SCIM is off all of its requests are refused, and people are managed by hand.
    assert (await okta.get("/Users")).status == 403
    ada = await users.create(
        User(user_name="ada@acme.example", roles=[Role(type="workspace", value="editor")])
    )
    grace = await users.create(User(user_name="grace@acme.example"))
    team = await groups.create(Group(display_name="Engines", members=[GroupMember(value=grace.id)]))

    # 2. While it is on nobody makes users by hand, or removes synced ones; others can be removed.
    await rollbook.change(connection, enabled=True)
    alan = (await okta.post("/Users", {"userName": "alan@acme.example"})).body["id"]
    for refused in (
        users.create(User(user_name="new@acme.example")),
        users.delete(alan),
        users.update(User(id=alan, title="x")),
    ):
        with pytest.raises(InvalidRequestError) as caught:
            await refused
        assert caught.value.reason == "MANAGED_BY_SCIM"
    await groups.remove_members(team.id, [grace.id])
    await groups.add_members(team.id, [grace.id])

    # 3. The account that is there is linked: the same one, synced, with its roles.
    linked = await okta.post("/Users", {"userName": "ada@acme.example"})
    assert (linked.status, linked.body["id"]) == (201, ada.id)
    kept = await users.get(ada.id)
    assert kept.origin.synced
    assert [role.value for role in kept.roles] == ["editor"]

    # 4. The team too; its members are the identity provider's.
    body = {"displayName": "Engines", "members": [{"value": ada.id}]}
    pushed = await okta.post("/Groups", body)
    assert (pushed.status, pushed.body["id"]) == (201, team.id)
    assert [each.value for each in (await groups.get(team.id)).members] == [ada.id]

    # 5. Who is deactivated is out at once, and comes back as the same.
    token = await rollbook.admin.tokens.create("ada", ["directory.read"], principal_id=ada.id)
    active = {"op": "replace", "path": "active", "value": False}
    assert (await okta.patch(f"/Users/{ada.id}", active)).status == 200
    async with RollbookClient(rollbook.address, token=token.secret) as client:
        with pytest.raises(UnauthenticatedError):
            await client.users.get(ada.id)
    assert (await okta.patch(f"/Users/{ada.id}", {**active, "value": True})).status == 200
    assert (await users.lookup(user_name="ada@acme.example")).id == ada.id

    # 6. A user name that is no e-mail address is a clear error.
    answer = await okta.post("/Users", {"userName": "charles"})
    assert (answer.status, answer.scim_type) == (400, "invalidValue")
    assert "e-mail" in answer.body["detail"]

    # 7. Switched off again nobody is gone, it shows who was synced, and hands work again.
    await rollbook.change(connection, enabled=False)
    assert (await okta.get("/Users")).status == 403
    for identifier, was_synced in ((ada.id, True), (alan, True), (grace.id, False)):
        origin = (await users.get(identifier)).origin
        assert not origin.synced
        assert origin.origin.startswith("scim:") is was_synced
    await users.update(User(id=alan, title="Codebreaker"))
    await users.delete(alan)
    await users.create(User(user_name="charles"))
