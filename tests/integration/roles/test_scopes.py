"""Scopes are registered, listed and forgotten, and roles wait for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from rollbook.v1.role_pb2 import RoleScope, UnknownScopes
from rollbook.v1.role_service_pb2 import (
    GrantRoleRequest,
    ListRoleAssignmentsRequest,
    ListRoleScopesRequest,
    RegisterRoleScopesRequest,
    UnregisterRoleScopesRequest,
    UpdateRoleCatalogueRequest,
)
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest, GetUserRequest
from tests.integration.roles.conftest import catalogue

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.calls import Calls

pytestmark = pytest.mark.usefixtures("with_catalogue")

PATTERN = "workspace_<name>"
SCOPES = [RoleScope(name="a")]


def _register(*names: str) -> RegisterRoleScopesRequest:
    scopes = [RoleScope(name=name) for name in names]
    return RegisterRoleScopesRequest(type=PATTERN, scopes=scopes)


async def _pending(calls: Calls, user: str) -> list[tuple[str, bool]]:
    answer = await calls(ListRoleAssignmentsRequest(principal_id=user))
    return [(each.type, each.pending) for each in answer.assignments]


async def test_scopes_are_registered_once(calls: Calls) -> None:
    answer = await calls(_register("Prod", "dev", "PROD"))
    assert answer.registered_count == 2
    assert (await calls(_register("prod", "test"))).registered_count == 1
    listed = (await calls(ListRoleScopesRequest(type="Workspace_<NAME>"))).scopes
    assert [each.name for each in listed] == ["dev", "prod", "test"]
    assert {each.type for each in listed} == {PATTERN}
    assert listed[0].registered_by
    assert listed[0].create_time.seconds > 0


async def test_scopes_are_listed_in_pages(calls: Calls) -> None:
    await calls(_register(*(f"w{number:03}" for number in range(25))))
    names: list[str] = []
    token = ""
    while True:
        page = await calls(ListRoleScopesRequest(page_size=10, page_token=token))
        names += [each.name for each in page.scopes]
        token = page.next_page_token
        if not token:
            break
    assert names == [f"w{number:03}" for number in range(25)]


async def test_scopes_can_be_forgotten(calls: Calls) -> None:
    await calls(_register("prod", "dev"))
    request = UnregisterRoleScopesRequest(type=PATTERN, names=["PROD", "nope"])
    assert (await calls(request)).unregistered_count == 1
    assert [each.name for each in (await calls(ListRoleScopesRequest())).scopes] == ["dev"]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (RegisterRoleScopesRequest(type="nope_<x>", scopes=SCOPES), "INVALID_VALUE"),
        (RegisterRoleScopesRequest(type="account_type", scopes=SCOPES), "INVALID_VALUE"),
        (_register(), "INVALID_VALUE"),
        (_register(""), "INVALID_VALUE"),
        (_register("a\0"), "INVALID_VALUE"),
        (_register("<name>"), "INVALID_VALUE"),
        (_register("x" * 201), "INVALID_VALUE"),
        (UnregisterRoleScopesRequest(type=PATTERN), "INVALID_VALUE"),
        (ListRoleScopesRequest(type="nope_<x>"), "INVALID_VALUE"),
        (ListRoleScopesRequest(page_token="nope"), "INVALID_PAGE_TOKEN"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    calls: Calls, request_: RegisterRoleScopesRequest, reason: str
) -> None:
    assert await calls.reason(request_) == reason


async def test_a_hundred_thousand_are_fine(calls: Calls) -> None:
    names = [f"w{number}" for number in range(100_000)]
    assert (await calls(_register(*names))).registered_count == 100_000
    too_many = await calls.reason(_register(*names, "one more"))
    assert too_many == "TOO_MANY"


async def test_a_role_waits_for_its_scope(
    calls: Calls, ada: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await calls(GrantRoleRequest(principal_id=ada, type="workspace_dev", value="owner"))
    assert await _pending(calls, ada) == [("workspace_dev", True)]
    before = (await calls(GetUserRequest(id=ada))).user
    assert [role.type for role in before.roles] == ["workspace_dev"]
    assert (await calls(_register("Dev", "x"))).activated_count == 1
    assert await _pending(calls, ada) == [("workspace_dev", False)]
    assert (await calls(GetUserRequest(id=ada))).user == before
    recorded = await database.fetchval(
        "SELECT attributes FROM changes WHERE resource_id = $1 ORDER BY revision DESC LIMIT 1", ada
    )
    assert recorded == ["roles"]
    gone = await calls(UnregisterRoleScopesRequest(type=PATTERN, names=["dev"]))
    assert gone.suspended_count == 1
    assert await _pending(calls, ada) == [("workspace_dev", True)]


async def test_roles_are_written_as_the_scope_is(calls: Calls, ada: str) -> None:
    await calls(_register("Dev"))
    granted = await calls(GrantRoleRequest(principal_id=ada, type="WORKSPACE_dev", value="OWNER"))
    assert (granted.assignment.type, granted.assignment.value) == ("workspace_Dev", "owner")
    assert not granted.assignment.pending


async def test_an_unknown_scope_may_be_refused(calls: Calls, ada: str) -> None:
    refusing = catalogue(UnknownScopes.UNKNOWN_SCOPES_REFUSE)
    await calls(UpdateRoleCatalogueRequest(catalogue=refusing))
    request = GrantRoleRequest(principal_id=ada, type="workspace_dev", value="owner")
    failure = await calls.failure(request)
    assert failure.reason == "INVALID_VALUE"
    assert "'dev'" in failure.message
    await calls(_register("dev"))
    await calls(request)


async def test_nothing_waits_once_scopes_are_not_registered_any_more(
    calls: Calls, ada: str
) -> None:
    await calls(GrantRoleRequest(principal_id=ada, type="workspace_dev", value="owner"))
    accepting = catalogue(UnknownScopes.UNKNOWN_SCOPES_ACCEPT)
    await calls(UpdateRoleCatalogueRequest(catalogue=accepting))
    assert await _pending(calls, ada) == [("workspace_dev", False)]
    answer = await calls(UnregisterRoleScopesRequest(type=PATTERN, names=["dev"]))
    assert answer.suspended_count == 0


async def test_no_role_is_left_waiting_when_its_scope_is_registered_meanwhile(
    calls: Calls,
) -> None:
    created = [
        await calls(CreateUserRequest(user=User(user_name=f"user{number}"))) for number in range(20)
    ]
    users = [each.user.id for each in created]
    await asyncio.gather(
        *(
            calls(GrantRoleRequest(principal_id=user, type="workspace_dev", value="viewer"))
            for user in users
        ),
        calls(_register("dev")),
    )
    found = [await _pending(calls, user) for user in users]
    assert found == [[("workspace_dev", False)]] * 20
