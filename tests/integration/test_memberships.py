"""Members as rows: added, removed and listed without their group being loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.group_service_pb2 import (
    AddMembersRequest,
    CreateGroupRequest,
    GetGroupRequest,
    ListMembersRequest,
    ListPrincipalGroupsRequest,
    RemoveMembersRequest,
)
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.calls import Calls


@pytest.fixture
async def users(calls: Calls) -> list[str]:
    """Seven users."""
    named = (User(user_name=f"u{n}", display_name=f"user-{n}") for n in range(7))
    return [(await calls(CreateUserRequest(user=user))).user.id for user in named]


async def _group(calls: Calls, name: str, *members: str) -> str:
    group = Group(display_name=name, members=[GroupMember(value=each) for each in members])
    identifier: str = (await calls(CreateGroupRequest(group=group))).group.id
    return identifier


async def _etag(calls: Calls, group: str) -> str:
    etag: str = (await calls(GetGroupRequest(id=group))).group.meta.etag
    return etag


async def test_additions_count_those_who_come(calls: Calls, users: list[str]) -> None:
    group = await _group(calls, "Staff", users[0])
    request = AddMembersRequest(group_id=group, member_ids=[users[0], users[1], users[1]])
    answer = await calls(request)
    assert answer.added_count == 1
    assert answer.etag == await _etag(calls, group)
    again = await calls(request)
    assert again.added_count == 0
    assert again.etag == answer.etag


async def test_removals_count_those_who_leave(calls: Calls, users: list[str]) -> None:
    group = await _group(calls, "Staff", *users[:3])
    gone = [users[0], users[1], users[6], str(uuid4()), "nobody"]
    answer = await calls(RemoveMembersRequest(group_id=group, member_ids=gone))
    assert answer.removed_count == 2
    assert answer.etag == await _etag(calls, group)
    rest = (await calls(GetGroupRequest(id=group))).group.members
    assert [member.value for member in rest] == [users[2]]


async def test_a_change_names_who_came_and_went(
    calls: Calls, users: list[str], database: asyncpg.Connection[asyncpg.Record]
) -> None:
    group = await _group(calls, "Staff", users[0])
    await calls(AddMembersRequest(group_id=group, member_ids=[users[1]]))
    await calls(RemoveMembersRequest(group_id=group, member_ids=[users[0]]))
    rows = await database.fetch(
        "SELECT action, attributes, members_added, members_removed FROM changes "
        "WHERE resource_type = 'Group' ORDER BY revision"
    )
    assert [row["action"] for row in rows] == ["create", "update", "update"]
    assert [[str(each) for each in row["members_added"]] for row in rows] == [
        [users[0]],
        [users[1]],
        [],
    ]
    assert [[str(each) for each in row["members_removed"]] for row in rows] == [[], [], [users[0]]]
    assert all("members" in row["attributes"] for row in rows)


@pytest.mark.parametrize("member", ["nobody", "00000000-0000-4000-8000-00000000dead", ""])
async def test_who_does_not_exist_is_not_added(member: str, calls: Calls, users: list[str]) -> None:
    group = await _group(calls, "Staff")
    request = AddMembersRequest(group_id=group, member_ids=[users[0], member])
    assert await calls.reason(request) == "INVALID_VALUE"
    assert not (await calls(GetGroupRequest(id=group))).group.members


async def test_too_many_at_once_are_refused(calls: Calls) -> None:
    group = await _group(calls, "Staff")
    ids = [str(uuid4())] * 10_001
    assert await calls.reason(AddMembersRequest(group_id=group, member_ids=ids)) == "TOO_MANY"
    assert await calls.reason(RemoveMembersRequest(group_id=group, member_ids=ids)) == "TOO_MANY"


async def test_conditions_hold(calls: Calls, users: list[str]) -> None:
    group = await _group(calls, "Staff")
    etag = await _etag(calls, group)
    await calls(AddMembersRequest(group_id=group, member_ids=users[:1], etag=etag))
    for request in (
        AddMembersRequest(group_id=group, member_ids=users[1:2], etag=etag),
        RemoveMembersRequest(group_id=group, member_ids=users[:1], etag=etag),
    ):
        assert await calls.reason(request) == "ETAG_MISMATCH"


async def test_unknown_groups_are_not_found(calls: Calls, users: list[str]) -> None:
    for group in (str(uuid4()), "nonsense", users[0]):
        for request in (
            AddMembersRequest(group_id=group, member_ids=users[:1]),
            RemoveMembersRequest(group_id=group, member_ids=users[:1]),
            ListMembersRequest(group_id=group),
        ):
            assert await calls.reason(request) == "GROUP_NOT_FOUND"
    unknown = ListPrincipalGroupsRequest(principal_id=str(uuid4()))
    assert await calls.reason(unknown) == "USER_NOT_FOUND"


async def test_members_are_listed_page_by_page(calls: Calls, users: list[str]) -> None:
    inner = await _group(calls, "Inner")
    group = await _group(calls, "Staff", *reversed(users), inner)
    sizes: list[int] = []
    found: list[tuple[str, str, str]] = []
    token = ""
    while token or not found:
        request = ListMembersRequest(group_id=group, page_size=3, page_token=token)
        answer = await calls(request)
        sizes.append(len(answer.members))
        found += [(member.value, member.type, member.display) for member in answer.members]
        token = answer.next_page_token
    assert sizes == [3, 3, 2]
    expected = [(user, "User", f"user-{n}") for n, user in enumerate(users)]
    assert found == [*expected, (inner, "Group", "Inner")]


async def test_groups_of_a_principal_are_listed_page_by_page(
    calls: Calls, users: list[str]
) -> None:
    groups = [await _group(calls, f"group {n}", users[0]) for n in range(5)]
    outer = await _group(calls, "outer", groups[0])
    found: list[tuple[str, str]] = []
    token = ""
    while token or not found:
        request = ListPrincipalGroupsRequest(principal_id=users[0], page_size=2, page_token=token)
        answer = await calls(request)
        found += [(group.value, group.display) for group in answer.groups]
        token = answer.next_page_token
    assert found == [(group, f"group {n}") for n, group in enumerate(groups)]
    of_group = await calls(ListPrincipalGroupsRequest(principal_id=groups[0]))
    assert [group.value for group in of_group.groups] == [outer]


async def test_page_tokens_belong_to_their_list(calls: Calls, users: list[str]) -> None:
    first, second = await _group(calls, "a", *users), await _group(calls, "b", *users)
    token = (await calls(ListMembersRequest(group_id=first, page_size=2))).next_page_token
    other = ListMembersRequest(group_id=second, page_size=2, page_token=token)
    assert await calls.reason(other) == "INVALID_PAGE_TOKEN"
    forged = ListMembersRequest(group_id=first, page_size=2, page_token="x" + token[1:])
    assert await calls.reason(forged) == "INVALID_PAGE_TOKEN"
    larger = ListMembersRequest(group_id=first, page_size=3, page_token=token)
    assert await calls.reason(larger) == "INVALID_PAGE_SIZE"


async def test_members_are_read_only_when_asked_for(calls: Calls, users: list[str]) -> None:
    group = await _group(calls, "Staff", *users)
    request = GetGroupRequest(id=group)
    request.read_mask.paths[:] = ["display_name"]
    answer = (await calls(request)).group
    assert answer.display_name == "Staff"
    assert not answer.members


@pytest.mark.parametrize("ring", [1, 2, 5])
async def test_groups_in_a_ring_are_read_safely(ring: int, calls: Calls, users: list[str]) -> None:
    """A ring is refused, or stored and harmless."""
    groups = [await _group(calls, f"group {n}", *users[:1]) for n in range(ring)]
    for inner, outer in zip(groups, [*groups[1:], groups[0]], strict=True):
        request = AddMembersRequest(group_id=outer, member_ids=[inner])
        try:
            await calls(request)
        except Exception:  # noqa: BLE001 - looked at closer right here
            assert await calls.reason(request) == "INVALID_VALUE"
    for group in groups:
        assert (await calls(GetGroupRequest(id=group))).group.members
    shown = (await calls(ListPrincipalGroupsRequest(principal_id=users[0]))).groups
    assert {each.value for each in shown} == set(groups)
