"""Who has which role and why, over gRPC: unions over nested groups, lists, paths, bad requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rollbook.v1 import access_service_pb2 as messages
from rollbook.v1.group_service_pb2 import AddMembersRequest, DeleteGroupRequest
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import (
    CreateUserRequest,
    DeleteUserRequest,
    UpdateUserRequest,
)
from tests.harness.access import Access, give
from tests.harness.calls import Calls
from tests.harness.tenants import new_tenant

if TYPE_CHECKING:
    import asyncpg
    import grpc

    from tests.integration.access.conftest import Made

    Database = asyncpg.Connection[asyncpg.Record]


async def test_a_role_comes_from_oneself_from_groups_and_from_groups_of_groups(
    access: Access, made: Made, database: Database
) -> None:
    ada = await made.user("ada")
    inner = await made.group("inner", ada)
    outer = await made.group("outer", inner)
    other = await made.group("other")
    for holder, role in ((ada, "T:own"), (inner, "T:inner"), (outer, "T:outer"), (other, "T:no")):
        await give(database, holder, role)
    for role, expected in (
        ("T:own", "GRANTED"),
        ("t:INNER", "GRANTED"),
        ("T:outer", "GRANTED"),
        ("T:no", "NOT_GRANTED"),
        (":own", "NOT_GRANTED"),
    ):
        assert await access.check(ada, role) == expected, role
    assert await access.check(inner, "T:outer") == "GRANTED"
    assert await access.check(outer, "T:inner") == "NOT_GRANTED"


async def test_circles_of_groups_are_no_harm(
    access: Access, made: Made, calls: Calls, database: Database
) -> None:
    ada = await made.user("ada")
    inner = await made.group("inner", ada)
    outer = await made.group("outer", inner)
    await calls(AddMembersRequest(group_id=inner, member_ids=[outer, inner]))
    await give(database, outer, "T:v")
    assert await access.check(ada, "T:v") == "GRANTED"
    members = await access(messages.ListTransitiveMembersRequest(group_id=outer))
    assert {each.id for each in members.members} == {ada, inner}
    groups = await access(messages.ListTransitiveGroupsRequest(principal_id=inner))
    assert {each.id for each in groups.groups} == {outer}
    explained = await access(messages.ExplainAccessRequest(principal_id=ada, type="T", value="v"))
    assert [[node.id for node in path.nodes] for path in explained.paths] == [[ada, inner, outer]]


@pytest.mark.parametrize("depth", [50])
async def test_depth_costs_nothing_but_groups(
    access: Access, made: Made, database: Database, depth: int
) -> None:
    ada = await made.user("ada")
    group = ada
    for number in range(depth):
        group = await made.group(f"g{number}", group)
    await give(database, group, "T:v")
    assert await access.check(ada, "T:v") == "GRANTED"
    explained = await access(messages.ExplainAccessRequest(principal_id=ada, type="T", value="v"))
    assert [len(path.nodes) for path in explained.paths] == [depth + 1]


async def test_what_does_not_count_gives_nothing(
    access: Access, made: Made, database: Database
) -> None:
    ada = await made.user("ada")
    await give(database, ada, "T:pending", pending=True)
    await give(database, ada, "T:expired", seconds=-1)
    await give(database, ada, "T:both", "manual", seconds=-1)
    await give(database, ada, "T:both", "import", seconds=1000)
    assert await access.check(ada, "T:pending") == "NOT_GRANTED"
    assert await access.check(ada, "T:expired") == "NOT_GRANTED"
    assert await access.check(ada, "T:both") == "GRANTED"
    roles = await access(messages.ListEffectiveRolesRequest(principal_id=ada))
    assert [role.value for role in roles.roles] == ["both"]
    assert roles.roles[0].HasField("expire_time")
    explained = await access(
        messages.ExplainAccessRequest(principal_id=ada, type="T", value="both")
    )
    assert [path.grant.source for path in explained.paths] == ["import"]


async def test_the_inactive_and_the_deleted_have_nothing_at_once(
    access: Access, made: Made, calls: Calls, database: Database
) -> None:
    ada = await made.user("ada")
    group = await made.group("g", ada)
    await give(database, group, "T:v")
    assert await access.check(ada, "T:v") == "GRANTED"
    await calls(UpdateUserRequest(user=User(id=ada, active=False)))
    assert await access.check(ada, "T:v") == "PRINCIPAL_INACTIVE"
    assert not (await access(messages.ListEffectiveRolesRequest(principal_id=ada))).roles
    explained = await access(messages.ExplainAccessRequest(principal_id=ada, type="T", value="v"))
    assert not explained.allowed
    assert not explained.paths
    listed = await access(messages.ListPrincipalsWithRoleRequest(type="T", value="v"))
    assert [each.id for each in listed.principals] == [group]
    await calls(UpdateUserRequest(user=User(id=ada, active=True)))
    assert await access.check(ada, "T:v") == "GRANTED"
    await calls(DeleteUserRequest(id=ada))
    assert await access.check(ada, "T:v") == "PRINCIPAL_NOT_FOUND"


async def test_a_deleted_group_gives_nothing(
    access: Access, made: Made, calls: Calls, database: Database
) -> None:
    ada = await made.user("ada")
    inner = await made.group("inner", ada)
    outer = await made.group("outer", inner)
    await give(database, outer, "T:v")
    assert await access.check(ada, "T:v") == "GRANTED"
    await calls(DeleteGroupRequest(id=inner))
    assert await access.check(ada, "T:v") == "NOT_GRANTED"


async def test_checks_of_a_batch_are_answered_in_order(
    access: Access, made: Made, database: Database
) -> None:
    ada = await made.user("ada")
    await give(database, ada, "T:v")
    checks = [
        messages.CheckAccessRequest(principal_id=principal, type="T", value=value)
        for principal in (ada, str(uuid4()), "nobody")
        for value in ("v", "w")
    ]
    answer = await access(messages.BatchCheckAccessRequest(checks=checks))
    assert [each.allowed for each in answer.results] == [True, *[False] * 5]
    assert (await access(messages.BatchCheckAccessRequest())).results == []


async def test_roles_of_several_are_listed_and_the_missing_named(
    access: Access, made: Made, database: Database
) -> None:
    ada, bob = await made.user("ada"), await made.user("bob")
    group = await made.group("g", bob)
    await give(database, ada, "T:v")
    await give(database, group, "T:w")
    missing = str(uuid4())
    answer = await access(
        messages.BatchListEffectiveRolesRequest(principal_ids=[bob, missing, ada, bob])
    )
    assert [
        (each.principal_id, [(role.value, role.direct) for role in each.roles])
        for each in answer.principals
    ] == [(bob, [("w", False)]), (ada, [("v", True)])]
    assert answer.missing_ids == [missing]


async def pages(access: Access, request: Any, field: str) -> list[Any]:
    """All items of a list, page by page."""
    found: list[Any] = []
    while True:
        answer = await access(request)
        found += getattr(answer, field)
        assert len(getattr(answer, field)) <= request.page_size
        if not answer.next_page_token:
            return found
        request.page_token = answer.next_page_token


async def test_lists_come_page_by_page(access: Access, made: Made, database: Database) -> None:
    users = [await made.user(f"u{number}") for number in range(7)]
    group = await made.group("g", *users[:5])
    outer = await made.group("outer", group, *users[3:])
    for value in "abcde":
        await give(database, outer, f"T:{value}")
    await give(database, users[0], "T:c")
    for size in (1, 2, 3, 100):
        roles = await pages(
            access,
            messages.ListEffectiveRolesRequest(principal_id=users[0], page_size=size),
            "roles",
        )
        assert [(role.value, role.direct) for role in roles] == [
            (value, value == "c") for value in "abcde"
        ]
        members = await pages(
            access, messages.ListTransitiveMembersRequest(group_id=outer, page_size=size), "members"
        )
        assert [(each.id, each.direct) for each in members] == sorted(
            [(each, each in users[3:]) for each in users] + [(group, True)]
        )
        groups = await pages(
            access,
            messages.ListTransitiveGroupsRequest(principal_id=users[4], page_size=size),
            "groups",
        )
        assert [(each.id, each.direct) for each in groups] == sorted([(group, True), (outer, True)])
        holders = await pages(
            access,
            messages.ListPrincipalsWithRoleRequest(type="t", value="c", page_size=size),
            "principals",
        )
        assert [(each.id, each.direct) for each in holders] == sorted(
            [(each, each == users[0]) for each in users] + [(group, False), (outer, True)]
        )
    only = messages.ListPrincipalsWithRoleRequest(
        type="t", value="c", page_size=2, principal_types=["Group"]
    )
    assert [each.id for each in await pages(access, only, "principals")] == sorted([group, outer])


async def test_membership_at_any_depth(access: Access, made: Made) -> None:
    ada = await made.user("ada")
    inner = await made.group("inner", ada)
    outer = await made.group("outer", inner)
    for principal, group, expected in (
        (ada, inner, (True, True)),
        (ada, outer, (True, False)),
        (outer, inner, (False, False)),
        (inner, inner, (False, False)),
        (str(uuid4()), inner, (False, False)),
        ("nobody", "nothing", (False, False)),
    ):
        answer = await access(
            messages.CheckMembershipRequest(principal_id=principal, group_id=group)
        )
        assert (answer.is_member, answer.direct) == expected


NOBODY = str(uuid4())


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (messages.CheckAccessRequest(principal_id=NOBODY), "INVALID_VALUE"),
        (messages.CheckAccessRequest(principal_id=NOBODY, value="v" * 2000), "INVALID_VALUE"),
        (messages.CheckAccessRequest(value="v", at_least_as_fresh="x"), "INVALID_VALUE"),
        (messages.CheckAccessRequest(value="v", at_least_as_fresh="r1-1"), "INVALID_VALUE"),
        (messages.CheckAccessRequest(value="v", at_least_as_fresh="r2-"), "INVALID_VALUE"),
        (
            messages.BatchCheckAccessRequest(
                checks=[messages.CheckAccessRequest(value="v")] * 1001
            ),
            "TOO_MANY",
        ),
        (
            messages.BatchCheckAccessRequest(
                checks=[messages.CheckAccessRequest(value="v", at_least_as_fresh="x")]
            ),
            "INVALID_VALUE",
        ),
        (messages.ListEffectiveRolesRequest(principal_id=NOBODY), "USER_NOT_FOUND"),
        (messages.ListEffectiveRolesRequest(principal_id=NOBODY, page_size=-1), "INVALID_VALUE"),
        (
            messages.ListEffectiveRolesRequest(principal_id=NOBODY, page_token="x"),
            "INVALID_PAGE_TOKEN",
        ),
        (messages.BatchListEffectiveRolesRequest(principal_ids=["x"] * 101), "TOO_MANY"),
        (messages.ListPrincipalsWithRoleRequest(type="t"), "INVALID_VALUE"),
        (messages.ExplainAccessRequest(principal_id=NOBODY, value="v"), "USER_NOT_FOUND"),
        (messages.ExplainAccessRequest(principal_id="nobody", value="v"), "USER_NOT_FOUND"),
        (
            messages.ExplainAccessRequest(principal_id=NOBODY, value="v", max_paths=-1),
            "INVALID_VALUE",
        ),
        (messages.ListTransitiveGroupsRequest(principal_id=NOBODY), "USER_NOT_FOUND"),
        (messages.ListTransitiveMembersRequest(group_id=NOBODY), "GROUP_NOT_FOUND"),
    ],
)
async def test_bad_requests_are_refused(access: Access, request_: Any, reason: str) -> None:
    assert await access.reason(request_) == reason


@pytest.mark.parametrize(
    "request_",
    [
        messages.CheckAccessRequest(principal_id=NOBODY, value="v"),
        messages.BatchCheckAccessRequest(),
        messages.ListEffectiveRolesRequest(principal_id=NOBODY),
        messages.BatchListEffectiveRolesRequest(),
        messages.ExplainAccessRequest(principal_id=NOBODY, value="v"),
        messages.CheckMembershipRequest(principal_id=NOBODY, group_id=NOBODY),
    ],
)
async def test_a_revision_is_good_for_its_own_tenant_alone(
    access: Access, channel: grpc.aio.Channel, database: Database, request_: Any
) -> None:
    other = await new_tenant(database)
    write = CreateUserRequest(user=User(user_name="eve"))
    request_.at_least_as_fresh = await Calls(channel, other).revision(write)
    assert await access.reason(request_) == "INVALID_VALUE"
    revision = request_.at_least_as_fresh
    assert await Access(channel, other).check(NOBODY, "T:v", revision) == "PRINCIPAL_NOT_FOUND"


async def test_a_page_token_is_good_for_its_own_list_alone(
    access: Access, made: Made, database: Database
) -> None:
    ada = await made.user("ada")
    await give(database, ada, "T:a")
    await give(database, ada, "T:b")
    first = messages.ListEffectiveRolesRequest(principal_id=ada, page_size=1)
    token = (await access(first)).next_page_token
    first.page_token = token
    first.type = "T"
    assert await access.reason(first) == "INVALID_PAGE_TOKEN"
