"""Single calls over gRPC, for what only that protocol offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from rollbook.v1.credential_service_pb2_grpc import CredentialServiceStub
from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceStub
from rollbook.v1.group_service_pb2_grpc import GroupServiceStub
from rollbook.v1.user_service_pb2_grpc import UserServiceStub
from tests.harness.drivers import failure_of

if TYPE_CHECKING:
    from google.protobuf.message import Message


class Calls:
    """Calls methods by their names, with an administrator's token."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._stubs = (
            UserServiceStub(channel),
            GroupServiceStub(channel),
            DirectoryServiceStub(channel),
            CredentialServiceStub(channel),
        )
        self.metadata = (("authorization", f"Bearer {token}"),)

    async def __call__(self, request: Message) -> Any:
        """The answer of the method whose request this is. Raises grpc.aio.AioRpcError."""
        name = type(request).__name__.removesuffix("Request")
        method = next(getattr(stub, name) for stub in self._stubs if hasattr(stub, name))
        return await method(request, metadata=self.metadata)

    async def reason(self, request: Message) -> str:
        """Why the call fails; AssertionError when it succeeds."""
        try:
            answer = await self(request)
        except grpc.aio.AioRpcError as error:
            return failure_of(error).reason
        raise AssertionError(f"the call succeeds: {answer}")
