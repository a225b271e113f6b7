"""Methods of IssuerService."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook.v1 import issuer_service_pb2
from service.directory import issuers as use_cases
from service.directory.paging import page_size_of
from service.domain import page_token
from service.domain.issuer_rules import checked_issuer
from service.domain.page_token import Position
from service.storage import issuers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.epoch import Epoch
    from service.rpc.calls import Answer, Call
    from service.storage.database import Database


class IssuerMethods:
    """Says whose tokens are credentials. `plain_http` tells whether URLs may be http."""

    def __init__(
        self, database: Database, epoch: Epoch, page_key: bytes, *, plain_http: bool
    ) -> None:
        self._database = database
        self._epoch = epoch
        self._page_key = page_key
        self._plain_http = plain_http

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "CreateIssuer": self.create,
            "ListIssuers": self.list,
            "DeleteIssuer": self.delete,
        }

    async def create(self, request: Any, call: Call) -> bytes:
        """An issuer that is trusted from now on."""
        checked = checked_issuer(
            request.issuer, call.tenant_id, call.caller.scopes, plain_http=self._plain_http
        )
        made = await self._database.transaction(
            call.tenant_id, lambda connection: use_cases.create(connection, call.author, checked)
        )
        return issuer_service_pb2.CreateIssuerResponse(issuer=made.message).SerializeToString()

    async def list(self, request: Any, call: Call) -> bytes:
        """One page of issuers."""
        size = max(1, page_size_of(request))
        digest = page_token.digest(call.method.encode(), call.tenant_id.bytes)
        before = None
        if request.page_token:
            before = page_token.decode(request.page_token, digest, size, self._page_key).id
        async with self._database.connection(call.tenant_id) as connection:
            found = await issuers.page(connection, call.tenant_id, before=before, limit=size + 1)
        response = issuer_service_pb2.ListIssuersResponse(
            issuers=[issuer.message for issuer in found[:size]]
        )
        if len(found) > size:
            last = Position(None, found[size - 1].id)
            response.next_page_token = page_token.encode(last, digest, size, self._page_key)
        return response.SerializeToString()

    async def delete(self, request: Any, call: Call) -> bytes:
        """An issuer less, whose tokens nobody on this machine believes when this returns."""
        try:
            await self._database.transaction(
                call.tenant_id,
                lambda connection: use_cases.delete(connection, call.author, request.id),
            )
        finally:
            # Whether a transaction was committed is not always known.
            self._epoch.advance()
        return b""
