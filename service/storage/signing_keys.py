"""Random keys that sign what clients hand back; every worker and replica shares them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.storage.database import Connection


async def get(connection: Connection, purpose: str) -> bytes:
    """The key for a purpose, made when it is asked for the first time: 32 bytes."""
    await connection.execute(
        "INSERT INTO signing_keys (purpose, key) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        purpose,
        secrets.token_bytes(32),
    )
    key: bytes = await connection.fetchval(
        "SELECT key FROM signing_keys WHERE purpose = $1", purpose
    )
    return key
