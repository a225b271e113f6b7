"""Page tokens: only ours are taken, and only for the list they were made for."""

from __future__ import annotations

import re
import time
from uuid import UUID

import pytest

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.domain.search import page_token
from service.domain.search.page_token import Position

KEY = b"k" * 32
LIST = page_token.digest(b"User", b"tenant")
PLACE = Position("ada", UUID(int=7))


@pytest.mark.parametrize("key", ["ada", "ﬆ\U0001f600", "3", "", None])
@pytest.mark.parametrize("backwards", [True, False])
def test_a_token_leads_back_to_its_place(
    key: str | None,
    backwards: bool,
) -> None:
    place = Position(key, UUID(int=9), backwards)
    token = page_token.encode(place, LIST, 10, KEY)
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", token)
    assert page_token.decode(token, LIST, 10, KEY) == place


def reason_of(token: str, list_digest: str = LIST, size: int = 10, key: bytes = KEY) -> int:
    with pytest.raises(DomainError) as refused:
        page_token.decode(token, list_digest, size, key)
    return refused.value.reason


def test_every_changed_letter_is_noticed() -> None:
    token = page_token.encode(PLACE, LIST, 10, KEY)
    for index, letter in enumerate(token[:-1]):
        other = "A" if letter != "A" else "B"
        forged = token[:index] + other + token[index + 1 :]
        assert reason_of(forged) == ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN


@pytest.mark.parametrize("token", ["x", "forged-cursor", "=", "é", "A" * 9_000, "A" * 22])
def test_a_token_that_is_none(token: str) -> None:
    assert reason_of(token) == ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN


def test_a_token_of_another_list_another_key_or_another_size() -> None:
    token = page_token.encode(PLACE, LIST, 10, KEY)
    other = page_token.digest(b"Group", b"tenant")
    assert reason_of(token, list_digest=other) == ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN
    assert reason_of(token, key=b"o" * 32) == ErrorReason.ERROR_REASON_INVALID_PAGE_TOKEN
    assert reason_of(token, size=11) == ErrorReason.ERROR_REASON_INVALID_PAGE_SIZE


def test_an_old_token_has_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    token = page_token.encode(PLACE, LIST, 10, KEY)
    late = time.time() + page_token.LIFETIME + 2
    monkeypatch.setattr(time, "time", lambda: late)
    assert reason_of(token) == ErrorReason.ERROR_REASON_EXPIRED_PAGE_TOKEN


def test_the_digest_tells_its_parts_apart() -> None:
    assert page_token.digest(b"ab", b"c") != page_token.digest(b"a", b"bc")
