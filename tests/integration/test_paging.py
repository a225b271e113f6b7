"""Lists walked page by page, by index and by token, while others write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import (
    CreateUserRequest,
    CreateUserResponse,
    DeleteUserRequest,
    ListUsersRequest,
    ListUsersResponse,
)
from service.storage.search import bookmarks

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.calls import Calls

PAGE = 3
NAMES = [f"user-{number:02d}" for number in range(14)]


@pytest.fixture
def shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are deep from the fifth resource on."""
    monkeypatch.setattr(bookmarks, "DEEP", 4)


async def create(calls: Calls, name: str) -> str:
    answer: CreateUserResponse = await calls(CreateUserRequest(user=User(user_name=name)))
    return answer.user.id


async def page(calls: Calls, **query: Any) -> ListUsersResponse:
    request = ListUsersRequest(page_size=PAGE, include_total_size=True, **query)
    answer: ListUsersResponse = await calls(request)
    return answer


def names(answer: ListUsersResponse) -> list[str]:
    return [user.user_name for user in answer.users]


async def test_pages_by_index_are_slices_of_the_list(calls: Calls, shallow: None) -> None:
    for name in NAMES:
        await create(calls, name)
    for _ in range(2):  # the second round finds the bookmarks of the first
        for skip in range(len(NAMES) + 2):
            answer = await page(calls, skip=skip)
            assert names(answer) == NAMES[skip : skip + PAGE]
            assert answer.total_size == len(NAMES)


async def test_a_walk_by_index_skips_nobody_when_others_are_deleted(
    calls: Calls, shallow: None
) -> None:
    ids = [await create(calls, name) for name in NAMES]
    seen = [*names(await page(calls, skip=0)), *names(await page(calls, skip=3))]
    await calls(DeleteUserRequest(id=ids[0]))
    for skip in (6, 9, 12):
        seen += names(await page(calls, skip=skip))
    assert seen == NAMES


async def test_an_old_bookmark_is_not_used(
    calls: Calls, database: asyncpg.Connection[asyncpg.Record], shallow: None
) -> None:
    ids = [await create(calls, name) for name in NAMES]
    await page(calls, skip=3)
    await calls(DeleteUserRequest(id=ids[0]))
    await database.execute("UPDATE bookmarks SET create_time = now() - interval '1 hour'")
    assert names(await page(calls, skip=6)) == NAMES[7:10]


@pytest.mark.parametrize("descending", [False, True])
async def test_a_walk_by_token_goes_there_and_back(calls: Calls, *, descending: bool) -> None:
    for name in reversed(NAMES):
        await create(calls, name)
    order = {"path": {"attribute": "userName"}, "descending": descending}
    expected = sorted(NAMES, reverse=descending)
    forth, token = [], ""
    while True:
        answer = await page(calls, order_by=order, page_token=token)
        forth.append(names(answer))
        if not answer.next_page_token:
            break
        token = answer.next_page_token
    assert [name for part in forth for name in part] == expected
    back = [forth[-1]]
    while answer.previous_page_token:
        answer = await page(calls, order_by=order, page_token=answer.previous_page_token)
        back.append(names(answer))
    assert back == forth[::-1]


async def test_a_walk_by_token_neither_skips_nor_repeats_who_was_there(calls: Calls) -> None:
    ids = {name: await create(calls, name) for name in NAMES}
    first = await page(calls)
    for name in (NAMES[0], NAMES[2], NAMES[5]):
        await calls(DeleteUserRequest(id=ids[name]))
    await create(calls, "a-newcomer")
    seen, answer = names(first), first
    while answer.next_page_token:
        answer = await page(calls, page_token=answer.next_page_token)
        seen += names(answer)
    assert len(seen) == len(set(seen))
    assert set(NAMES) - {NAMES[5]} <= set(seen)


async def test_counts_follow_what_comes_and_goes(
    calls: Calls, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    ids = [await create(calls, name) for name in NAMES]
    for identifier in ids[::2]:
        await calls(DeleteUserRequest(id=identifier))
    assert (await page(calls)).total_size == len(NAMES) // 2
    counted = await database.fetchval(
        "SELECT sum(resources) FROM resource_counts WHERE resource_type = 'User'"
    )
    assert counted == await database.fetchval("SELECT count(*) FROM resources")
