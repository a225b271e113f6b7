"""Methods of OAuthService for administrators: what clients were given by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook.attributes import USER
from rollbook.v1 import oauth_service_pb2
from service.directory.oauth import clients as oauth_clients
from service.directory.oauth import grants as use_cases
from service.directory.reading import identifier_of
from service.rpc.id_pages import IdPage
from service.rpc.withdrawal import withdraw
from service.storage.oauth import grants as oauth_grants

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.epoch import Epoch
    from service.rpc.calls import Answer, Call
    from service.storage.database import Database


class OAuthGrantMethods:
    """Lists grants and takes them back."""

    def __init__(self, database: Database, epoch: Epoch, page_key: bytes) -> None:
        self._database = database
        self._epoch = epoch
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {"ListOAuthGrants": self.list, "RevokeOAuthGrant": self.revoke}

    async def list(self, request: Any, call: Call) -> bytes:
        """One page of grants."""
        principal_id = identifier_of(USER, request.principal_id) if request.principal_id else None
        page = IdPage.of(
            request,
            call,
            self._page_key,
            request.client_id.encode(),
            principal_id.bytes if principal_id else b"",
            bytes([request.show_ended]),
        )
        async with self._database.connection(call.tenant_id) as connection:
            client_id = None
            if request.client_id:
                client = await oauth_clients.existing(connection, call.tenant_id, request.client_id)
                client_id = client.id
            found = await oauth_grants.page(
                connection,
                call.tenant_id,
                client_id=client_id,
                principal_id=principal_id,
                before=page.before,
                with_ended=request.show_ended,
                limit=page.limit,
            )
        grants, next_page_token = page.cut(found)
        return oauth_service_pb2.ListOAuthGrantsResponse(
            grants=[grant.message for grant in grants], next_page_token=next_page_token
        ).SerializeToString()

    async def revoke(self, request: Any, call: Call) -> bytes:
        """A grant less, whose tokens nobody on this machine believes in when this returns."""
        await withdraw(
            self._database,
            self._epoch,
            call.tenant_id,
            lambda connection: use_cases.revoke(connection, call.author, request.id),
        )
        return b""
