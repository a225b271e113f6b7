"""The connection to the service: one channel, and the stubs that handlers call.

This is where it is decided what carries the calls; handlers know nothing but stubs.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceStub
from rollbook.v1.group_service_pb2_grpc import GroupServiceStub
from rollbook.v1.oauth_service_pb2_grpc import OAuthServiceStub
from rollbook.v1.role_service_pb2_grpc import RoleServiceStub
from rollbook.v1.schema_service_pb2_grpc import SchemaServiceStub
from rollbook.v1.service_account_service_pb2_grpc import ServiceAccountServiceStub
from rollbook.v1.user_service_pb2_grpc import UserServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rollbook.client import TLS
    from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceAsyncStub
    from rollbook.v1.group_service_pb2_grpc import GroupServiceAsyncStub
    from rollbook.v1.oauth_service_pb2_grpc import OAuthServiceAsyncStub
    from rollbook.v1.role_service_pb2_grpc import RoleServiceAsyncStub
    from rollbook.v1.schema_service_pb2_grpc import SchemaServiceAsyncStub
    from rollbook.v1.service_account_service_pb2_grpc import ServiceAccountServiceAsyncStub
    from rollbook.v1.user_service_pb2_grpc import UserServiceAsyncStub

_READS: Final = {
    "rollbook.v1.UserService": ("GetUser", "ListUsers"),
    "rollbook.v1.GroupService": ("GetGroup", "ListGroups", "ListMembers"),
    "rollbook.v1.ServiceAccountService": ("GetServiceAccount", "ListServiceAccounts"),
    "rollbook.v1.DirectoryService": ("SearchResources",),
    "rollbook.v1.SchemaService": ("GetSchemaSet",),
    "rollbook.v1.RoleService": ("GetRoleCatalogue",),
}
"""Methods that may be called again when it is not known whether they ran."""

_SERVICE_CONFIG: Final = {
    # Calls go to all addresses in turn; pick_first, the default, would use only one of them.
    "loadBalancingConfig": [{"round_robin": {}}],
    # An instance that drains or has lost its database gets no calls.
    "healthCheckConfig": {"serviceName": ""},
    "retryThrottling": {"maxTokens": 20, "tokenRatio": 0.05},
    "methodConfig": [
        {
            "name": [
                {"service": service, "method": method}
                for service, methods in _READS.items()
                for method in methods
            ],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.08s",
                "maxBackoff": "0.9s",
                "backoffMultiplier": 1.8,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}

_OPTIONS: Final = (
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # A group with all its members may be large; the service limits what it answers.
    ("grpc.max_receive_message_length", -1),
    # Credentials go in metadata, details of errors come in it: more than the default of 8 KiB.
    ("grpc.max_metadata_size", 64 * 1024),
    # A service that restarts is found again soon; the default waits for up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.max_pings_without_data", 0),
)


@dataclass(frozen=True)
class Stubs:
    """The services that the gateway calls."""

    users: UserServiceAsyncStub
    groups: GroupServiceAsyncStub
    service_accounts: ServiceAccountServiceAsyncStub
    directory: DirectoryServiceAsyncStub
    schemas: SchemaServiceAsyncStub
    roles: RoleServiceAsyncStub
    oauth: OAuthServiceAsyncStub
    check_health: grpc.aio.UnaryUnaryMultiCallable[
        health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
    ]

    @classmethod
    def over(cls, channel: grpc.aio.Channel) -> Stubs:
        """Stubs whose calls go over one channel."""
        return cls(
            users=UserServiceStub(channel),
            groups=GroupServiceStub(channel),
            service_accounts=ServiceAccountServiceStub(channel),
            directory=DirectoryServiceStub(channel),
            schemas=SchemaServiceStub(channel),
            roles=RoleServiceStub(channel),
            oauth=OAuthServiceStub(channel),
            check_health=health_pb2_grpc.HealthStub(channel).Check,
        )


@asynccontextmanager
async def connect(target: str, tls: TLS | None = None) -> AsyncIterator[Stubs]:
    """Stubs over a channel to `target`, a gRPC name, for the running event loop.

    The channel connects with the first call and again whenever it has to. It must be made
    after a process has forked.
    """
    async with _channel(target, tls) as channel:
        yield Stubs.over(channel)


def _channel(target: str, tls: TLS | None) -> grpc.aio.Channel:
    if tls is None:
        return grpc.aio.insecure_channel(target, options=_OPTIONS)
    return grpc.aio.secure_channel(target, tls.credentials(), options=_OPTIONS)


async def is_serving(stubs: Stubs, timeout_seconds: float) -> bool:
    """Whether the service can be reached and says that it serves."""
    try:
        response = await stubs.check_health(
            health_pb2.HealthCheckRequest(), timeout=timeout_seconds
        )
    except grpc.aio.AioRpcError:
        return False
    return bool(response.status == health_pb2.HealthCheckResponse.SERVING)
