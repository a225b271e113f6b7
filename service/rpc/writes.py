"""Writes that may be repeated and tried out: request ids and `validate_only` (AIP-155, AIP-163).
Each answers with its revision.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any
from uuid import UUID

from service.domain.errors import invalid_value
from service.epoch import RIGHTS, Epoch
from service.storage import requests
from service.storage.database import transaction_of
from service.storage.requests import RequestKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from google.protobuf.message import Message

    from service.rpc.calls import Call
    from service.storage.database import Connection, Database

    Work = Callable[[Connection], Awaitable[bytes]]


class Writes:
    """Runs the work of a write in one transaction, once per request id, and has every worker
    notice before the answer when it withdrew rights."""

    def __init__(self, database: Database, key: bytes, epoch: Epoch) -> None:
        self._database = database
        self._key = key
        self._epoch = epoch

    def fingerprint(self, request: Message) -> bytes:
        """A keyed hash of a request, by which its repetition is known. Keyed, since requests
        may hold passwords. To be taken before the request is changed."""
        return hmac.digest(self._key, request.SerializeToString(deterministic=True), "sha256")

    async def run(self, call: Call, request: Any, fingerprint: bytes, work: Work) -> bytes:
        """The answer to a write: of this transaction, or of the one that did it before.

        Raises what the work raises; INVALID_VALUE, REQUEST_ID_REUSED for the request id.
        """
        try:
            return await self._run(call, request, fingerprint, work)
        finally:
            # Whether a transaction was committed is not always known.
            if call.effects.credentials_ended:
                self._epoch.advance()
            if call.effects.rights_changed:
                self._epoch.advance(RIGHTS)

    async def _run(self, call: Call, request: Any, fingerprint: bytes, work: Work) -> bytes:
        if not request.request_id:
            return await self._transaction(call, request, work)
        key = RequestKey(call.tenant_id, call.method, _uuid(request.request_id), fingerprint)

        async def once(connection: Connection) -> bytes:
            before = await requests.answer_to(connection, key)
            if before is not None:
                # Whoever did it may have had no time to tell the others.
                call.effects.credentials_ended = call.effects.rights_changed = True
                return before
            answer = await work(connection)
            await requests.remember(connection, key, answer)
            return answer

        return await self._transaction(call, request, once)

    async def _transaction(self, call: Call, request: Any, work: Work) -> bytes:
        effects = call.effects

        async def noted(connection: Connection) -> bytes:
            effects.transaction_id = None
            answer = await work(connection)
            if effects.transaction_id is None:
                effects.transaction_id = await transaction_of(connection)
            return answer

        answer = await self._database.transaction(
            call.tenant_id, noted, rollback=request.validate_only
        )
        if request.validate_only:
            effects.transaction_id = None
        return answer


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise invalid_value("request_id", "request_id must be a UUID.") from None
