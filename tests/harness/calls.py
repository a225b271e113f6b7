"""Single calls over gRPC, for what only that protocol offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from rollbook.errors import error_from_rpc
from rollbook.metadata import REVISION
from rollbook.v1.credential_service_pb2_grpc import CredentialServiceStub
from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceStub
from rollbook.v1.group_service_pb2_grpc import GroupServiceStub
from rollbook.v1.role_service_pb2_grpc import RoleServiceStub
from rollbook.v1.user_service_pb2_grpc import UserServiceStub

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from rollbook.errors import RollbookError


class Calls:
    """Calls methods by their names, with an administrator's token."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._stubs = (
            UserServiceStub(channel),
            GroupServiceStub(channel),
            DirectoryServiceStub(channel),
            CredentialServiceStub(channel),
            RoleServiceStub(channel),
        )
        self.metadata = (("authorization", f"Bearer {token}"),)

    async def __call__(self, request: Message) -> Any:
        """The answer of the method whose request this is. Raises grpc.aio.AioRpcError."""
        return await self._begin(request)

    async def revision(self, request: Message) -> str:
        """Makes a write. Returns its revision."""
        call = self._begin(request)
        await call
        return str(dict(await call.trailing_metadata())[REVISION])

    def _begin(self, request: Message) -> Any:
        name = type(request).__name__.removesuffix("Request")
        method = next(getattr(stub, name) for stub in self._stubs if hasattr(stub, name))
        return method(request, metadata=self.metadata)

    async def reason(self, request: Message) -> str:
        """Why the call fails; AssertionError when it succeeds."""
        return (await self.failure(request)).reason

    async def failure(self, request: Message) -> RollbookError:
        """How the call fails; AssertionError when it succeeds."""
        try:
            answer = await self(request)
        except grpc.aio.AioRpcError as error:
            return error_from_rpc(error)
        raise AssertionError(f"the call succeeds: {answer}")
