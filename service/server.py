"""One worker of the service: database, methods, listener, and how it drains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self, TypeVar

import grpc
import structlog
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_SERVICE_NAME
from grpc_reflection.v1alpha import reflection

from rollbook.attributes import GROUP, SERVICE_ACCOUNT, USER
from rollbook.tls_files import TlsFilesError
from rollbook.v1 import (
    access_service_pb2,
    connection_service_pb2,
    credential_service_pb2,
    directory_service_pb2,
    group_service_pb2,
    issuer_service_pb2,
    oauth_service_pb2,
    password_service_pb2,
    role_service_pb2,
    schema_service_pb2,
    service_account_service_pb2,
    sign_in_provider_service_pb2,
    tenant_service_pb2,
    user_service_pb2,
    workload_service_pb2,
)
from service.directory.access.looks import EPOCH_SLOTS, AccessLooks, slot_of
from service.domain.access.revisions import Revisions
from service.encryption import Encryption
from service.epoch import SLOTS, Epoch
from service.federation.issuers import Issuers
from service.passwords import PasswordHasher
from service.rpc.access.checks import AccessCheckMethods
from service.rpc.access.lists import AccessListMethods
from service.rpc.access.role_assignments import RoleAssignmentMethods
from service.rpc.access.role_catalogues import RoleCatalogueMethods
from service.rpc.basic_logins import BasicLoginMethods
from service.rpc.calls import Gate, handlers_of
from service.rpc.credentials import CredentialMethods
from service.rpc.directory import DirectoryMethods
from service.rpc.gate.arrivals import MAX_METADATA_BYTES, Arrivals
from service.rpc.gate.attempts import WORDS as ATTEMPTS_WORDS
from service.rpc.gate.attempts import Attempts
from service.rpc.gate.authentication import Authenticator
from service.rpc.gate.gateways import Gateways
from service.rpc.gate.last_uses import LastUses
from service.rpc.gate.load import Load
from service.rpc.gate.passwords import Passwords
from service.rpc.gate.rate_limits import WORDS as RATE_LIMIT_WORDS
from service.rpc.gate.rate_limits import Rate, RateLimits
from service.rpc.gate.recently_admitted import RecentlyAdmitted
from service.rpc.gate.tenancy import Tenancy
from service.rpc.gate.tenant_connections import TenantConnections
from service.rpc.gate.tenant_schemas import TenantSchemas
from service.rpc.gate.user_passwords import UserPasswords
from service.rpc.health import Health
from service.rpc.issuers import IssuerMethods
from service.rpc.memberships import MembershipMethods
from service.rpc.oauth.methods import OAuthKeys, oauth_answers
from service.rpc.oauth.sign_in_providers import SignInProviderMethods
from service.rpc.password_service import PasswordMethods
from service.rpc.resources import ResourceMethods
from service.rpc.schemas import SchemaMethods
from service.rpc.scim_connections import ConnectionMethods
from service.rpc.tenants import TenantMethods
from service.rpc.unknown import UnknownMethods
from service.rpc.workloads import WorkloadMethods
from service.rpc.writes import Writes
from service.shared_memory import SharedWords
from service.storage import credentials, signing_keys
from service.storage.database import Database
from service.tls import server_credentials
from service.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.settings import Settings

log = structlog.get_logger(__name__)

W = TypeVar("W", bound=SharedWords)

_SPARE_CALLS: Final = 100
"""Calls beyond those of methods: health checks, which go on while a gateway does, and refusals."""

_MAX_WAITING: Final = 20_000
"""Calls that gRPC holds, at some 4 KiB each, until this process has looked at them. It cancels
those beyond, saying nothing of why; at its own limits it would do so to a thousand and one."""

_MAX_WAITING_SECONDS: Final = 600
"""How long it holds them. Who waits for less has a deadline, which ends the call before."""

_USERS: Final = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
_GROUPS: Final = group_service_pb2.DESCRIPTOR.services_by_name["GroupService"]
_ACCOUNTS: Final = service_account_service_pb2.DESCRIPTOR.services_by_name["ServiceAccountService"]
_DIRECTORY: Final = directory_service_pb2.DESCRIPTOR.services_by_name["DirectoryService"]
_SCHEMAS: Final = schema_service_pb2.DESCRIPTOR.services_by_name["SchemaService"]
_CREDENTIALS: Final = credential_service_pb2.DESCRIPTOR.services_by_name["CredentialService"]
_OAUTH: Final = oauth_service_pb2.DESCRIPTOR.services_by_name["OAuthService"]
_PASSWORDS: Final = password_service_pb2.DESCRIPTOR.services_by_name["PasswordService"]
_WORKLOADS: Final = workload_service_pb2.DESCRIPTOR.services_by_name["WorkloadService"]
_CONNECTIONS: Final = connection_service_pb2.DESCRIPTOR.services_by_name["ConnectionService"]
_ACCESS: Final = access_service_pb2.DESCRIPTOR.services_by_name["AccessService"]
_ROLES: Final = role_service_pb2.DESCRIPTOR.services_by_name["RoleService"]
_ISSUERS: Final = issuer_service_pb2.DESCRIPTOR.services_by_name["IssuerService"]
_SIGN_IN_PROVIDERS: Final = sign_in_provider_service_pb2.DESCRIPTOR.services_by_name[
    "SignInProviderService"
]
_TENANTS: Final = tenant_service_pb2.DESCRIPTOR.services_by_name["TenantService"]
_SERVICES: Final = (
    _USERS,
    _GROUPS,
    _ACCOUNTS,
    _DIRECTORY,
    _SCHEMAS,
    _ROLES,
    _CREDENTIALS,
    _PASSWORDS,
    _WORKLOADS,
    _CONNECTIONS,
    _ACCESS,
    _ISSUERS,
    _OAUTH,
    _SIGN_IN_PROVIDERS,
    _TENANTS,
)


@dataclass(frozen=True)
class _Means:
    """What a worker works with, from its start to its end."""

    database: Database
    hasher: PasswordHasher
    epoch: Epoch
    writes_epoch: Epoch
    last_uses: LastUses
    issuers: Issuers
    rate_limits: RateLimits
    attempts: SharedWords

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        database = await Database.connect(
            settings.database_url.get_secret_value(),
            max_connections=settings.database_connections,
        )
        async with database.across_tenants() as connection:
            key = await signing_keys.get(connection, "epoch")
        # Everyone who shares the database shares the name, and nobody else can guess it.
        name, directory = key.hex()[:32], settings.run_dir
        epoch = _shared(Epoch, directory, name, SLOTS)
        writes_epoch = _shared(Epoch, directory, f"{name}-writes", EPOCH_SLOTS)
        database.on_commit(lambda tenant_id: writes_epoch.advance(slot_of(tenant_id)))
        issuers = Issuers(database, settings.issuer_reach)
        rate_limits = RateLimits(
            _shared(SharedWords, directory, f"{name}-rates", RATE_LIMIT_WORDS),
            Rate(settings.rate_limit, settings.rate_burst),
            Rate(settings.tenant_rate_limit, settings.tenant_rate_burst),
        )
        return cls(
            database,
            PasswordHasher(),
            epoch,
            writes_epoch,
            LastUses(database),
            issuers,
            rate_limits,
            _shared(SharedWords, directory, f"{name}-attempts", ATTEMPTS_WORDS),
        )

    async def close(self) -> None:
        await self.last_uses.stop()
        await self.issuers.close()
        self.rate_limits.close()
        await self.database.close()
        self.epoch.close()
        self.writes_epoch.close()
        self.hasher.close()
        self.attempts.close()


def _shared(kind: type[W], directory: Path | None, name: str, count: int = 1) -> W:
    """Memory that the workers of this machine share."""
    try:
        return kind.shared(directory, name, count)
    except OSError as error:
        raise OSError(
            f"Workers cannot share memory: {error}. "
            "Name a directory of this user's with ROLLBOOK_RUN_DIR."
        ) from error


class Server:
    """A running worker. `start` makes one, `stop` ends it in good order."""

    def __init__(
        self,
        server: grpc.aio.Server,
        health: Health,
        means: _Means,
        ports: tuple[int, int],
    ) -> None:
        self._server = server
        self._health = health
        self._means = means
        self._upkeep = Upkeep(means.database, self._report)
        self._upkeep.start()
        self.port, self.mtls_port = ports
        """The TCP ports listened on: those asked for, or those found when they were 0."""

    @classmethod
    async def start(cls, settings: Settings, worker: int = 0) -> Server:
        """Connect, listen, and report SERVING. The database has been migrated before.

        Raises OSError when an address is in use, the database cannot be reached, memory cannot
        be shared or the files of TLS cannot be used.
        """
        means = await _Means.open(settings)
        server = grpc.aio.server(
            options=_options(settings),
            # The last resort, which knows no reasons: calls that are being refused count, too.
            maximum_concurrent_rpcs=_MAX_WAITING,
        )
        server.add_generic_rpc_handlers(tuple(await _handlers(means, settings)))
        names = [service.full_name for service in _SERVICES]
        health = Health(names)
        health_pb2_grpc.add_HealthServicer_to_server(health, server)
        if settings.reflection:
            reflection.enable_server_reflection(
                [*names, HEALTH_SERVICE_NAME, reflection.SERVICE_NAME], server
            )
        server.add_generic_rpc_handlers((UnknownMethods(),))
        ports = _listen(server, settings, worker)
        await server.start()
        return cls(server, health, means, ports)

    async def stop(self, grace: float) -> None:
        """Report NOT_SERVING, refuse new calls, let those that run finish for `grace` seconds."""
        self._health.end()
        await self._server.stop(grace)
        await self._upkeep.stop()
        await self._means.close()

    async def _report(self, serving: bool) -> None:  # noqa: FBT001  # the only thing it says
        """Tell health checks. After a drain began this has no effect."""
        self._health.report(serving=serving)


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 1 if settings.workers > 1 else 0),
        # What is a little too large is refused in our words (service/rpc/gate/arrivals.py), what is
        # much too large in gRPC's before it is in memory.
        ("grpc.max_receive_message_length", 2 * settings.max_request_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", 2 * MAX_METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", 2 * MAX_METADATA_BYTES),
        ("grpc.keepalive_time_ms", 120_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
        # Whoever connects and says nothing is no client.
        ("grpc.server_handshake_timeout_ms", 10_000),
        ("grpc.max_allowed_incoming_connections", settings.max_connections),
        ("grpc.max_connection_idle_ms", 15 * 60 * 1000),
        ("grpc.max_concurrent_streams", settings.max_concurrent_calls + _SPARE_CALLS),
        # From the first of these to the second it would cancel some, by chance.
        ("grpc.server.max_pending_requests", _MAX_WAITING),
        ("grpc.server.max_pending_requests_hard_limit", _MAX_WAITING),
        ("grpc.server_max_unrequested_time_in_server", _MAX_WAITING_SECONDS),
        # Clients behind a balancer that knows connections only find new instances this way.
        ("grpc.max_connection_age_ms", 30 * 60 * 1000),
        ("grpc.max_connection_age_grace_ms", 60 * 1000),
    ]


async def _handlers(means: _Means, settings: Settings) -> list[grpc.GenericRpcHandler]:
    database, hasher = means.database, means.hasher
    async with database.across_tenants() as connection:
        page_key = await signing_keys.get(connection, "page_token")
        request_key = await signing_keys.get(connection, "request_fingerprint")
        revisions = Revisions(await signing_keys.get(connection, "revision"))
        oauth_keys = await OAuthKeys.load(connection)
        stored_key = await signing_keys.get(connection, "encryption")
        foreign_tokens = await credentials.hashes_without_checksum(connection)
    schemas = TenantSchemas(database)
    gate = Gate(
        Authenticator(
            database,
            means.epoch,
            Passwords(database, hasher, Attempts(means.attempts, "Basic")),
            means.last_uses,
            foreign_tokens,
            means.issuers,
        ),
        Gateways(settings.gateway_secret),
        TenantConnections(database, means.epoch),
        means.rate_limits,
        Load(settings.max_concurrent_calls),
        Arrivals(
            settings.max_request_bytes, settings.message_timeout, settings.max_concurrent_calls
        ),
        Tenancy(database, means.epoch),
        RecentlyAdmitted(means.epoch),
        revisions,
        schemas,
    )
    writes = Writes(database, request_key, means.epoch)
    users = ResourceMethods(USER, database, hasher, writes, page_key)
    groups = ResourceMethods(GROUP, database, hasher, writes, page_key)
    accounts = ResourceMethods(SERVICE_ACCOUNT, database, hasher, writes, page_key)
    memberships = MembershipMethods(database, writes, page_key)
    directory = DirectoryMethods(database, hasher, writes, page_key)
    registry = SchemaMethods(database, writes, schemas)
    user_passwords = UserPasswords(database, hasher, Attempts(means.attempts, "log-in"))
    encryption = Encryption([*settings.encryption_keys(), stored_key])
    passwords = PasswordMethods(user_passwords, hasher, writes)
    catalogues = RoleCatalogueMethods(database, writes, page_key)
    assignments = RoleAssignmentMethods(database, writes, page_key)
    secrets = CredentialMethods(database, means.epoch, page_key)
    logins = BasicLoginMethods(database, hasher, means.epoch, page_key)
    workloads = WorkloadMethods(database, means.epoch, page_key)
    connections = ConnectionMethods(database, writes, settings.base_url_of)
    lists = AccessListMethods(database, revisions, page_key)
    looks = AccessLooks(database, means.writes_epoch, settings.access_cache_bytes)
    checks = AccessCheckMethods(looks, revisions, lists.check_past, page_key)
    issuers = IssuerMethods(
        database, writes, means.epoch, page_key, plain_http=means.issuers.allows_plain_http
    )
    oauth = oauth_answers(
        database,
        means.epoch,
        gate,
        user_passwords,
        means.issuers,
        oauth_keys,
        encryption,
        Attempts(means.attempts, "sign-in"),
    )
    sign_in_providers = SignInProviderMethods(
        database,
        writes,
        encryption,
        settings.root_url_of,
        plain_http=means.issuers.allows_plain_http,
    )
    tenants = TenantMethods(database, writes, page_key)
    return [
        handlers_of(_USERS, users.answers(), gate),
        handlers_of(_GROUPS, {**groups.answers(), **memberships.answers()}, gate),
        handlers_of(_ACCOUNTS, accounts.answers(), gate),
        handlers_of(_DIRECTORY, directory.answers(), gate),
        # Requests about schemas hold no resources: they are the same for all tenants.
        handlers_of(_SCHEMAS, registry.answers(), replace(gate, schemas=None)),
        handlers_of(_ROLES, {**catalogues.answers(), **assignments.answers()}, gate),
        handlers_of(
            _CREDENTIALS,
            {**secrets.answers(), **logins.answers()},
            replace(gate, schemas=None),
        ),
        handlers_of(_PASSWORDS, passwords.answers(), gate),
        handlers_of(_WORKLOADS, workloads.answers(), replace(gate, schemas=None)),
        handlers_of(_CONNECTIONS, connections.answers(), replace(gate, schemas=None)),
        handlers_of(_ACCESS, {**checks.answers(), **lists.answers()}, replace(gate, schemas=None)),
        handlers_of(_ISSUERS, issuers.answers(), replace(gate, schemas=None)),
        handlers_of(_OAUTH, oauth, replace(gate, schemas=None)),
        handlers_of(_SIGN_IN_PROVIDERS, sign_in_providers.answers(), replace(gate, schemas=None)),
        handlers_of(_TENANTS, tenants.answers(), replace(gate, schemas=None)),
    ]


def _listen(server: grpc.aio.Server, settings: Settings, worker: int) -> tuple[int, int]:
    """Listen everywhere; the ports of the two addresses, 0 for one that is not wanted."""
    mutual = bool(settings.grpc_tls_client_ca)
    port = _open(server, settings, "GRPC_LISTEN", mutual=mutual and not settings.grpc_mtls_listen)
    mtls_port = _open(server, settings, "GRPC_MTLS_LISTEN", mutual=True)
    if settings.grpc_socket:
        path = f"unix:{settings.grpc_socket}.{worker}"
        _bind(path, "GRPC_SOCKET", lambda: server.add_insecure_port(path))
    return port, mtls_port


def _open(server: grpc.aio.Server, settings: Settings, name: str, *, mutual: bool) -> int:
    """Listen on the address of a setting; the port, 0 when there is no address."""
    address: str = getattr(settings, name.lower())
    if not address:
        return 0
    try:
        shown = server_credentials(settings, mutual=mutual)
    except TlsFilesError as error:
        raise OSError(str(error)) from error
    if shown is None:
        return _bind(address, name, lambda: server.add_insecure_port(address))
    return _bind(address, name, lambda: server.add_secure_port(address, shown))


def _bind(address: str, name: str, bind: Callable[[], int]) -> int:
    try:
        return bind()
    except RuntimeError as error:
        raise OSError(
            f"Cannot listen on {address}: is another program using it? "
            f"Choose another address with ROLLBOOK_{name}."
        ) from error
