"""One worker of the service: database, methods, listener, and how it drains."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from rollbook.attributes import GROUP, USER
from rollbook.v1 import (
    directory_service_pb2,
    group_service_pb2,
    schema_service_pb2,
    user_service_pb2,
)
from service.passwords import PasswordHasher
from service.rpc.authentication import Authenticator
from service.rpc.calls import Gate, handlers_of
from service.rpc.directory import DirectoryMethods
from service.rpc.memberships import MembershipMethods
from service.rpc.resources import ResourceMethods
from service.rpc.schemas import SchemaMethods
from service.rpc.tenant_schemas import TenantSchemas
from service.rpc.writes import Writes
from service.storage import signing_keys
from service.storage.database import Database
from service.upkeep import Upkeep

if TYPE_CHECKING:
    from service.settings import Settings

log = structlog.get_logger(__name__)

_USERS: Final = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
_GROUPS: Final = group_service_pb2.DESCRIPTOR.services_by_name["GroupService"]
_DIRECTORY: Final = directory_service_pb2.DESCRIPTOR.services_by_name["DirectoryService"]
_SCHEMAS: Final = schema_service_pb2.DESCRIPTOR.services_by_name["SchemaService"]
_SERVICES: Final = (_USERS, _GROUPS, _DIRECTORY, _SCHEMAS)


class Server:
    """A running worker. `start` makes one, `stop` ends it in good order."""

    def __init__(
        self,
        server: grpc.aio.Server,
        servicer: health.aio.HealthServicer,
        database: Database,
        hasher: PasswordHasher,
        port: int,
    ) -> None:
        self._server = server
        self._health = servicer
        self._database = database
        self._hasher = hasher
        self._upkeep = Upkeep(database, self._report)
        self._upkeep.start()
        self.port = port
        """The TCP port listened on: the one asked for, or the one found when that was 0."""

    @classmethod
    async def start(cls, settings: Settings, worker: int = 0) -> Server:
        """Connect, listen, and report SERVING. The database has been migrated before.

        Raises OSError when an address is in use or the database cannot be reached.
        """
        database = await Database.connect(
            settings.database_url.get_secret_value(),
            max_connections=settings.database_connections,
        )
        hasher = PasswordHasher()
        server = grpc.aio.server(
            options=_options(settings), maximum_concurrent_rpcs=settings.max_concurrent_calls
        )
        server.add_generic_rpc_handlers(tuple(await _handlers(database, hasher, settings)))
        servicer = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        if settings.reflection:
            names = [service.full_name for service in _SERVICES]
            reflection.enable_server_reflection(
                [*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server
            )
        port = _listen(server, settings, worker)
        await server.start()
        running = cls(server, servicer, database, hasher, port)
        await running._report(True)  # noqa: FBT003  # its own
        return running

    async def stop(self, grace: float) -> None:
        """Report NOT_SERVING, refuse new calls, let those that run finish for `grace` seconds."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)
        await self._upkeep.stop()
        await self._database.close()
        self._hasher.close()

    async def _report(self, serving: bool) -> None:  # noqa: FBT001  # the only thing it says
        """Tell health checks of every service. After a drain began this has no effect."""
        status = health_pb2.HealthCheckResponse
        for name in ("", *(service.full_name for service in _SERVICES)):
            await self._health.set(name, status.SERVING if serving else status.NOT_SERVING)


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 1 if settings.workers > 1 else 0),
        ("grpc.max_receive_message_length", settings.max_request_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", 16 * 1024),
        ("grpc.keepalive_time_ms", 120_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
        # Clients behind a balancer that knows connections only find new instances this way.
        ("grpc.max_connection_age_ms", 30 * 60 * 1000),
        ("grpc.max_connection_age_grace_ms", 60 * 1000),
    ]


async def _handlers(
    database: Database, hasher: PasswordHasher, settings: Settings
) -> list[grpc.GenericRpcHandler]:
    async with database.connection() as connection:
        page_key = await signing_keys.get(connection, "page_token")
        request_key = await signing_keys.get(connection, "request_fingerprint")
    schemas = TenantSchemas(database)
    gate = Gate(Authenticator(database, hasher), settings.scim.enabled, schemas)
    writes = Writes(database, request_key)
    users = ResourceMethods(USER, database, hasher, writes, page_key)
    groups = ResourceMethods(GROUP, database, hasher, writes, page_key)
    memberships = MembershipMethods(database, writes, page_key)
    directory = DirectoryMethods(database, hasher, writes, page_key)
    registry = SchemaMethods(database, writes, schemas)
    return [
        handlers_of(_USERS, users.answers(), gate),
        handlers_of(_GROUPS, {**groups.answers(), **memberships.answers()}, gate),
        handlers_of(_DIRECTORY, directory.answers(), gate),
        # Requests about schemas hold no resources: they are the same for all tenants.
        handlers_of(_SCHEMAS, registry.answers(), replace(gate, schemas=None)),
    ]


def _listen(server: grpc.aio.Server, settings: Settings, worker: int) -> int:
    try:
        port = server.add_insecure_port(settings.grpc_listen)
        if settings.grpc_socket:
            server.add_insecure_port(f"unix:{settings.grpc_socket}.{worker}")
    except RuntimeError as error:
        raise OSError(
            f"Cannot listen on {settings.grpc_listen}: is another program using it? "
            "Choose another address with ROLLBOOK_GRPC_LISTEN."
        ) from error
    return port
