"""Calls of AccessService, and roles that are given behind the service's back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc

from rollbook.v1 import access_pb2
from rollbook.v1.access_service_pb2 import CheckAccessRequest
from rollbook.v1.access_service_pb2_grpc import AccessServiceStub
from service.storage.credentials import DEFAULT_TENANT
from tests.harness.drivers import failure_of

if TYPE_CHECKING:
    import asyncpg
    from google.protobuf.message import Message

_GIVE: Final = """
INSERT INTO role_assignments (
    tenant_id, id, principal_id, role_type, value, type_key, value_key, source, granted_by,
    expire_time, pending
)
VALUES (
    $1, gen_random_uuid(), $2::text::uuid, $3, $4, lower($3), lower($4), $5, 'test',
    now() + $6::float8 * interval '1 s', $7
)
"""


class Access:
    """Calls methods of AccessService by their names."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._stub = AccessServiceStub(channel)
        self.metadata = (("authorization", f"Bearer {token}"),)

    async def __call__(self, request: Message) -> Any:
        """The answer of the method whose request this is. Raises grpc.aio.AioRpcError."""
        method = getattr(self._stub, type(request).__name__.removesuffix("Request"))
        return await method(request, metadata=self.metadata)

    async def reason(self, request: Message) -> str:
        """Why the call fails; AssertionError when it succeeds."""
        try:
            answer = await self(request)
        except grpc.aio.AioRpcError as error:
            return failure_of(error).reason
        raise AssertionError(f"the call succeeds: {answer}")

    async def check(self, principal_id: str, role: str, revision: str = "") -> str:
        """How a check of `type:value` comes out: GRANTED, NOT_GRANTED, PRINCIPAL_INACTIVE, …"""
        role_type, _, value = role.rpartition(":")
        request = CheckAccessRequest(
            principal_id=principal_id, type=role_type, value=value, at_least_as_fresh=revision
        )
        answer = await self(request)
        reason = access_pb2.AccessReason.Name(answer.reason).removeprefix("ACCESS_REASON_")
        assert answer.allowed == (reason == "GRANTED")
        return reason


async def give(
    connection: asyncpg.Connection[asyncpg.Record],
    principal_id: str,
    role: str,
    source: str = "manual",
    *,
    seconds: float | None = None,
    pending: bool = False,
) -> None:
    """Gives `type:value` to a principal whom no service has looked at yet: none is told of it."""
    role_type, _, value = role.rpartition(":")
    await connection.execute(
        _GIVE, DEFAULT_TENANT, principal_id, role_type, value, source, seconds, pending
    )
