"""Limits on guessing passwords."""

from __future__ import annotations

import pytest

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.rpc.attempts import LIMIT, MAX_KEYS, PAIR_LIMIT, WINDOW, Attempts


class Clock:
    """Seconds, as the test says."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


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
    clock.now += WINDOW - 0.5
    with pytest.raises(DomainError) as refused:
        attempts.begin("idp", "1.1.1.1")
    assert refused.value.retry_after == 1
    clock.now += 0.5
    assert not is_limited(attempts, "idp", "1.1.1.1")


def test_a_refused_attempt_is_not_counted(attempts: Attempts) -> None:
    for _ in range(5 * LIMIT):
        is_limited(attempts, "idp", "1.1.1.1")
    assert not any(is_limited(attempts, "idp", f"client {n}") for n in range(LIMIT - PAIR_LIMIT))


def test_right_passwords_are_not_counted(attempts: Attempts) -> None:
    for _ in range(5 * LIMIT):
        attempts.begin("idp", "1.1.1.1")
        attempts.take_back("idp", "1.1.1.1")
    assert not attempts._counts


@pytest.mark.parametrize(
    "other", [("ab", "c"), ("a\0b", "c"), ("", "abc"), ("c", "ab"), ("A", "bc")]
)
def test_no_two_pairs_are_counted_as_one(attempts: Attempts, other: tuple[str, str]) -> None:
    for _ in range(PAIR_LIMIT):
        attempts.begin("a", "bc")
    assert not is_limited(attempts, *other)


def test_memory_is_bounded(attempts: Attempts) -> None:
    for number in range(MAX_KEYS):
        attempts.begin(f"{number}" * 100, f"client {number}")
    assert len(attempts._counts) == MAX_KEYS
