"""Hashes in the place of passwords, made before a transaction holds any lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.passwords import PasswordHasher


async def hash_password(hasher: PasswordHasher, values: Iterable[Any]) -> None:
    """Put a hash in the place of the password of one user.

    `values` are what operations set one after the other. Only the last password stays, so it
    alone is hashed: a patch with a thousand of them costs what one costs. Raises INVALID_VALUE
    and UNAVAILABLE.
    """
    users = [user for user in values if user.password]
    if not users:
        return
    hashed = await hasher.hash(users[-1].password)
    for user in users:
        user.password = hashed
