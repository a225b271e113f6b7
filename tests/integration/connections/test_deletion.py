"""What becomes of the roles that a connection has given when it is deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

from rollbook.client import RollbookClient
from rollbook.errors import NotFoundError, PermissionDeniedError
from rollbook.v1.role_service_pb2 import (
    GrantRoleRequest,
    ListRoleAssignmentsRequest,
    RevokeRoleRequest,
)
from rollbook.v1.role_service_pb2_grpc import RoleServiceStub
from service.directory.access.role_expiry import remove_expired
from service.storage.database import Database
from tests.harness.access import Access
from tests.harness.instance import TOKEN, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rollbook.v1.role_service_pb2_grpc import RoleServiceAsyncStub
    from tests.harness.connections import Provisioning
    from tests.harness.scim import ScimClient

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ROLES: Final = [{"type": "T", "value": "one"}, {"type": "T", "value": "two"}]


class Scene:
    """A user whom two connections have given roles: the same two each."""

    def __init__(self, rollbook: Provisioning) -> None:
        self.rollbook = rollbook
        self.access = Access(rollbook.channel, TOKEN)
        self.roles: RoleServiceAsyncStub = RoleServiceStub(rollbook.channel)

    async def provision(self, client: ScimClient, roles: list[dict[str, Any]]) -> str:
        """A user of this client's with these roles."""
        body = {"schemas": [USER], "userName": str(uuid4()), "active": True, "roles": roles}
        made = await client.post("/Users", body)
        assert made.status == 201, made.body
        return str(made.body["id"])

    async def grant(self, principal: str, value: str, **fields: Any) -> None:
        """Gives a role by hand."""
        request = GrantRoleRequest(principal_id=principal, type="T", value=value, **fields)
        await self.roles.GrantRole(request, metadata=self.rollbook.metadata)

    async def sources(self, principal: str) -> list[tuple[str, str]]:
        """The roles of a principal with their sources."""
        request = ListRoleAssignmentsRequest(principal_id=principal)
        listed = await self.roles.ListRoleAssignments(request, metadata=self.rollbook.metadata)
        return sorted((each.value, each.source) for each in listed.assignments)

    async def shown(self, principal: str) -> list[str]:
        """The roles that a user shows."""
        return sorted(each.value for each in (await self.rollbook.admin.users.get(principal)).roles)


@pytest.fixture
def scene(rollbook: Provisioning) -> Scene:
    return Scene(rollbook)


@pytest.fixture
async def pool(rollbook: Provisioning) -> AsyncIterator[Database]:
    found = await Database.connect(rollbook.database_url, max_connections=1)
    yield found
    await found.close()


async def test_what_it_has_given_is_as_if_given_by_hand(scene: Scene) -> None:
    made, client = await scene.rollbook.connect(str(uuid4()))
    ada = await scene.provision(client, ROLES)
    assert await scene.sources(ada) == [("one", f"scim:{made.id}"), ("two", f"scim:{made.id}")]
    version = (await scene.rollbook.admin.users.get(ada)).meta.etag
    await scene.rollbook.admin.connections.delete(made.id)
    assert await scene.sources(ada) == [("one", "manual"), ("two", "manual")]
    assert (await scene.rollbook.admin.users.get(ada)).meta.etag == version
    assert await scene.access.check(ada, "T:one") == "GRANTED"
    revoke = RevokeRoleRequest(principal_id=ada, type="T", value="one")
    await scene.roles.RevokeRole(revoke, metadata=scene.rollbook.metadata)
    assert await scene.access.check(ada, "T:one") == "NOT_GRANTED"
    assert await scene.shown(ada) == ["two"]


@pytest.mark.parametrize("soon", [False, True])
async def test_what_was_given_by_hand_too_is_given_once_and_no_shorter(
    scene: Scene, *, soon: bool
) -> None:
    made, client = await scene.rollbook.connect(str(uuid4()))
    ada = await scene.provision(client, ROLES)
    expiry = {"expire_time": datetime.now(UTC) + timedelta(hours=1)} if soon else {}
    await scene.grant(ada, "one", **expiry)
    await scene.rollbook.admin.connections.delete(made.id)
    assert await scene.sources(ada) == [("one", "manual"), ("two", "manual")]
    request = ListRoleAssignmentsRequest(principal_id=ada)
    listed = await scene.roles.ListRoleAssignments(request, metadata=scene.rollbook.metadata)
    assert not any(each.HasField("expire_time") for each in listed.assignments)


async def test_another_connection_says_for_itself(scene: Scene) -> None:
    made, client = await scene.rollbook.connect(str(uuid4()))
    ada = await scene.provision(client, ROLES)
    await scene.rollbook.admin.connections.delete(made.id)
    other, adopting = await scene.rollbook.connect(str(uuid4()))
    put = {"schemas": [USER], "userName": str(uuid4()), "active": True, "roles": ROLES[:1]}
    assert (await adopting.put(f"/Users/{ada}", put)).status == 200
    assert await scene.sources(ada) == [
        ("one", "manual"),
        ("one", f"scim:{other.id}"),
        ("two", "manual"),
    ]


async def test_roles_can_end_with_it(scene: Scene, pool: Database) -> None:
    made, client = await scene.rollbook.connect(str(uuid4()))
    other, third = await scene.rollbook.connect(str(uuid4()))
    ada, eve = await scene.provision(client, ROLES), await scene.provision(third, ROLES)
    await scene.grant(ada, "two")
    async with (
        running_service(scene.rollbook.database_url) as address,
        RollbookClient(address, token=TOKEN) as elsewhere,
    ):
        for value in ("one", "two"):
            assert (await elsewhere.access.check(ada, value, type_="T")).allowed
        await scene.rollbook.admin.connections.delete(made.id, revoke_roles=True)
        for check in (scene.rollbook.admin.access.check, elsewhere.access.check):
            assert not (await check(ada, "one", type_="T")).allowed
            assert (await check(ada, "two", type_="T")).allowed
            assert (await check(eve, "one", type_="T")).allowed
    await remove_expired(pool)
    assert await scene.sources(ada) == [("two", "manual")]
    assert await scene.shown(ada) == ["two"]
    assert await scene.sources(eve) == [("one", f"scim:{other.id}"), ("two", f"scim:{other.id}")]


async def test_administrators_of_it_are_none_any_more(scene: Scene) -> None:
    made, client = await scene.rollbook.connect(str(uuid4()), makes_administrators=True)
    ada = await scene.provision(client, [{"type": "account_type", "value": "admin"}])
    token = await scene.rollbook.admin.tokens.create(str(uuid4()), ["admin"], principal_id=ada)
    async with RollbookClient(scene.rollbook.address, token=token.secret) as theirs:
        await theirs.connections.list()
        await scene.rollbook.admin.connections.delete(made.id, revoke_roles=True)
        with pytest.raises(PermissionDeniedError):
            await theirs.connections.list()


async def test_a_trial_changes_nothing(scene: Scene) -> None:
    made, client = await scene.rollbook.connect(str(uuid4()))
    ada = await scene.provision(client, ROLES)
    await scene.rollbook.admin.connections.delete(made.id, revoke_roles=True, validate_only=True)
    assert await scene.access.check(ada, "T:one") == "GRANTED"
    with pytest.raises(NotFoundError):
        await scene.rollbook.admin.connections.delete(str(uuid4()), revoke_roles=True)
