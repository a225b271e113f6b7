"""Finding a client by the name that it goes by, before the tenant of a request is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.storage import oauth_clients

if TYPE_CHECKING:
    from service.domain.oauth.clients import Client
    from service.rpc.calls import Call
    from service.storage.database import Database


class ClientLookup:
    """Finds clients of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, client_id: str, call: Call) -> Client | None:  # noqa: ARG002
        """The client, if there is one and the address of the request does not name another
        tenant than the client's."""
        if not client_id.isascii() or not client_id.isprintable():
            return None
        async with self._database.across_tenants() as connection:
            tenant_id = await oauth_clients.tenant_of(connection, client_id)
        if tenant_id is None:
            return None
        async with self._database.connection(tenant_id) as connection:
            return await oauth_clients.get(connection, tenant_id, client_id)
