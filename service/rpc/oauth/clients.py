"""Methods of OAuthService for administrators: the clients of the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook.v1 import oauth_service_pb2
from service.directory.oauth import clients as use_cases
from service.domain.oauth.client_rules import checked_client
from service.domain.token_rules import check_not_wider
from service.rpc.id_pages import IdPage
from service.rpc.withdrawal import withdraw
from service.storage.oauth import clients as oauth_clients

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.epoch import Epoch
    from service.rpc.calls import Answer, Call
    from service.storage.database import Database


class OAuthClientMethods:
    """Registers, reads, lists and removes clients."""

    def __init__(
        self, database: Database, epoch: Epoch, page_key: bytes, *, plain_http: bool
    ) -> None:
        self._plain_http = plain_http
        self._database = database
        self._epoch = epoch
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "CreateOAuthClient": self.create,
            "GetOAuthClient": self.get,
            "ListOAuthClients": self.list,
            "DeleteOAuthClient": self.delete,
        }

    async def create(self, request: Any, call: Call) -> bytes:
        """A new client, of no wider scope than the caller's own."""
        new = checked_client(request, plain_http=self._plain_http)
        check_not_wider(new.scopes, call.caller.scopes)
        client, secret = await self._database.transaction(
            call.tenant_id,
            lambda connection: use_cases.create(
                connection, call.author, new, request.client.connection_id
            ),
        )
        return oauth_service_pb2.CreateOAuthClientResponse(
            client=client.message(), secret=secret
        ).SerializeToString()

    async def get(self, request: Any, call: Call) -> bytes:
        """One client."""
        async with self._database.connection(call.tenant_id) as connection:
            client = await use_cases.existing(connection, call.tenant_id, request.id)
        return oauth_service_pb2.GetOAuthClientResponse(client=client.message()).SerializeToString()

    async def list(self, request: Any, call: Call) -> bytes:
        """One page of clients."""
        page = IdPage.of(request, call, self._page_key)
        async with self._database.connection(call.tenant_id) as connection:
            found = await oauth_clients.page(
                connection, call.tenant_id, before=page.before, limit=page.limit
            )
        clients, next_page_token = page.cut(found)
        return oauth_service_pb2.ListOAuthClientsResponse(
            clients=[client.message() for client in clients], next_page_token=next_page_token
        ).SerializeToString()

    async def delete(self, request: Any, call: Call) -> bytes:
        """A client less, whose tokens nobody on this machine believes in when this returns."""
        await withdraw(
            self._database,
            self._epoch,
            call.tenant_id,
            lambda connection: use_cases.delete(connection, call.author, request.id),
        )
        return b""
