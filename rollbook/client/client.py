"""The client as a whole: one connection and the calls by subject."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from rollbook.client.access import Access
from rollbook.client.basic_logins import BasicLogins
from rollbook.client.connection import DEFAULT_TIMEOUT, Connection, basic, bearer
from rollbook.client.directory import Directory
from rollbook.client.groups import Groups
from rollbook.client.issuers import Issuers
from rollbook.client.oauth import OAuthClients, OAuthGrants
from rollbook.client.passwords import Passwords
from rollbook.client.roles import Roles
from rollbook.client.schemas import Schemas
from rollbook.client.scim_connections import ScimConnections
from rollbook.client.service_accounts import ServiceAccounts
from rollbook.client.sign_in_providers import SignInProviders
from rollbook.client.tenants import Tenants
from rollbook.client.tokens import Tokens
from rollbook.client.users import Users
from rollbook.client.workloads import Workloads

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rollbook.client.channel import TLS


class RollbookClient:
    """A client of the identity service; one serves a whole process, its calls may run at once.

    `address` is host:port, `dns:///name:port` for several instances behind one name, or
    `unix:/path`. The credentials are a `token` or `basic=(user, password)`, which travel in the
    clear without `tls`, or the certificate of `tls` when there is neither. `timeout` is in seconds
    and for each call, all attempts included; every call takes its own as `timeout=`. Calls that
    find the service unavailable are repeated a few times, writes too, since each has a request id.
    `tenant`, a name or id, is the one to act in, for credentials with the scope "platform".

    Calls raise `rollbook.errors.RollbookError`; the constructor raises ValueError when the
    credentials cannot be sent.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        basic: tuple[str, str] | None = None,
        tls: TLS | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        tenant: str | None = None,
    ) -> None:
        self._connection = Connection(
            address,
            authorization=_authorization(token, basic),
            tls=tls,
            timeout=timeout,
            tenant=tenant,
        )
        self._in_another = partial(
            RollbookClient, address, token=token, basic=basic, tls=tls, timeout=timeout
        )
        self.users = Users(self._connection)
        self.groups = Groups(self._connection)
        self.directory = Directory(self._connection)
        self.service_accounts = ServiceAccounts(self._connection)
        self.schemas = Schemas(self._connection)
        self.roles = Roles(self._connection)
        self.access = Access(self._connection)
        self.tokens = Tokens(self._connection)
        self.basic_logins = BasicLogins(self._connection)
        self.passwords = Passwords(self._connection)
        self.workloads = Workloads(self._connection)
        self.connections = ScimConnections(self._connection)
        self.issuers = Issuers(self._connection)
        self.tenants = Tenants(self._connection)
        self.oauth_clients = OAuthClients(self._connection)
        self.oauth_grants = OAuthGrants(self._connection)
        self.sign_in_providers = SignInProviders(self._connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls under way are cancelled."""
        await self._connection.close()

    def acting_in(self, tenant: str) -> RollbookClient:
        """A client with the same credentials that acts in another tenant; to be closed too."""
        return self._in_another(tenant=tenant)

    @property
    def revision(self) -> str:
        """The revision of the write that was answered last; empty before the first. Give it to
        another client as `at_least_as_fresh`, and it sees that write."""
        return self._connection.revision

    async def health(self, *, timeout: float | None = None) -> str:
        """What the service says of itself: "SERVING" or "NOT_SERVING". Needs no credentials."""
        check = self._connection.channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )
        answer = await self._connection.call(check, HealthCheckRequest(), timeout)
        return str(HealthCheckResponse.ServingStatus.Name(answer.status))


def _authorization(token: str | None, pair: tuple[str, str] | None) -> str | None:
    if token is not None and pair is not None:
        raise ValueError("Give a token or basic credentials, not both.")
    if token is not None:
        return bearer(token)
    return basic(*pair) if pair is not None else None
