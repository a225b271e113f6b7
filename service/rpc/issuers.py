"""Methods of IssuerService."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook.v1 import issuer_service_pb2
from service.directory import issuers as use_cases
from service.domain import etag
from service.domain.issuer_rules import checked_issuer, updated_issuer
from service.rpc.id_pages import IdPage
from service.rpc.withdrawal import withdraw
from service.storage import issuers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.epoch import Epoch
    from service.rpc.calls import Answer, Call
    from service.rpc.writes import Writes
    from service.storage.database import Connection, Database


class IssuerMethods:
    """Says whose tokens are credentials. `plain_http` tells whether URLs may be http."""

    def __init__(
        self, database: Database, writes: Writes, epoch: Epoch, page_key: bytes, *, plain_http: bool
    ) -> None:
        self._database = database
        self._writes = writes
        self._epoch = epoch
        self._page_key = page_key
        self._plain_http = plain_http

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "CreateIssuer": self.create,
            "ListIssuers": self.list,
            "UpdateIssuer": self.update,
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
        page = IdPage.of(request, call, self._page_key)
        async with self._database.connection(call.tenant_id) as connection:
            found = await issuers.page(
                connection, call.tenant_id, before=page.before, limit=page.limit
            )
        listed, next_page_token = page.cut(found)
        return issuer_service_pb2.ListIssuersResponse(
            issuers=[issuer.message for issuer in listed], next_page_token=next_page_token
        ).SerializeToString()

    async def update(self, request: Any, call: Call) -> bytes:
        """An issuer that is trusted otherwise, by every call that begins after this returns."""

        async def work(connection: Connection) -> bytes:
            before = await use_cases.held(connection, call.tenant_id, request.issuer.id)
            etag.require(request.etag, before.version)
            checked = updated_issuer(
                before.message,
                request.issuer,
                list(request.update_mask.paths),
                call.tenant_id,
                call.caller.scopes,
                plain_http=self._plain_http,
            )
            after = await use_cases.update(connection, call.author, before, checked)
            return issuer_service_pb2.UpdateIssuerResponse(issuer=after.message).SerializeToString()

        call.effects.credentials_ended = True
        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def delete(self, request: Any, call: Call) -> bytes:
        """An issuer less, whose tokens nobody on this machine believes when this returns."""
        await withdraw(
            self._database,
            self._epoch,
            call.tenant_id,
            lambda connection: use_cases.delete(connection, call.author, request.id),
        )
        return b""
