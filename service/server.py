"""One worker of the service: database, methods, listener, and how it drains."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from rollbook.attributes import GROUP, USER
from rollbook.v1 import directory_service_pb2, group_service_pb2, user_service_pb2
from service.passwords import PasswordHasher
from service.rpc.authentication import Authenticator
from service.rpc.calls import Gate, handlers_of
from service.rpc.directory import DirectoryMethods
from service.rpc.memberships import MembershipMethods
from service.rpc.resources import ResourceMethods
from service.rpc.writes import Writes
from service.storage import bookmarks, requests, signing_keys
from service.storage.database import Database

if TYPE_CHECKING:
    from service.settings import Settings

log = structlog.get_logger(__name__)

_USERS: Final = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
_GROUPS: Final = group_service_pb2.DESCRIPTOR.services_by_name["GroupService"]
_DIRECTORY: Final = directory_service_pb2.DESCRIPTOR.services_by_name["DirectoryService"]
_SERVICES: Final = (_USERS, _GROUPS, _DIRECTORY)

_CLEANING_INTERVAL: Final = 600.0
"""Seconds between two rounds of forgetting old answers."""


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
        self._cleaning = asyncio.create_task(_clean(database))
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
        await _report(servicer, health_pb2.HealthCheckResponse.SERVING)
        return cls(server, servicer, database, hasher, port)

    async def stop(self, grace: float) -> None:
        """Report NOT_SERVING, refuse new calls, let those that run finish for `grace` seconds."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)
        self._cleaning.cancel()
        await self._database.close()
        self._hasher.close()


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
    gate = Gate(Authenticator(database, hasher), settings.scim.enabled)
    writes = Writes(database, request_key)
    users = ResourceMethods(USER, database, hasher, writes, page_key)
    groups = ResourceMethods(GROUP, database, hasher, writes, page_key)
    memberships = MembershipMethods(database, writes, page_key)
    directory = DirectoryMethods(database, hasher, writes, page_key)
    return [
        handlers_of(_USERS, users.answers(), gate),
        handlers_of(_GROUPS, {**groups.answers(), **memberships.answers()}, gate),
        handlers_of(_DIRECTORY, directory.answers(), gate),
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


async def _report(servicer: health.aio.HealthServicer, status: int) -> None:
    for name in ("", *(service.full_name for service in _SERVICES)):
        await servicer.set(name, status)


async def _clean(database: Database) -> None:
    """Forget what is past its retention, now and then."""
    while True:
        try:
            async with database.connection() as connection:
                await requests.forget_old(connection)
                await bookmarks.forget_old(connection)
        except Exception as error:  # noqa: BLE001  # the next round tries again
            log.warning("cleaning.failed", error=type(error).__name__)
        await asyncio.sleep(_CLEANING_INTERVAL)
