"""Hashing of passwords: bounded, and of the same cost for those who are not there."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.passwords import MAX_WAITING, PasswordHasher

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    hasher = PasswordHasher()
    yield hasher
    hasher.close()


async def test_the_right_password_is_told_from_others(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("corréct")
    assert await hasher.verify(stored, "corre\u0301ct")
    assert not await hasher.verify(stored, "correct")
    assert not await hasher.verify(None, "nobody has this password")
    assert not await hasher.verify("no hash", "correct")


async def test_who_is_not_there_is_looked_for_as_long(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    verify = hasher._argon2.verify

    def counting(stored: str, password: str) -> bool:
        checked.append(stored.rpartition("$")[0].rpartition("$")[0])
        return verify(stored, password)

    monkeypatch.setattr(hasher, "_argon2", type("Counting", (), {"verify": staticmethod(counting)}))
    real = hasher._nobody
    assert not await hasher.verify(real, "x")
    assert not await hasher.verify(None, "x")
    assert checked[0] == checked[1]


async def test_too_many_are_told_to_come_back(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(hasher, "_verify", lambda *_: gate.wait(10))
    waiting = [asyncio.ensure_future(hasher.verify("x", "y")) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    for refused in (hasher.verify("x", "y"), hasher.hash("y")):
        with pytest.raises(DomainError) as error:
            await refused
        assert error.value.reason == ErrorReason.ERROR_REASON_UNAVAILABLE
    gate.set()
    assert all(await asyncio.gather(*waiting))
    assert await hasher.verify("x", "y")


async def test_who_gives_up_makes_room(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(hasher, "_verify", lambda *_: gate.wait(10))
    waiting = [asyncio.ensure_future(hasher.verify("x", "y")) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    gate.set()
    assert await hasher.verify("x", "y")
