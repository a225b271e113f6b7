"""Answers to requests that carried a request id, so that a repeated call is done once (AIP-155)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from uuid import UUID

    from service.storage.database import Connection

RETENTION: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What identifies a request: tenant, method, the caller's id, and a keyed hash of it all."""

    tenant_id: UUID
    method: str
    request_id: UUID
    fingerprint: bytes

    @property
    def lock(self) -> int:
        """The number of the advisory lock that calls with this id take in turn."""
        name = f"{self.tenant_id} {self.method} {self.request_id}"
        return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)


async def answer_to(connection: Connection, key: RequestKey) -> bytes | None:
    """The answer that the request got before; None when it is new.

    Waits for a call with the same id that runs, or both would do the work and one of them fail
    on what the other has done. The lock ends with the transaction.

    Raises REQUEST_ID_REUSED when another request had the id.
    """
    # A statement of its own: one that waits does not see what it has waited for.
    await connection.execute("SELECT pg_advisory_xact_lock($1)", key.lock)
    row = await connection.fetchrow(
        "SELECT fingerprint, response FROM requests "
        "WHERE tenant_id = $1 AND method = $2 AND request_id = $3 "
        "AND create_time > now() - $4::interval",
        key.tenant_id,
        key.method,
        key.request_id,
        RETENTION,
    )
    if row is None:
        return None
    if not compare_digest(row["fingerprint"], key.fingerprint):
        raise DomainError(
            ErrorReason.ERROR_REASON_REQUEST_ID_REUSED,
            f"The request id {key.request_id} was used for another request; make a new one.",
            field="request_id",
        )
    response: bytes = row["response"]
    return response


async def remember(connection: Connection, key: RequestKey, response: bytes) -> None:
    """Keep an answer, in the transaction that did the work and has found none before."""
    await connection.execute(
        """
        INSERT INTO requests (tenant_id, method, request_id, fingerprint, response)
        VALUES ($1, $2, $3, $4, $5)
        -- One that is past its retention and not forgotten yet.
        ON CONFLICT (tenant_id, method, request_id) DO UPDATE SET
            fingerprint = excluded.fingerprint,
            response = excluded.response,
            create_time = now()
        """,
        key.tenant_id,
        key.method,
        key.request_id,
        key.fingerprint,
        response,
    )


async def forget_old(connection: Connection) -> int:
    """Delete the answers that are past their retention. Returns how many there were."""
    status = await connection.execute(
        "DELETE FROM requests WHERE create_time <= now() - $1::interval", RETENTION
    )
    return int(status.rsplit(" ", 1)[1])
