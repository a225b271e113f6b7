"""The client against a service in memory, over real gRPC."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from rollbook import errors
from rollbook.client import (
    ENTERPRISE,
    RollbookClient,
    add,
    ascending,
    descending,
    remove,
    replace,
    where,
)
from rollbook.v1.group_pb2 import Group
from rollbook.v1.user_pb2 import Email, Name, User
from tests.harness.fake_service import Failure
from tests.harness.memory_service import TOKEN, MemoryService, running_memory_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

UNAVAILABLE = Failure(grpc.StatusCode.UNAVAILABLE, "DRAINING", "The service is shutting down.")


@pytest.fixture
async def service() -> AsyncIterator[MemoryService]:
    async with running_memory_service() as memory:
        yield memory


@pytest.fixture
async def rollbook(service: MemoryService) -> AsyncIterator[RollbookClient]:
    async with RollbookClient(service.address, token=TOKEN) as client:
        yield client


# Users


async def test_a_user_is_created_read_changed_and_deleted(rollbook: RollbookClient) -> None:
    created = await rollbook.users.create(User(user_name="ada", name=Name(given_name="Ada")))
    assert await rollbook.users.get(created.id) == created

    created.title = "CTO"
    updated = await rollbook.users.update(created, ["title"], etag=created.meta.etag)
    assert (updated.title, updated.name.given_name) == ("CTO", "Ada")

    await rollbook.users.delete(created.id)
    with pytest.raises(errors.NotFoundError):
        await rollbook.users.get(created.id)


@pytest.mark.parametrize(
    "key", [{"user_name": "ADA"}, {"external_id": "0042"}, {"email": "Ada@Acme.example"}]
)
async def test_a_user_is_looked_up_by_a_key(
    service: MemoryService, rollbook: RollbookClient, key: dict[str, Any]
) -> None:
    ada = service.add_user("ada", external_id="0042", emails=[Email(value="ada@acme.example")])
    assert await rollbook.users.lookup(**key) == ada


@pytest.mark.parametrize("keys", [{}, {"user_name": "ada", "email": "ada@acme.example"}])
async def test_a_lookup_wants_one_key(rollbook: RollbookClient, keys: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="user_name, external_id, email"):
        await rollbook.users.lookup(**keys)


async def test_a_batch_of_any_size_is_read_in_order(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    ids = [service.add_user(f"user{number}").id for number in range(1100)]
    found = await rollbook.users.batch_get([*ids, "nobody"])
    assert [user.id for user in found.users] == ids
    assert list(found.missing_ids) == ["nobody"]
    assert [len(call.request.ids) for call in service.asked("BatchGetUsers")] == [1000, 101]


async def test_deactivation_and_activation(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    ada = service.add_user("ada")
    assert not (await rollbook.users.deactivate(ada.id)).active
    assert (await rollbook.users.activate(ada.id)).active


async def test_a_patch_is_written_with_scim_names(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    ada = service.add_user(
        "ada",
        nick_name="A",
        emails=[Email(value="a@home.example", type="home"), Email(value="a@work.example")],
    )
    patched = await rollbook.users.patch(
        ada.id,
        [
            replace("displayName", "Ada Lovelace"),
            replace("name.familyName", "Lovelace"),
            replace("emails.value", "ada@home.example", where=where("type") == "home"),
            add("emails", Email(value="ada@acme.example", type="work", primary=True)),
            replace("department", "Research", schema=ENTERPRISE),
            remove("nickName"),
            remove("emails", [Email(value="a@work.example")]),
        ],
    )
    assert patched.display_name == "Ada Lovelace"
    assert patched.name.family_name == "Lovelace"
    assert patched.enterprise.department == "Research"
    assert not patched.HasField("nick_name")
    assert [email.value for email in patched.emails] == ["ada@home.example", "ada@acme.example"]


# Groups


async def test_a_group_and_its_members(service: MemoryService, rollbook: RollbookClient) -> None:
    ada, grace = service.add_user("ada"), service.add_user("grace")
    group = await rollbook.groups.create(Group(display_name="Engineering"))
    added = await rollbook.groups.add_members(group.id, [ada.id, grace.id, ada.id])
    assert added.added_count == 2

    members = [member.value async for member in rollbook.groups.list_members(group.id)]
    assert members == [ada.id, grace.id]
    groups = [one.display async for one in rollbook.groups.groups_of(ada.id)]
    assert groups == ["Engineering"]

    removed = await rollbook.groups.remove_members(group.id, [ada.id, "nobody"])
    assert removed.removed_count == 1
    renamed = await rollbook.groups.patch(group.id, [replace("displayName", "Research")])
    assert await rollbook.groups.lookup(display_name="research") == renamed


async def test_members_are_added_ten_thousand_at_a_time(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    ids = [service.add_user(f"user{number}").id for number in range(3)]
    group = service.add_group("Everyone")
    added = await rollbook.groups.add_members(group.id, ids * 7000)
    calls = service.asked("AddMembers")
    assert [len(call.request.member_ids) for call in calls] == [10_000, 10_000, 1_000]
    assert len({call.request.request_id for call in calls}) == 3
    assert added.added_count == 3


async def test_adding_nobody_still_finds_out_that_the_group_is_missing(
    rollbook: RollbookClient,
) -> None:
    with pytest.raises(errors.NotFoundError):
        await rollbook.groups.add_members("nothing", [])


# Lists


async def test_a_list_is_walked_over_all_pages(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    names = [service.add_user(f"user{number}").user_name for number in range(5)]
    listing = rollbook.users.list(page_size=2, read_mask=["user_name"])
    assert [user.user_name async for user in listing] == names
    assert [call.request.page_token for call in service.asked("ListUsers")] == ["", "2", "4"]
    assert service.calls[0].request.read_mask == FieldMask(paths=["user_name"])


async def test_pages_tell_the_total(service: MemoryService, rollbook: RollbookClient) -> None:
    for number in range(5):
        service.add_user(f"user{number}")
    listing = rollbook.users.list(page_size=3, include_total_size=True)
    pages = [page async for page in listing.pages()]
    assert [(len(page.users), page.total_size) for page in pages] == [(3, 5), (2, 5)]


async def test_what_is_skipped_is_skipped_once(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    for number in range(6):
        service.add_user(f"user{number}")
    _ = [user async for user in rollbook.users.list(page_size=2, skip=1)]
    assert [call.request.skip for call in service.asked("ListUsers")][:2] == [1, 0]


async def test_two_walks_of_one_listing_do_not_disturb_each_other(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    names = [service.add_user(f"user{number}").user_name for number in range(9)]
    listing = rollbook.users.list(page_size=2)

    async def walk() -> list[str]:
        return [user.user_name async for user in listing]

    walks = await asyncio.gather(*(walk() for _ in range(3)))
    assert walks == [names] * 3


async def test_lists_are_filtered_ordered_and_counted(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    for name, title in (("ada", "CTO"), ("grace", "Admiral"), ("joan", "CTO")):
        service.add_user(name, title=title)
    chiefs = where("title") == "cto"
    found = rollbook.users.list(filter=chiefs, order_by=descending("userName"))
    assert [user.user_name async for user in found] == ["joan", "ada"]
    assert await rollbook.users.count(chiefs) == 2
    assert await rollbook.users.count() == 3
    found = rollbook.users.list(order_by=ascending("title"))
    assert [user.title async for user in found] == ["Admiral", "CTO", "CTO"]


# Calls


async def test_every_write_has_a_request_id_of_its_own(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    for name in ("ada", "grace"):
        await rollbook.users.create(User(user_name=name))
    first, second = (call.request.request_id for call in service.calls)
    assert len(first) == len(second) == 36
    assert first != second


async def test_a_call_with_a_known_request_id_is_done_once(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    request_id = "5f0c1c5e-7d53-4b4f-9a55-6f6a3c2b1d10"
    first = await rollbook.users.create(User(user_name="ada"), request_id=request_id)
    again = await rollbook.users.create(User(user_name="ada"), request_id=request_id)
    assert first.id == again.id
    assert len(service.users.by_id) == 1


async def test_a_check_writes_nothing(service: MemoryService, rollbook: RollbookClient) -> None:
    user = await rollbook.users.create(User(user_name="ada"), validate_only=True)
    assert user.user_name == "ada"
    assert not service.users.by_id


@pytest.mark.parametrize(
    ("client_timeout", "call_timeout", "expected"), [(10, None, 10), (10, 2, 2), (3, None, 3)]
)
async def test_every_call_has_a_deadline(
    service: MemoryService, client_timeout: float, call_timeout: float | None, expected: float
) -> None:
    async with RollbookClient(service.address, token=TOKEN, timeout=client_timeout) as rollbook:
        await rollbook.users.count(timeout=call_timeout)
    assert service.calls[0].time_remaining == pytest.approx(expected, abs=0.9)


async def test_a_deadline_ends_the_call(service: MemoryService, rollbook: RollbookClient) -> None:
    service.delay = 5
    with pytest.raises(errors.DeadlineExceededError):
        await rollbook.users.get("anyone", timeout=0.05)


async def test_a_cancelled_call_is_cancelled(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    service.delay = 5
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(rollbook.users.get("anyone"), 0.05)


@pytest.mark.parametrize("method", ["CreateUser", "ListUsers"])
@pytest.mark.parametrize("failure", [UNAVAILABLE, Failure(grpc.StatusCode.CANCELLED)])
async def test_reads_and_writes_are_repeated_when_the_service_is_unavailable(
    service: MemoryService, rollbook: RollbookClient, method: str, failure: Failure
) -> None:
    service.failures[method] = [failure, failure]
    if method == "CreateUser":
        await rollbook.users.create(User(user_name="ada"))
        assert len({call.request.request_id for call in service.calls}) == 1
    else:
        await rollbook.users.count()
    assert len(service.asked(method)) == 3


async def test_a_large_write_is_repeated_too(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    group, user = service.add_group("Everyone"), service.add_user("ada")
    service.failures["AddMembers"] = [UNAVAILABLE]
    added = await rollbook.groups.add_members(group.id, [user.id] * 10_000)
    assert added.added_count == 1


async def test_attempts_end_after_a_few(service: MemoryService, rollbook: RollbookClient) -> None:
    service.failures["GetUser"] = [UNAVAILABLE] * 10
    with pytest.raises(errors.UnavailableError, match="shutting down"):
        await rollbook.users.get("anyone")
    assert len(service.asked("GetUser")) == 4


async def test_other_failures_are_not_repeated(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    service.failures["GetUser"] = [Failure(grpc.StatusCode.ABORTED, "CONFLICT", "Try again.")]
    with pytest.raises(errors.ConflictError):
        await rollbook.users.get("anyone")
    assert len(service.calls) == 1


async def test_health_needs_no_credentials(service: MemoryService) -> None:
    async with RollbookClient(service.address) as rollbook:
        assert await rollbook.health() == "SERVING"
        await service.health.enter_graceful_shutdown()
        assert await rollbook.health() == "NOT_SERVING"


async def test_a_group_larger_than_the_usual_message_is_read(
    service: MemoryService, rollbook: RollbookClient
) -> None:
    group = service.add_group("Everyone", *(f"{number:036}" for number in range(120_000)))
    found = await rollbook.groups.get(group.id)
    assert len(found.members) == 120_000
    assert found.ByteSize() > 4 * 1024 * 1024


# The client itself


async def test_a_client_that_was_closed_says_so(service: MemoryService) -> None:
    rollbook = RollbookClient(service.address, token=TOKEN)
    await rollbook.users.count()
    await rollbook.close()
    await rollbook.close()
    with pytest.raises(RuntimeError, match="closed"):
        await rollbook.users.count()


async def test_a_client_that_never_called_can_be_closed() -> None:
    await RollbookClient("127.0.0.1:1").close()


async def test_basic_credentials_are_sent(service: MemoryService) -> None:
    async with RollbookClient(service.address, basic=("ada", "sécret")) as rollbook:
        assert await rollbook.users.count() == 0


@pytest.mark.parametrize("token", ["", "two words", "line\n", "naïve", "\x7f"])
def test_a_token_that_cannot_be_sent_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(ValueError, match="token") as caught:
        RollbookClient("127.0.0.1:1", token=token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [{"token": "t", "basic": ("a", "b")}, {"basic": ("a:b", "c")}, {"timeout": 0}],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\."):
        RollbookClient("127.0.0.1:1", **arguments)
