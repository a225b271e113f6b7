"""Removing what has ended of the authorization server's, a few rows at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection

BATCH: Final = 500
"""How many rows of a table one transaction removes."""

_LOCK: Final = 0x726F6C6C_6F617574
"""The advisory lock of whoever removes."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """Rows of a table with an `expire_time` that have ended for as long as they are `kept`; `key`
    is the rest of their key, `condition` says which of them are meant."""

    table: str
    key: str = "hash"
    kept: str = "0"
    condition: str = "true"

    @property
    def where(self) -> str:
        return (
            f"t.tenant_id = $1 AND t.expire_time < now() - interval '{self.kept}' "
            f"AND {self.condition}"
        )


_KINDS: Final = (
    # Their second use ends the grant: a code's for a day, a refresh token's for as long as the
    # token would have been valid.
    _Ended("oauth_codes", kept="1 day"),
    _Ended("oauth_refresh_tokens"),
    # They are remembered for as long as they are valid (RFC 7523 §3), leeway included.
    _Ended("oauth_assertions", key="client_id, hash"),
    _Ended("sign_ins"),
    _Ended("pending_sign_ins"),
    # Not one condition for both: each kind has an index.
    _Ended("credentials", key="id", condition="t.kind = 'oauth'"),
    _Ended("credentials", key="id", condition="t.kind = 'workload'"),
    _Ended(
        "oauth_grants",
        key="id",
        kept="30 days",
        # Those of a revoked one go by themselves: removed with it they could be thousands.
        condition="""
            NOT EXISTS (
                SELECT FROM oauth_refresh_tokens AS r
                WHERE r.tenant_id = t.tenant_id AND r.grant_id = t.id
            )
            AND NOT EXISTS (
                SELECT FROM oauth_codes AS c
                WHERE c.tenant_id = t.tenant_id AND c.grant_id = t.id
            )
        """,
    ),
)

_ANYTHING: Final = " OR ".join(
    f"EXISTS (SELECT FROM {kind.table} AS t WHERE {kind.where})" for kind in _KINDS
)


async def is_needed(connection: Connection, tenant_id: UUID) -> bool:
    """Whether a tenant has anything to remove."""
    return bool(await connection.fetchval(f"SELECT {_ANYTHING}", tenant_id))


async def take_turn(connection: Connection) -> bool:
    """Whether nobody else removes anything until the transaction ends."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK))


async def remove_some(connection: Connection, tenant_id: UUID) -> int:
    """Remove up to a batch from each table. Returns how many rows went; what others hold stays for
    the next time."""
    removed = 0
    for kind in _KINDS:
        status = await connection.execute(
            f"""
            -- Read once: as a subquery of the DELETE it may be run again, with other rows.
            WITH ended AS MATERIALIZED (
                SELECT {kind.key} FROM {kind.table} AS t WHERE {kind.where}
                ORDER BY t.expire_time LIMIT {BATCH} FOR UPDATE SKIP LOCKED
            )
            DELETE FROM {kind.table}
            WHERE tenant_id = $1 AND ({kind.key}) IN (SELECT {kind.key} FROM ended)
            """,
            tenant_id,
        )
        removed += int(status.rsplit(" ", 1)[1])
    return removed
