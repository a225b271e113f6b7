"""Roles are granted, revoked and listed, each source for itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from rollbook.v1.group_pb2 import Group
from rollbook.v1.group_service_pb2 import CreateGroupRequest, GetGroupRequest
from rollbook.v1.role_service_pb2 import (
    GrantRoleRequest,
    ListRoleAssignmentsRequest,
    RevokeRoleRequest,
)
from rollbook.v1.user_pb2 import Role, User
from rollbook.v1.user_service_pb2 import (
    CreateUserRequest,
    DeleteUserRequest,
    GetUserRequest,
    UpdateUserRequest,
)

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.calls import Calls
    from tests.harness.scim import ScimClient


def _grant(principal: str, role: str, **fields: Any) -> GrantRoleRequest:
    role_type, value = role.split("/")
    return GrantRoleRequest(principal_id=principal, type=role_type, value=value, **fields)


async def _shown(calls: Calls, user: str) -> list[str]:
    found = (await calls(GetUserRequest(id=user))).user
    return [f"{role.type}/{role.value}" for role in found.roles]


async def _listed(calls: Calls, **conditions: Any) -> list[tuple[str, str]]:
    answer = await calls(ListRoleAssignmentsRequest(**conditions))
    return [
        (f"{each.type}/{each.value}", "scim" if each.source.startswith("scim:") else each.source)
        for each in answer.assignments
    ]


def _in(**length: float) -> Timestamp:
    moment = Timestamp()
    moment.FromDatetime(datetime.now(UTC) + timedelta(**length))
    return moment


async def test_a_grant_says_everything_about_it(calls: Calls, ada: str) -> None:
    expire_time = _in(days=1)
    answer = await calls(
        _grant(ada, "desk/lead", display="Lead", primary=True, expire_time=expire_time)
    )
    granted = answer.assignment
    assert (granted.principal_id, granted.principal_type) == (ada, "User")
    assert (granted.type, granted.value, granted.display) == ("desk", "lead", "Lead")
    assert granted.primary
    assert granted.source == "manual"
    assert granted.granted_by
    assert abs(granted.create_time.seconds - datetime.now(UTC).timestamp()) < 60
    assert granted.expire_time.seconds == expire_time.seconds
    assert not granted.pending
    user = (await calls(GetUserRequest(id=ada))).user
    assert list(user.roles) == [Role(type="desk", value="lead", display="Lead", primary=True)]
    assert user.meta.etag == 'W/"2"'


async def test_groups_have_roles(calls: Calls) -> None:
    group = (await calls(CreateGroupRequest(group=Group(display_name="Staff")))).group.id
    await calls(_grant(group, "desk/lead"))
    found = (await calls(GetGroupRequest(id=group))).group
    assert [role.value for role in found.roles] == ["lead"]


async def test_the_same_grant_again_changes_only_what_it_says(calls: Calls, ada: str) -> None:
    first = await calls(_grant(ada, "desk/lead", expire_time=_in(days=1)))
    again = await calls(_grant(ada, "Desk/LEAD", display="The lead"))
    assert again.assignment.id == first.assignment.id
    assert again.assignment.create_time == first.assignment.create_time
    assert not again.assignment.HasField("expire_time")
    assert again.assignment.display == "The lead"
    assert await _listed(calls, principal_id=ada) == [("Desk/LEAD", "manual")]
    etag = (await calls(GetUserRequest(id=ada))).user.meta.etag
    await calls(_grant(ada, "Desk/LEAD", display="The lead"))
    assert (await calls(GetUserRequest(id=ada))).user.meta.etag == etag


async def test_sources_speak_for_themselves(calls: Calls, ada: str, scim: ScimClient) -> None:
    await calls(_grant(ada, "a/x"))
    await calls(_grant(ada, "b/x", source="product:billing"))
    await calls(_grant(ada, "a/x", source="import"))
    body = {"userName": "ada", "roles": [{"type": "c", "value": "x"}, {"type": "a", "value": "x"}]}
    await scim.put(f"/Users/{ada}", body)
    assert sorted(await _listed(calls, principal_id=ada)) == [
        ("a/x", "import"),
        ("a/x", "manual"),
        ("a/x", "scim"),
        ("b/x", "product:billing"),
        ("c/x", "scim"),
    ]
    assert await _shown(calls, ada) == ["c/x", "a/x", "b/x"]
    await scim.put(f"/Users/{ada}", {"userName": "ada"})
    assert sorted(await _shown(calls, ada)) == ["a/x", "b/x"]
    await calls(RevokeRoleRequest(principal_id=ada, type="A", value="X"))
    assert sorted(await _shown(calls, ada)) == ["a/x", "b/x"]
    await calls(RevokeRoleRequest(principal_id=ada, type="a", value="x", source="import"))
    assert await _shown(calls, ada) == ["b/x"]


async def test_whoever_writes_a_user_back_takes_nothing_over(
    calls: Calls, ada: str, scim: ScimClient
) -> None:
    await scim.put(f"/Users/{ada}", {"userName": "ada", "roles": [{"value": "x"}]})
    user = (await calls(GetUserRequest(id=ada))).user
    user.title = "Countess"
    user.roles.add(value="y")
    await calls(UpdateUserRequest(user=user, update_mask=FieldMask(paths=["*"])))
    assert await _listed(calls, principal_id=ada) == [("/x", "scim"), ("/y", "manual")]


async def test_an_assignment_is_revoked_by_its_id(calls: Calls, ada: str) -> None:
    granted = (await calls(_grant(ada, "a/x"))).assignment
    request = RevokeRoleRequest(id=granted.id)
    await calls(request)
    assert await _shown(calls, ada) == []
    assert await calls.reason(request) == "ROLE_ASSIGNMENT_NOT_FOUND"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (RevokeRoleRequest(id="nope"), "ROLE_ASSIGNMENT_NOT_FOUND"),
        (RevokeRoleRequest(id=str(uuid4())), "ROLE_ASSIGNMENT_NOT_FOUND"),
        (RevokeRoleRequest(id=str(uuid4()), type="a"), "INVALID_VALUE"),
        (RevokeRoleRequest(principal_id=str(uuid4()), value="x"), "ROLE_ASSIGNMENT_NOT_FOUND"),
        (_grant(str(uuid4()), "a/x"), "USER_NOT_FOUND"),
        (_grant("nope", "a/x"), "USER_NOT_FOUND"),
        (ListRoleAssignmentsRequest(principal_id=str(uuid4())), "USER_NOT_FOUND"),
        (ListRoleAssignmentsRequest(type="a\0"), "INVALID_VALUE"),
        (ListRoleAssignmentsRequest(page_token="nope"), "INVALID_PAGE_TOKEN"),
    ],
)
async def test_what_is_not_there_is_not_found(calls: Calls, request_: Any, reason: str) -> None:
    assert await calls.reason(request_) == reason


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"value": " "}, "value"),
        ({"source": "scim:default"}, "source"),
        ({"source": "product:"}, "source"),
        ({"source": "me"}, "source"),
        ({"source": "product:" + "x" * 200}, "source"),
        ({"expire_time": _in(seconds=-1)}, "expire_time"),
        ({"expire_time": Timestamp(seconds=10**15)}, "expire_time"),
        ({"type": "a\0b"}, "roles[0].type"),
        ({"value": "x" * 3000}, "roles"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    calls: Calls, ada: str, fields: dict[str, Any], field: str
) -> None:
    request = GrantRoleRequest(**{"principal_id": ada, "type": "a", "value": "x", **fields})
    failure = await calls.failure(request)
    assert (failure.reason, failure.field) == ("INVALID_VALUE", field)
    assert await _shown(calls, ada) == []


@pytest.mark.usefixtures("with_catalogue")
async def test_a_type_that_allows_one_role_gets_the_new_one(calls: Calls, ada: str) -> None:
    await calls(_grant(ada, "all_workspaces/owner"))
    await calls(_grant(ada, "all_workspaces/viewer"))
    await calls(_grant(ada, "all_workspaces/editor", source="import"))
    assert await _listed(calls, principal_id=ada) == [
        ("all_workspaces/viewer", "manual"),
        ("all_workspaces/editor", "import"),
    ]


async def test_lists_meet_every_condition(calls: Calls, ada: str) -> None:
    bob = (await calls(CreateUserRequest(user=User(user_name="bob")))).user.id
    await calls(_grant(ada, "a/x"))
    await calls(_grant(ada, "b/x", source="product:billing"))
    await calls(_grant(bob, "A/y", source="product:shop"))
    assert len(await _listed(calls)) == 3
    assert await _listed(calls, type="A") == [("a/x", "manual"), ("A/y", "product:shop")]
    assert await _listed(calls, value="X", source="product:") == [("b/x", "product:billing")]
    assert await _listed(calls, source="product:shop") == [("A/y", "product:shop")]
    assert await _listed(calls, type="a", principal_id=bob) == [("A/y", "product:shop")]
    assert await _listed(calls, type="c") == []


@pytest.mark.parametrize("condition", [{}, {"type": "a"}, {"source": "manual"}])
async def test_lists_come_in_pages(calls: Calls, condition: dict[str, str]) -> None:
    for number in range(7):
        user = (await calls(CreateUserRequest(user=User(user_name=f"u{number}")))).user.id
        await calls(_grant(user, f"a/{number % 3}"))
    found: list[str] = []
    token = ""
    while True:
        page = await calls(ListRoleAssignmentsRequest(page_size=2, page_token=token, **condition))
        found += [each.id for each in page.assignments]
        token = page.next_page_token
        if not token:
            break
    assert len(found) == len(set(found)) == 7


async def test_an_expired_role_is_not_listed(
    calls: Calls, ada: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await calls(_grant(ada, "a/x", expire_time=_in(days=1)))
    await calls(_grant(ada, "b/x"))
    await database.execute("UPDATE role_assignments SET expire_time = now() WHERE role_type = 'a'")
    assert await _listed(calls, principal_id=ada) == [("b/x", "manual")]
    await calls(_grant(ada, "c/x"))
    assert await _shown(calls, ada) == ["b/x", "c/x"]


async def test_roles_go_with_their_principal(
    calls: Calls, ada: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await calls(_grant(ada, "a/x"))
    await calls(DeleteUserRequest(id=ada))
    assert await database.fetchval("SELECT count(*) FROM role_assignments") == 0


async def test_a_grant_can_be_tried_out_and_repeated(calls: Calls, ada: str) -> None:
    request = _grant(ada, "a/x", validate_only=True)
    assert (await calls(request)).assignment.value == "x"
    assert await _shown(calls, ada) == []
    request = _grant(ada, "a/x", request_id=str(uuid4()))
    first, second = await calls(request), await calls(request)
    assert first == second
