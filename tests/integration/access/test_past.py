"""Access as it was at a past moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from rollbook.v1 import access_pb2
from rollbook.v1.access_service_pb2 import CheckAccessRequest, ExplainAccessRequest
from rollbook.v1.group_service_pb2 import (
    AddMembersRequest,
    DeleteGroupRequest,
    RemoveMembersRequest,
)
from rollbook.v1.role_service_pb2 import (
    GrantRoleRequest,
    RevokeRoleRequest,
    UpdateRoleCatalogueRequest,
)
from rollbook.v1.role_service_pb2_grpc import RoleServiceStub
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import DeleteUserRequest, UpdateUserRequest
from tests.harness.access_model import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    import grpc

    from tests.harness.access import Access
    from tests.harness.calls import Calls
    from tests.integration.access.conftest import Made


@pytest.fixture
async def roles(
    channel: grpc.aio.Channel,
    calls: Calls,
    database: asyncpg.Connection[asyncpg.Record],
) -> AsyncIterator[Any]:
    """Makes calls of RoleService; the catalogue is gone afterwards."""
    stub: Any = RoleServiceStub(channel)

    async def call(request: Any) -> Any:
        name = type(request).__name__.removesuffix("Request")
        return await getattr(stub, name)(request, metadata=calls.metadata)

    yield call
    await database.execute("DELETE FROM role_catalogues")


async def now() -> datetime:
    """A moment with none of the writes around it."""
    await asyncio.sleep(0.02)
    moment = datetime.now(UTC)
    await asyncio.sleep(0.02)
    return moment


GRANTED: Final = "GRANTED"
NOT: Final = "NOT_GRANTED"


async def check(access: Access, principal: str, moment: datetime, role: str = "T:v") -> str:
    role_type, _, value = role.partition(":")
    request = CheckAccessRequest(principal_id=principal, type=role_type, value=value)
    request.as_of.FromDatetime(moment)
    answer = await access(request)
    reason = access_pb2.AccessReason.Name(answer.reason).removeprefix("ACCESS_REASON_")
    assert answer.allowed == (reason == GRANTED)
    return reason


async def test_every_kind_of_change_is_remembered(
    access: Access, calls: Calls, made: Made, roles: Any
) -> None:
    moments: list[tuple[datetime, str]] = [(await now(), "PRINCIPAL_NOT_FOUND")]

    async def then(expected: str) -> None:
        moments.append((await now(), expected))

    ada = await made.user("ada")
    inner = await made.group("inner", ada)
    outer = await made.group("outer", inner)
    await then(NOT)
    grant = GrantRoleRequest(principal_id=outer, type="T", value="v")
    revoke = RevokeRoleRequest(principal_id=outer, type="T", value="v")
    for step, expected in (
        (grant, GRANTED),
        (revoke, NOT),
        (grant, GRANTED),
        (RemoveMembersRequest(group_id=inner, member_ids=[ada]), NOT),
        (AddMembersRequest(group_id=inner, member_ids=[ada]), GRANTED),
        (RemoveMembersRequest(group_id=outer, member_ids=[inner]), NOT),
        (AddMembersRequest(group_id=outer, member_ids=[inner]), GRANTED),
        (UpdateUserRequest(user=User(id=ada, active=False)), "PRINCIPAL_INACTIVE"),
        (UpdateUserRequest(user=User(id=ada, active=True)), GRANTED),
        (DeleteGroupRequest(id=inner), NOT),
        (GrantRoleRequest(principal_id=ada, type="T", value="v"), GRANTED),
        (DeleteUserRequest(id=ada), "PRINCIPAL_NOT_FOUND"),
    ):
        await (roles if "Role" in type(step).__name__ else calls)(step)
        await then(expected)
    assert [await check(access, ada, moment) for moment, _ in moments] == [
        expected for _, expected in moments
    ]


async def test_a_past_explanation_names_those_who_are_gone(
    access: Access, calls: Calls, made: Made, roles: Any
) -> None:
    ada = await made.user("ada")
    group = await made.group("gone", ada)
    await roles(GrantRoleRequest(principal_id=group, type="T", value="v", source="import"))
    moment = await now()
    await calls(DeleteGroupRequest(id=group))
    request = ExplainAccessRequest(principal_id=ada, type="T", value="v")
    assert not (await access(request)).paths
    request.as_of.FromDatetime(moment)
    answer = await access(request)
    assert [
        ([(node.id, node.display) for node in path.nodes], path.grant.source)
        for path in answer.paths
    ] == [([(ada, "ada"), (group, "gone")], "import")]


async def test_expiry_counts_as_it_was_then(access: Access, made: Made, roles: Any) -> None:
    ada = await made.user("ada")
    end = datetime.now(UTC) + timedelta(seconds=0.3)
    limited = GrantRoleRequest(principal_id=ada, type="T", value="v")
    limited.expire_time.FromDatetime(end)
    await roles(limited)
    before = await now()
    await asyncio.sleep(0.4)
    after = await now()
    await roles(GrantRoleRequest(principal_id=ada, type="T", value="v"))
    again = await now()
    moments = (before, after, again)
    assert [await check(access, ada, each) for each in moments] == [GRANTED, NOT, GRANTED]


async def test_the_catalogue_is_that_of_then(access: Access, made: Made, roles: Any) -> None:
    ada = await made.user("ada")
    await roles(GrantRoleRequest(principal_id=ada, type="workspace_a", value="owner"))
    free = await now()
    await roles(UpdateRoleCatalogueRequest(catalogue=CATALOGUE))
    bound = await now()
    role = "workspace_a:viewer"
    assert [await check(access, ada, each, role) for each in (free, bound)] == [NOT, GRANTED]


async def test_the_future_is_refused(access: Access) -> None:
    request = CheckAccessRequest(principal_id="x", value="v")
    request.as_of.FromDatetime(datetime.now(UTC) + timedelta(minutes=1))
    assert await access.reason(request) == "INVALID_VALUE"
    request.as_of.Clear()
    request.as_of.nanos = -1
    assert await access.reason(request) == "INVALID_VALUE"
