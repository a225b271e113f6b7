"""Who manages users, groups and memberships, as callers over gRPC and SCIM are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest

from rollbook.client import ORIGIN, where
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.group_service_pb2 import ListMembersRequest, ListPrincipalGroupsRequest
from rollbook.v1.user_pb2 import User
from tests.harness.command import Command
from tests.harness.instance import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.connections import Provisioning

URN: Final = "urn:rollbook:params:scim:schemas:extension:origin:1.0:Origin"
assert URN == ORIGIN


def name() -> str:
    return f"{uuid4().hex[:12]}@acme.example"


async def test_a_user_says_who_manages_it_and_since_when(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    by_hand = await rollbook.admin.users.create(User(user_name=name()))
    assert (by_hand.origin.origin, by_hand.origin.synced) == ("manual", False)
    assert not by_hand.origin.HasField("synced_time")
    body = (await client.post("/Users", {"userName": name()})).body
    synced = (await rollbook.admin.users.get(body["id"])).origin
    assert synced.origin == f"scim:{made.id}"
    assert (synced.connection_name, synced.synced) == (made.name, True)
    since = synced.synced_time.ToDatetime(UTC)
    assert timedelta(0) <= datetime.now(UTC) - since < timedelta(minutes=1)
    await rollbook.change(made, enabled=False)
    was = (await rollbook.admin.users.get(body["id"])).origin
    assert (was.origin, was.connection_name, was.synced) == (synced.origin, made.name, False)
    assert was.synced_time == synced.synced_time
    await rollbook.admin.connections.delete(made.id)
    gone = (await rollbook.admin.users.get(body["id"])).origin
    assert (gone.origin, gone.connection_name, gone.synced) == (synced.origin, "", False)


async def test_nobody_sets_it(rollbook: Provisioning) -> None:
    _, client = await rollbook.connect(name())
    user = User(user_name=name())
    user.origin.origin = "import"
    created = await rollbook.admin.users.create(user)
    assert created.origin.origin == "manual"
    body = {"userName": name(), URN: {"origin": "manual"}}
    answer = await client.post("/Users", body)
    assert answer.status == 201
    assert (await rollbook.origin(answer.body["id"])).startswith("scim:")


async def test_memberships_say_it_too(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    ids = [(await rollbook.admin.users.create(User(user_name=name()))).id for _ in range(2)]
    group = await rollbook.admin.groups.create(
        Group(display_name=name(), members=[GroupMember(value=ids[0])])
    )
    add = {"op": "add", "path": "members", "value": [{"value": ids[1]}]}
    assert (await client.patch(f"/Groups/{group.id}", add)).status == 204
    want = {ids[0]: "manual", ids[1]: f"scim:{made.id}"}
    whole = await rollbook.admin.groups.get(group.id)
    listed = await rollbook.groups.ListMembers(
        ListMembersRequest(group_id=group.id), metadata=rollbook.metadata
    )
    for members in (whole.members, listed.members):
        assert {each.value: each.origin for each in members} == want
        assert {each.value: each.HasField("synced_time") for each in members} == {
            ids[0]: False,
            ids[1]: True,
        }
    groups = await rollbook.groups.ListPrincipalGroups(
        ListPrincipalGroupsRequest(principal_id=ids[1]), metadata=rollbook.metadata
    )
    assert [each.origin for each in groups.groups] == [f"scim:{made.id}"]
    shown = (await client.get(f"/Groups/{group.id}")).body["members"]
    assert all("origin" not in each for each in shown)


async def test_scim_clients_see_it_if_they_ask(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    user = (await client.post("/Users", {"userName": name()})).body
    path = f"/Users/{user['id']}"
    for unasked in (user, (await client.get(path)).body):
        assert URN not in unasked
        assert URN not in unasked["schemas"]
    shown = (await client.get(f"{path}?attributes={URN}:origin")).body
    assert shown[URN] == {"origin": f"scim:{made.id}"}
    assert URN in shown["schemas"]
    assert "userName" not in shown


async def test_it_can_be_filtered_by(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    prefix = uuid4().hex
    by_hand = await rollbook.admin.users.create(User(user_name=f"{prefix}-a", title=prefix))
    synced = (await client.post("/Users", {"userName": f"{prefix}-b", "title": prefix})).body
    wanted = {
        f'{URN}:origin eq "manual"': by_hand.id,
        f'{URN}:origin eq "scim:{made.id}"': synced["id"],
        f'{URN}:origin sw "scim:"': synced["id"],
        f'{URN}:origin ne "manual"': synced["id"],
        'origin eq "manual"': by_hand.id,
    }
    for condition, found in wanted.items():
        text = f'title eq "{prefix}" and {condition}'.replace(" ", "%20").replace('"', "%22")
        answer = await client.get(f"/Users?filter={text}")
        assert answer.status == 200, answer.body
        assert [each["id"] for each in answer.body["Resources"]] == [found], condition
    of_title = where("title") == prefix
    managed_by_hand = where("origin", schema=ORIGIN) == "manual"
    listed = rollbook.admin.users.list(filter=of_title & managed_by_hand)
    assert [user.id async for user in listed] == [by_hand.id]


@pytest.fixture
def command(rollbook: Provisioning) -> Command:
    return Command(rollbook.address, TOKEN)


async def test_an_import_says_so(rollbook: Provisioning, command: Command, tmp_path: Path) -> None:
    user_name = name()
    file = tmp_path / "people.csv"
    file.write_text(f"userName\n{user_name}\n")
    assert (await command("user", "import", str(file))).exit_code == 0
    user = await rollbook.admin.users.lookup(user_name=user_name)
    assert user.origin.origin == "import"


async def test_tables_show_it(rollbook: Provisioning, command: Command) -> None:
    made, client = await rollbook.connect("okta-shown")
    user_name = name()
    await client.post("/Users", {"userName": user_name})
    await client.post("/Groups", {"displayName": user_name})
    for kind in ("user", "group"):
        ran = await command(kind, "list", "--limit", "0")
        (line,) = [each for each in ran.out.splitlines() if user_name in each]
        assert made.name in line
    await rollbook.change(made, enabled=False)
    ran = await command("user", "list", "--limit", "0")
    assert f"was {made.name}" in ran.out
    ran = await command("user", "list", "--limit", "0", "--where", "origin=manual")
    assert ran.exit_code == 0
    assert user_name not in ran.out


async def test_connections_are_managed_from_the_command_line(
    rollbook: Provisioning, command: Command
) -> None:
    okta = f"okta-{uuid4().hex[:6]}"
    ran = await command("connection", "create", okta, "--dialect", "okta", "--json")
    made = ran.object
    assert (made["dialect"], made["enabled"]) == ("okta", True)
    assert okta in (await command("connection", "list")).out
    options = ("--allow", "192.0.2.0/24", "--adoption", "link", "--lock")
    assert (await command("connection", "update", okta, *options)).exit_code == 0
    shown = await command("connection", "get", okta)
    for text in ("192.0.2.0/24", "link", made["id"], "/scim/v2"):
        assert text in shown.out
    assert (await command("connection", "disable", okta)).exit_code == 0
    assert not (await rollbook.admin.connections.get(made["id"])).enabled
    assert (await command("connection", "enable", okta)).exit_code == 0
    ran = await command("token", "create", "t", "--scope", "scim", "--connection", okta, "--json")
    assert ran.object["connectionId"] == made["id"]
    assert (await command("connection", "delete", okta, "--yes")).exit_code == 0
    assert (await command("connection", "get", okta)).exit_code != 0
    assert (await command("connection", "update", "default")).exit_code != 0
