"""What answers methods that there are none of: in the form of every other error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.rpc import status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_MAX_NAME = 200


class UnknownMethods(grpc.GenericRpcHandler):
    """Takes every method; the server has to ask it last."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """An answer to whatever kind of method the caller takes it for."""
        name = handler_call_details.method.removeprefix("/")[:_MAX_NAME]

        async def refuse(
            _requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
        ) -> None:
            await status.abort(
                context,
                DomainError(
                    ErrorReason.ERROR_REASON_UNIMPLEMENTED,
                    f"There is no method {name}; see protos/rollbook/v1 for those that there are.",
                    metadata={"method": name},
                ),
            )

        return grpc.stream_stream_rpc_method_handler(refuse)
