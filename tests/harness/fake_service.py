"""A service that answers what a test says and remembers what it was asked, over real gRPC."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from rollbook.v1 import (
    directory_service_pb2,
    group_service_pb2,
    schema_service_pb2,
    service_account_service_pb2,
    user_service_pb2,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.message import Message


_MODULES = (
    user_service_pb2,
    group_service_pb2,
    service_account_service_pb2,
    directory_service_pb2,
    schema_service_pb2,
)


class Call(NamedTuple):
    """What the service was asked."""

    method: str
    request: Any
    metadata: dict[str, str | bytes]
    time_remaining: float


@dataclass(frozen=True)
class Failure:
    """An answer that is an error; `reason` makes an ErrorInfo, unless it is empty."""

    code: grpc.StatusCode
    reason: str = ""
    message: str = ""
    retry_seconds: float = 0

    async def abort(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        status = Status(code=self.code.value[0], message=self.message)
        if self.reason:
            status.details.add().Pack(ErrorInfo(reason=self.reason, domain="rollbook"))
        if self.retry_seconds:
            retry = RetryInfo()
            retry.retry_delay.FromNanoseconds(int(self.retry_seconds * 1e9))
            status.details.add().Pack(retry)
        trailing = rpc_status.to_status(status).trailing_metadata if status.details else ()
        await context.abort(self.code, self.message, trailing)


@dataclass
class FakeService:
    """`answers` are by method, e.g. "GetUser"; an empty response where there is none."""

    address: str = ""
    health: health.aio.HealthServicer = field(default_factory=health.aio.HealthServicer)
    answers: dict[str, Message | Failure] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    delay: float = 0

    def reset(self) -> None:
        self.answers.clear()
        self.calls.clear()
        self.delay = 0

    @property
    def only_call(self) -> Call:
        """The one call there was: no request of SCIM needs a second one."""
        (call,) = self.calls
        return call

    @property
    def was_asked_who_calls(self) -> bool:
        """Whether it was asked for nothing but what everybody may ask who may come in."""
        return {call.method for call in self.calls} == {"GetSchemaSet"}

    def handler(self, method: MethodDescriptor) -> grpc.RpcMethodHandler[Any, Any]:
        response_class = GetMessageClass(method.output_type)

        async def answer(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> Message:
            metadata = dict(context.invocation_metadata() or ())
            self.calls.append(Call(method.name, request, metadata, context.time_remaining()))
            await asyncio.sleep(self.delay)
            answer = self.answers.get(method.name, response_class())
            if isinstance(answer, Failure):
                await answer.abort(context)
            assert not isinstance(answer, Failure)
            return answer

        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=response_class.SerializeToString,
        )


@asynccontextmanager
async def running_fake_service(address: str = "127.0.0.1:0") -> AsyncIterator[FakeService]:
    """A fake service that listens."""
    fake = FakeService()
    server = grpc.aio.server(options=[("grpc.max_metadata_size", 16 * 1024)])
    for module in _MODULES:
        for service in module.DESCRIPTOR.services_by_name.values():
            handlers = {method.name: fake.handler(method) for method in service.methods}
            generic = grpc.method_handlers_generic_handler(service.full_name, handlers)
            server.add_generic_rpc_handlers((generic,))
    health_pb2_grpc.add_HealthServicer_to_server(fake.health, server)
    port = server.add_insecure_port(address)
    fake.address = address if address.startswith("unix:") else f"127.0.0.1:{port}"
    await server.start()
    await fake.health.set("", health_pb2.HealthCheckResponse.SERVING)
    try:
        yield fake
    finally:
        await server.stop(0)
