"""Of the passwords that operations set one after the other, one is hashed: the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rollbook.v1.user_pb2 import User
from service.rpc.gate.password_hashing import hash_password

if TYPE_CHECKING:
    from service.passwords import PasswordHasher


class _Hasher:
    """Counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def hash(self, password: str) -> str:
        self.asked.append(password)
        return f"hash of {password}"


async def _hashed(*passwords: str | None) -> tuple[list[str], list[str]]:
    users = [User(password=password) for password in passwords]
    hasher = _Hasher()
    await hash_password(cast("PasswordHasher", hasher), users)
    return [user.password for user in users], hasher.asked


async def test_no_password_is_left_in_clear() -> None:
    passwords, asked = await _hashed("a", None, "b", "")
    assert passwords == ["hash of b", "", "hash of b", ""]
    assert asked == ["b"]


async def test_nothing_is_hashed_where_there_is_no_password() -> None:
    assert await _hashed(None, "") == (["", ""], [])
