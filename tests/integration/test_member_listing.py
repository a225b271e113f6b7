"""Members of a group page by page: filtered, counted, by index, back and forth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rollbook.v1 import filter_pb2
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.group_service_pb2 import (
    AddMembersRequest,
    CreateGroupRequest,
    ListMembersRequest,
    RemoveMembersRequest,
)
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.calls import Calls


@pytest.fixture
async def people(calls: Calls) -> list[str]:
    """Seven users and then a group."""
    names = [f"User-{n}" for n in range(7)]
    requests = [CreateUserRequest(user=User(user_name=n, display_name=n)) for n in names]
    users = [(await calls(request)).user.id for request in requests]
    inner = await calls(CreateGroupRequest(group=Group(display_name="Inner")))
    return [*users, inner.group.id]


@pytest.fixture
async def staff(calls: Calls, people: list[str]) -> str:
    """A group of all of them."""
    members = [GroupMember(value=each) for each in reversed(people)]
    request = CreateGroupRequest(group=Group(display_name="Staff", members=members))
    identifier: str = (await calls(request)).group.id
    return identifier


def equal(name: str, operand: str, operator: str = "EQUAL") -> filter_pb2.Filter:
    return filter_pb2.Filter(
        comparison=filter_pb2.Comparison(
            path=filter_pb2.AttributePath(attribute=name),
            operator=filter_pb2.ComparisonOperator.Value(f"COMPARISON_OPERATOR_{operator}"),
            value=filter_pb2.FilterValue(string=operand),
        )
    )


def ids(answer: Any) -> list[str]:
    return [member.value for member in answer.members]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (equal("type", "User"), range(7)),
        (equal("type", "group"), [7]),
        (equal("display", "user-3"), [3]),
        (equal("display", "user", "STARTS_WITH"), range(7)),
        (equal("value", "no such id"), []),
        (equal("type", "User", "NOT_EQUAL"), [7]),
    ],
)
async def test_members_that_meet_a_filter_are_listed_and_counted(
    calls: Calls,
    people: list[str],
    staff: str,
    condition: filter_pb2.Filter,
    expected: list[int],
) -> None:
    request = ListMembersRequest(group_id=staff, filter=condition, include_total_size=True)
    answer = await calls(request)
    assert ids(answer) == [people[n] for n in expected]
    assert answer.total_size == len(expected)


async def test_one_member_is_found_by_id(calls: Calls, people: list[str], staff: str) -> None:
    request = ListMembersRequest(group_id=staff, filter=equal("value", people[2]))
    [member] = (await calls(request)).members
    assert member == GroupMember(value=people[2], type="User", display="User-2", origin="manual")


async def test_pages_lead_forth_and_back(calls: Calls, people: list[str], staff: str) -> None:
    def request(token: str) -> ListMembersRequest:
        return ListMembersRequest(group_id=staff, page_size=3, page_token=token)

    first = await calls(request(""))
    second = await calls(request(first.next_page_token))
    third = await calls(request(second.next_page_token))
    assert [ids(page) for page in (first, second, third)] == [people[:3], people[3:6], people[6:]]
    assert (first.previous_page_token, third.next_page_token) == ("", "")
    assert ids(await calls(request(third.previous_page_token))) == people[3:6]
    assert ids(await calls(request(second.previous_page_token))) == people[:3]


async def test_no_member_is_skipped_when_others_come_and_go(
    calls: Calls, people: list[str], staff: str
) -> None:
    first = await calls(ListMembersRequest(group_id=staff, page_size=3))
    await calls(RemoveMembersRequest(group_id=staff, member_ids=people[:3]))
    await calls(AddMembersRequest(group_id=staff, member_ids=people[:1]))
    request = ListMembersRequest(
        group_id=staff, page_size=3, page_token=first.next_page_token, include_total_size=True
    )
    second = await calls(request)
    assert ids(second) == people[3:6]
    assert second.total_size == 6


async def test_a_walk_may_be_by_index(calls: Calls, people: list[str], staff: str) -> None:
    request = ListMembersRequest(group_id=staff, page_size=2, skip=5, include_total_size=True)
    answer = await calls(request)
    assert ids(answer) == people[5:7]
    assert answer.total_size == 8
    beyond = await calls(ListMembersRequest(group_id=staff, skip=8, include_total_size=True))
    assert (ids(beyond), beyond.total_size) == ([], 8)
    none = await calls(ListMembersRequest(group_id=staff, page_size=0, include_total_size=True))
    assert (ids(none), none.total_size) == ([], 8)


async def test_an_empty_group_is_no_unknown_one(calls: Calls) -> None:
    empty = await calls(CreateGroupRequest(group=Group(display_name="Empty")))
    request = ListMembersRequest(group_id=empty.group.id, include_total_size=True)
    assert (await calls(request)).total_size == 0
    for unknown in (str(uuid4()), "nonsense"):
        request = ListMembersRequest(group_id=unknown, include_total_size=True)
        assert await calls.reason(request) == "GROUP_NOT_FOUND"


async def test_bad_requests_are_refused(calls: Calls, staff: str) -> None:
    request = ListMembersRequest(group_id=staff, filter=equal("userName", "ada"))
    assert await calls.reason(request) == "INVALID_FILTER"
    assert await calls.reason(ListMembersRequest(group_id=staff, skip=-1)) == "INVALID_VALUE"
    first = await calls(ListMembersRequest(group_id=staff, page_size=2))
    both = ListMembersRequest(group_id=staff, page_size=2, page_token=first.next_page_token, skip=2)
    assert await calls.reason(both) == "INVALID_VALUE"
    other = ListMembersRequest(
        group_id=staff,
        page_size=2,
        page_token=first.next_page_token,
        filter=equal("type", "User"),
    )
    assert await calls.reason(other) == "INVALID_PAGE_TOKEN"


async def test_a_deep_walk_goes_on_where_it_was(
    calls: Calls, staff: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await database.execute(
        """
        WITH many AS (
            INSERT INTO resources (
                tenant_id, id, resource_type, unique_key, display, active, create_time,
                update_time, message, search
            )
            SELECT tenant_id, gen_random_uuid(), 'User', 'many' || i, '', true, now(), now(), '',
                '{}'
            FROM tenants, generate_series(1, 3000) AS i WHERE tenants.name = 'default'
            RETURNING tenant_id, id
        )
        INSERT INTO members (tenant_id, group_id, member_id)
        SELECT tenant_id, $1, id FROM many
        """,
        staff,
    )
    found: list[str] = []
    while True:
        request = ListMembersRequest(group_id=staff, page_size=700, skip=len(found))
        page = ids(await calls(request))
        if not page:
            break
        found += page
    assert len(found) == len(set(found)) == 3008
    assert found == sorted(found)
    places = await database.fetch("SELECT place FROM bookmarks ORDER BY place")
    assert [row["place"] for row in places] == [1400, 2100, 2800]
