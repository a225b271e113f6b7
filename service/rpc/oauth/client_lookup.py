"""Finding a client by the name that it goes by, before the tenant of a request is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.domain.oauth import parameters as rules
from service.domain.oauth.authorization import read_authorization
from service.storage.oauth import clients as oauth_clients

if TYPE_CHECKING:
    from service.domain.connections import ScimConnection
    from service.domain.oauth.authorization import Authorization
    from service.domain.oauth.clients import Client
    from service.rpc.calls import Call
    from service.rpc.gate.rate_limits import Rate
    from service.rpc.gate.tenancy import Tenancy
    from service.rpc.gate.tenant_connections import TenantConnections
    from service.storage.database import Database


class ClientLookup:
    """Finds clients of all tenants."""

    def __init__(
        self, database: Database, tenancy: Tenancy, connections: TenantConnections
    ) -> None:
        self._database = database
        self._tenancy = tenancy
        self._connections = connections

    async def find(self, client_id: str, call: Call) -> Client | None:
        """The client, if there is one, the address of the request does not name another tenant
        than the client's, and that is not suspended."""
        if not client_id.isascii() or not client_id.isprintable():
            return None
        async with self._database.across_tenants() as connection:
            tenant_id = await oauth_clients.tenant_of(connection, client_id)
        if tenant_id is None or not await self._tenancy.serves(tenant_id, call.metadata):
            return None
        async with self._database.connection(tenant_id) as connection:
            return await oauth_clients.get(connection, tenant_id, client_id)

    async def rate_of(self, client: Client) -> Rate | None:
        """How often the client's tenant may call, where it has a limit of its own."""
        return await self._tenancy.rate_of(client.tenant_id)

    async def connection_of(self, client: Client) -> ScimConnection:
        """The SCIM connection that a client is for. Raises SCIM_DISABLED when it has just been
        deleted, and the client with it."""
        connections = await self._connections.of(client.tenant_id)
        return connections.used_by(client.connection_id)

    async def authorization(self, asked: Any, call: Call) -> Authorization:
        """What a client asks for with an OAuthAuthorizationRequest. Raises OAuthError,
        RedirectedError."""
        parameters = rules.read((one.name, one.value) for one in asked.parameters)
        client = await self.find(parameters.get("client_id"), call)
        connection = await self.connection_of(client) if client else None
        return read_authorization(client, connection, parameters, asked.issuer)
