"""Limits on guessing passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.rpc.gate.attempts import COUNTERS, LIMIT, PAIR_LIMIT, WINDOW, WORDS, Attempts
from service.shared_memory import SharedWords

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clock:
    """Milliseconds, as the test says."""

    now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[SharedWords]:
    memory = SharedWords.shared(tmp_path, "attempts", WORDS)
    yield memory
    memory.close()


@pytest.fixture
def attempts(memory: SharedWords, clock: Clock) -> Attempts:
    return Attempts(memory, "log-in", clock)


def is_limited(attempts: Attempts, user_name: str, client: str) -> bool:
    try:
        attempts.begin(user_name, client)
    except DomainError as error:
        return error.reason == ErrorReason.ERROR_REASON_RATE_LIMITED
    return False


def test_one_client_may_be_wrong_some_times_for_one_name(attempts: Attempts) -> None:
    assert not any(is_limited(attempts, "idp", "1.1.1.1") for _ in range(PAIR_LIMIT))
    assert is_limited(attempts, "idp", "1.1.1.1")
    assert not is_limited(attempts, "idp", "2.2.2.2")
    assert not is_limited(attempts, "other", "1.1.1.1")


def test_one_client_may_be_wrong_more_often_for_many_names(attempts: Attempts) -> None:
    assert not any(is_limited(attempts, f"u{n}", "1.1.1.1") for n in range(LIMIT))
    assert is_limited(attempts, "new", "1.1.1.1")
    assert not is_limited(attempts, "new", "2.2.2.2")


def test_many_clients_may_be_wrong_more_often_for_one_name(attempts: Attempts) -> None:
    assert not any(is_limited(attempts, "idp", f"client {n}") for n in range(LIMIT))
    assert is_limited(attempts, "idp", "new")
    assert not is_limited(attempts, "other", "new")


def test_time_heals(attempts: Attempts, clock: Clock) -> None:
    for _ in range(PAIR_LIMIT):
        attempts.begin("idp", "1.1.1.1")
    with pytest.raises(DomainError) as refused:
        attempts.begin("idp", "1.1.1.1")
    assert refused.value.retry_after == WINDOW
    clock.now += WINDOW * 1_000 - 500
    with pytest.raises(DomainError) as refused:
        attempts.begin("idp", "1.1.1.1")
    assert refused.value.retry_after == 1
    clock.now += 500
    assert not is_limited(attempts, "idp", "1.1.1.1")


def test_a_refused_attempt_is_not_counted(attempts: Attempts) -> None:
    for _ in range(5 * LIMIT):
        is_limited(attempts, "idp", "1.1.1.1")
    assert not any(is_limited(attempts, "idp", f"client {n}") for n in range(LIMIT - PAIR_LIMIT))


def test_right_passwords_are_not_counted(attempts: Attempts) -> None:
    for _ in range(5 * LIMIT):
        attempts.begin("idp", "1.1.1.1")
        attempts.take_back("idp", "1.1.1.1")
    assert not any(is_limited(attempts, "idp", "1.1.1.1") for _ in range(PAIR_LIMIT))


def test_a_right_password_makes_up_for_none_of_the_wrong_ones(attempts: Attempts) -> None:
    for _ in range(PAIR_LIMIT - 1):
        attempts.begin("idp", "1.1.1.1")
    attempts.begin("idp", "1.1.1.1")
    attempts.take_back("idp", "1.1.1.1")
    assert not is_limited(attempts, "idp", "1.1.1.1")
    assert is_limited(attempts, "idp", "1.1.1.1")


def test_processes_count_together(attempts: Attempts, tmp_path: Path, clock: Clock) -> None:
    memory = SharedWords.shared(tmp_path, "attempts", WORDS)
    other = Attempts(memory, "log-in", clock)
    for _ in range(PAIR_LIMIT // 2):
        attempts.begin("idp", "1.1.1.1")
        other.begin("idp", "1.1.1.1")
    assert is_limited(attempts, "idp", "1.1.1.1")
    assert is_limited(other, "idp", "1.1.1.1")
    other.take_back("idp", "1.1.1.1")
    assert not is_limited(attempts, "idp", "1.1.1.1")
    memory.close()


def test_purposes_are_counted_by_themselves(
    attempts: Attempts, memory: SharedWords, clock: Clock
) -> None:
    for _ in range(PAIR_LIMIT):
        attempts.begin("idp", "1.1.1.1")
    assert not is_limited(Attempts(memory, "Basic", clock), "idp", "1.1.1.1")


def test_an_end_of_a_clock_that_began_anew_is_none(attempts: Attempts, clock: Clock) -> None:
    clock.now += 10**9
    for _ in range(PAIR_LIMIT):
        attempts.begin("idp", "1.1.1.1")
    clock.now -= 10**9
    assert not is_limited(attempts, "idp", "1.1.1.1")


@pytest.mark.parametrize(
    "other", [("ab", "c"), ("a\0b", "c"), ("", "abc"), ("c", "ab"), ("A", "bc")]
)
def test_no_two_pairs_are_counted_as_one(attempts: Attempts, other: tuple[str, str]) -> None:
    for _ in range(PAIR_LIMIT):
        attempts.begin("a", "bc")
    assert not is_limited(attempts, *other)


def test_more_names_than_there_is_room_for_do_not_make_who_is_limited_forgotten(
    attempts: Attempts,
) -> None:
    for _ in range(PAIR_LIMIT):
        attempts.begin("idp", "1.1.1.1")
    for number in range(COUNTERS):
        attempts.begin(f"{number}", "")
    assert is_limited(attempts, "idp", "1.1.1.1")
    assert not is_limited(attempts, "new", "2.2.2.2")
