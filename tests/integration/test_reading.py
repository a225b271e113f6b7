"""Reading over gRPC: by id, by key, in pages, and only what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rollbook.v1.filter_pb2 import AttributePath, OrderBy
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.group_service_pb2 import (
    BatchGetGroupsRequest,
    CreateGroupRequest,
    GetGroupRequest,
    LookupGroupRequest,
)
from rollbook.v1.user_pb2 import Email, User
from rollbook.v1.user_service_pb2 import (
    BatchGetUsersRequest,
    CreateUserRequest,
    DeleteUserRequest,
    GetUserRequest,
    ListUsersRequest,
    LookupUserRequest,
    UpdateUserRequest,
)

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from tests.harness.calls import Calls

ADA = User(
    user_name="Ada", external_id="emp-1", emails=[Email(value="Ada@Acme.example", type="work")]
)
BOB = User(
    user_name="bob", external_id="EMP-1", emails=[Email(value="bob@acme.example", type="home")]
)


async def _create(calls: Calls, *users: User) -> list[str]:
    return [(await calls(CreateUserRequest(user=user))).user.id for user in users]


async def _many(calls: Calls, number: int) -> list[str]:
    return await _create(calls, *(User(user_name=f"user-{n:03}") for n in range(number)))


async def test_several_are_read_in_the_order_asked_for(calls: Calls) -> None:
    ada, bob = await _create(calls, ADA, BOB)
    unknown = str(uuid4())
    answer = await calls(BatchGetUsersRequest(ids=[bob, unknown, ada, "nonsense", bob]))
    assert [user.id for user in answer.users][:2] == [bob, ada]
    assert list(answer.missing_ids) == [unknown, "nonsense"]


async def test_a_group_is_missing_among_users(calls: Calls) -> None:
    group = (await calls(CreateGroupRequest(group=Group(display_name="Staff")))).group.id
    assert list((await calls(BatchGetUsersRequest(ids=[group]))).missing_ids) == [group]
    assert len((await calls(BatchGetGroupsRequest(ids=[group]))).groups) == 1


@pytest.mark.parametrize("kind", [BatchGetUsersRequest, BatchGetGroupsRequest])
async def test_too_many_at_once_are_refused(kind: Any, calls: Calls) -> None:
    assert await calls.reason(kind(ids=[str(uuid4())] * 1001)) == "TOO_MANY"
    assert len((await calls(kind(ids=[str(uuid4()) for _ in range(1000)]))).missing_ids) == 1000


@pytest.mark.parametrize(
    "request_",
    [
        LookupUserRequest(user_name="ADA"),
        LookupUserRequest(external_id="emp-1"),
        LookupUserRequest(email="ada@acme.EXAMPLE"),
    ],
    ids=["userName", "externalId", "e-mail"],
)
async def test_a_user_is_looked_up(request_: LookupUserRequest, calls: Calls) -> None:
    ada, _ = await _create(calls, ADA, BOB)
    assert (await calls(request_)).user.id == ada


async def test_a_group_is_looked_up(calls: Calls) -> None:
    group = Group(display_name="Straße", external_id="g-1")
    created = (await calls(CreateGroupRequest(group=group))).group
    assert (await calls(LookupGroupRequest(display_name="STRASSE"))).group == created
    assert (await calls(LookupGroupRequest(external_id="g-1"))).group == created


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (LookupUserRequest(user_name="nobody"), "USER_NOT_FOUND"),
        (LookupUserRequest(external_id="Emp-1"), "USER_NOT_FOUND"),
        (LookupUserRequest(email="nobody@acme.example"), "USER_NOT_FOUND"),
        (LookupUserRequest(user_name="a\0b"), "USER_NOT_FOUND"),
        (LookupUserRequest(user_name=""), "INVALID_VALUE"),
        (LookupUserRequest(user_name="x" * 10_000), "USER_NOT_FOUND"),
        (LookupUserRequest(), "INVALID_VALUE"),
        (LookupUserRequest(external_id="twice"), "TOO_MANY"),
        (LookupGroupRequest(display_name="nobody"), "GROUP_NOT_FOUND"),
        (LookupGroupRequest(), "INVALID_VALUE"),
        (LookupGroupRequest(display_name="twice"), "TOO_MANY"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_not_looked_up(request_: Message, reason: str, calls: Calls) -> None:
    await _create(calls, ADA, BOB)
    for n in range(2):
        await _create(calls, User(user_name=f"u{n}", external_id="twice"))
        await calls(CreateGroupRequest(group=Group(display_name="Twice")))
    assert await calls.reason(request_) == reason


async def test_groups_are_gathered_only_when_asked_for(calls: Calls) -> None:
    (ada,) = await _create(calls, ADA)
    group = Group(display_name="Staff", members=[GroupMember(value=ada)])
    await calls(CreateGroupRequest(group=group))
    request = GetUserRequest(id=ada)
    assert len((await calls(request)).user.groups) == 1
    request.read_mask.paths[:] = ["user_name"]
    assert not (await calls(request)).user.groups
    request.read_mask.paths[:] = ["groups"]
    assert len((await calls(request)).user.groups) == 1


async def _walk(calls: Calls, request: ListUsersRequest) -> list[list[str]]:
    """The ids on every page."""
    pages: list[list[str]] = []
    while request.page_token or not pages:
        answer = await calls(request)
        pages.append([user.id for user in answer.users])
        request.page_token = answer.next_page_token
    return pages


@pytest.mark.parametrize("attribute", ["", "userName", "title", "meta.created"])
@pytest.mark.parametrize("descending", [False, True])
async def test_pages_together_are_the_list(
    attribute: str, *, descending: bool, calls: Calls
) -> None:
    ids = await _many(calls, 23)
    order = None
    if attribute:
        name, _, part = attribute.partition(".")
        path = AttributePath(attribute=name, sub_attribute=part)
        order = OrderBy(path=path, descending=descending)
    pages = await _walk(calls, ListUsersRequest(page_size=5, order_by=order))
    assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
    walked = [each for page in pages for each in page]
    assert sorted(walked) == ids
    if attribute in {"userName", "meta.created"}:
        assert walked == (ids[::-1] if descending else ids)


async def test_the_way_back_has_the_same_pages(calls: Calls) -> None:
    await _many(calls, 11)
    request = ListUsersRequest(page_size=4)
    first = await calls(request)
    assert not first.previous_page_token
    request.page_token = first.next_page_token
    second = await calls(request)
    request.page_token = second.previous_page_token
    assert (await calls(request)).users == first.users


async def test_a_walk_meets_everyone_once_although_others_come_and_go(calls: Calls) -> None:
    ids = await _many(calls, 30)
    request = ListUsersRequest(page_size=5)
    seen: list[str] = []
    while True:
        answer = await calls(request)
        seen += [user.id for user in answer.users]
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
        await calls(DeleteUserRequest(id=seen[len(seen) // 2]))
        await calls(UpdateUserRequest(user=User(id=ids[-1], title=str(len(seen)))))
        await calls(CreateUserRequest(user=User(user_name=f"new-{len(seen)}")))
        if len(seen) > 100:
            break
    assert len(seen) == len(set(seen))
    assert set(ids) <= set(seen)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"page_size": 3}, "INVALID_PAGE_SIZE"),
        ({"order_by": OrderBy(path=AttributePath(attribute="title"))}, "INVALID_PAGE_TOKEN"),
        ({"page_token": "forged"}, "INVALID_PAGE_TOKEN"),
        ({"page_token": "x" * 100_000}, "INVALID_PAGE_TOKEN"),
        ({"skip": 1}, "INVALID_VALUE"),
    ],
    ids=["size", "order", "forged", "long", "skip"],
)
async def test_a_page_token_belongs_to_its_list(
    change: dict[str, Any], reason: str, calls: Calls
) -> None:
    await _many(calls, 5)
    token = (await calls(ListUsersRequest(page_size=2))).next_page_token
    arguments = {"page_size": 2, "page_token": token, **change}
    assert await calls.reason(ListUsersRequest(**arguments)) == reason


async def test_every_changed_page_token_is_refused(calls: Calls) -> None:
    await _many(calls, 3)
    token = (await calls(ListUsersRequest(page_size=2))).next_page_token
    for index, letter in enumerate(token):
        changed = token[:index] + ("A" if letter != "A" else "B") + token[index + 1 :]
        request = ListUsersRequest(page_size=2, page_token=changed)
        # The last letter of base64 may hold bits that mean nothing.
        if index < len(token) - 1:
            assert await calls.reason(request) == "INVALID_PAGE_TOKEN", index


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"page_size": -1}, "INVALID_VALUE"),
        ({"skip": -1}, "INVALID_VALUE"),
        ({"order_by": OrderBy(path=AttributePath(attribute="nope"))}, "INVALID_VALUE"),
        ({"order_by": OrderBy()}, "INVALID_VALUE"),
    ],
    ids=["size", "skip", "unknown attribute", "no attribute"],
)
async def test_bad_lists_are_refused(arguments: dict[str, Any], reason: str, calls: Calls) -> None:
    assert await calls.reason(ListUsersRequest(**arguments)) == reason


async def test_a_page_has_a_thousand_at_the_most(calls: Calls) -> None:
    await _many(calls, 1010)
    answer = await calls(ListUsersRequest(page_size=100_000, include_total_size=True))
    assert len(answer.users) == 1000
    assert answer.total_size == 1010
    assert len((await calls(ListUsersRequest())).users) == 100
    assert not (await calls(ListUsersRequest(page_size=0, include_total_size=True))).users


async def test_without_being_asked_nobody_counts(calls: Calls) -> None:
    assert not (await calls(ListUsersRequest())).HasField("total_size")


async def test_an_id_is_needed(calls: Calls) -> None:
    assert await calls.reason(GetUserRequest()) == "USER_NOT_FOUND"
    assert await calls.reason(GetGroupRequest()) == "GROUP_NOT_FOUND"
