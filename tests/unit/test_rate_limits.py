"""Buckets of calls: how they fill, and whose they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.rpc.gate.rate_limits import BUCKETS, WORDS, Rate, RateLimits
from service.shared_memory import SharedWords

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECOND = 1_000_000_000
TENANT = UUID(int=7)
NO_LIMIT = Rate(0, 1)


class Clock:
    now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[SharedWords]:
    memory = SharedWords.shared(tmp_path, "rates", WORDS)
    yield memory
    memory.close()


@pytest.fixture
def held() -> Iterator[list[RateLimits]]:
    """What has to let go of the memory before it is closed."""
    made: list[RateLimits] = []
    yield made
    for one in made:
        one._words.release()


def limits(
    held: list[RateLimits], memory: SharedWords, clock: Clock, credential: Rate, tenant: Rate
) -> RateLimits:
    held.append(RateLimits(memory, credential, tenant, clock))
    return held[-1]


def admitted(limits: RateLimits, credential: UUID, calls: int, tenant: UUID = TENANT) -> int:
    """How many of so many calls at once are let in."""
    refusals = []
    for _ in range(calls):
        try:
            limits.count(tenant, credential)
        except DomainError as error:
            refusals.append((error.reason, (error.retry_after or 0) >= 1))
    assert set(refusals) <= {(ErrorReason.ERROR_REASON_RATE_LIMITED, True)}
    return calls - len(refusals)


@pytest.fixture
def few(memory: SharedWords, held: list[RateLimits], clock: Clock) -> RateLimits:
    return limits(held, memory, clock, Rate(10, 20), NO_LIMIT)


def test_a_burst_is_let_in_and_then_the_rate(few: RateLimits, clock: Clock) -> None:
    one = uuid4()
    assert admitted(few, one, 50) == 20
    for _ in range(5):
        clock.now += SECOND
        assert admitted(few, one, 50) == 10
    clock.now += SECOND // 10
    assert admitted(few, one, 50) == 1
    clock.now += 100 * SECOND
    assert admitted(few, one, 50) == 20


def test_one_does_not_use_up_anothers(few: RateLimits) -> None:
    assert admitted(few, uuid4(), 50) == 20
    assert admitted(few, uuid4(), 50) == 20


def test_a_tenants_credentials_share_its_bucket(
    memory: SharedWords, held: list[RateLimits], clock: Clock
) -> None:
    both = limits(held, memory, clock, Rate(10, 20), Rate(10, 30))
    assert [admitted(both, uuid4(), 50) for _ in range(3)] == [20, 10, 0]
    assert admitted(both, uuid4(), 50, UUID(int=8)) == 20


def test_nobodys_calls_are_counted_by_address(few: RateLimits) -> None:
    for address in ("192.0.2.1", "2001:db8::/64"):
        for _ in range(20):
            few.count_client(address)
        with pytest.raises(DomainError):
            few.count_client(address)


def test_workers_count_together(memory: SharedWords, held: list[RateLimits], clock: Clock) -> None:
    workers = [limits(held, memory, clock, Rate(10, 20), NO_LIMIT) for _ in range(2)]
    one = uuid4()
    assert [admitted(worker, one, 15) for worker in workers] == [15, 5]


def test_no_limit_is_none(memory: SharedWords, held: list[RateLimits], clock: Clock) -> None:
    assert admitted(limits(held, memory, clock, NO_LIMIT, NO_LIMIT), uuid4(), 1_000) == 1_000


def test_those_with_one_place_are_told_apart(few: RateLimits) -> None:
    """And when there is no place left, calls are let in rather than counted as another's."""
    crowd = [UUID(int=(number * BUCKETS + 5) ^ TENANT.int) for number in range(1, 9)]
    assert [admitted(few, one, 30) for one in crowd] == [20] * 4 + [30] * 4
    assert [admitted(few, one, 30) for one in crowd[:4]] == [0] * 4


def test_a_place_is_given_on_when_its_bucket_is_full_again(few: RateLimits, clock: Clock) -> None:
    crowd = [UUID(int=(number * BUCKETS + BUCKETS - 1) ^ TENANT.int) for number in range(1, 9)]
    for one in crowd:
        assert admitted(few, one, 30) == 20
        clock.now += 2 * SECOND


def test_a_clock_that_has_begun_anew_locks_nobody_out(few: RateLimits, clock: Clock) -> None:
    one = uuid4()
    admitted(few, one, 50)
    clock.now = 5 * SECOND
    assert admitted(few, one, 50) == 20


@pytest.mark.parametrize("rate", [Rate(1, 1), Rate(1, 3), Rate(1_000_000, 10_000_000)])
def test_who_waits_as_told_is_let_in(
    rate: Rate, memory: SharedWords, held: list[RateLimits], clock: Clock
) -> None:
    some = limits(held, memory, clock, rate, NO_LIMIT)
    one = uuid4()
    for _ in range(min(rate.burst, 5)):
        some.count(TENANT, one)
    if rate.burst > 5:
        return
    with pytest.raises(DomainError) as caught:
        some.count(TENANT, one)
    clock.now += math.ceil(caught.value.retry_after or 0) * SECOND
    some.count(TENANT, one)
