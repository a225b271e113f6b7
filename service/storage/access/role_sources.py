"""What becomes of everything that one source has said about roles.

Nobody's message changes by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection


async def hand_over(connection: Connection, tenant_id: UUID, source: str, to: str) -> None:
    """Let another source have said it; what that one says already stays as it says it."""
    await connection.execute(
        """
        DELETE FROM role_assignments AS a
        WHERE a.tenant_id = $1 AND a.source = $2 AND EXISTS (
            SELECT FROM role_assignments AS o
            WHERE o.tenant_id = $1 AND o.principal_id = a.principal_id
            AND o.type_key = a.type_key AND o.value_key = a.value_key AND o.source = $3
            AND (o.expire_time IS NULL OR o.expire_time >= a.expire_time)
        )
        """,
        tenant_id,
        source,
        to,
    )
    # What the other says of these ends earlier.
    await connection.execute(
        """
        DELETE FROM role_assignments AS o
        USING role_assignments AS a
        WHERE a.tenant_id = $1 AND a.source = $2
        AND o.tenant_id = $1 AND o.principal_id = a.principal_id
        AND o.type_key = a.type_key AND o.value_key = a.value_key AND o.source = $3
        """,
        tenant_id,
        source,
        to,
    )
    await connection.execute(
        "UPDATE role_assignments SET source = $3 WHERE tenant_id = $1 AND source = $2",
        tenant_id,
        source,
        to,
    )


async def end(connection: Connection, tenant_id: UUID, source: str) -> None:
    """Let what it says have ended by now. It is removed as all that has expired, from the messages
    of its principals too."""
    await connection.execute(
        """
        UPDATE role_assignments SET expire_time = now()
        WHERE tenant_id = $1 AND source = $2 AND (expire_time IS NULL OR expire_time > now())
        """,
        tenant_id,
        source,
    )
