"""POST /Bulk (RFC 7644 §3.7): many writes, one call."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gateway.handlers.errors import HttpError
from gateway.handlers.response import respond
from gateway.scim.bulk import (
    bulk_from_scim,
    bulk_response,
    operation_from_scim,
    payload_too_large,
)
from rollbook.v1.directory_service_pb2 import BulkRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp.web import Response

    from gateway.handlers.body import BodyReader
    from gateway.handlers.request import ScimRequest
    from gateway.scim.bulk import Operation
    from rollbook.v1.directory_service_pb2_grpc import DirectoryServiceAsyncStub

_TIMES_AS_LONG: Final = 2
"""How much longer than any other request a bulk may take."""

_READ_AT_ONCE: Final = 20
"""After so many operations other requests get their turn: reading 1000 takes 0.1 seconds."""


class BulkHandler:
    """Reads the operations, makes one call and renders what became of them."""

    def __init__(self, stub: DirectoryServiceAsyncStub, bodies: BodyReader, timeout: float) -> None:
        self._stub = stub
        self._bodies = bodies
        self._timeout = timeout * _TIMES_AS_LONG

    async def bulk(self, scim: ScimRequest) -> Response:
        """Raises ScimError for what is wrong with the request as a whole, AioRpcError."""
        reading = scim.reading()
        body = bulk_from_scim(await self._body(scim), reading)
        operations = await _read(body.operations, scim)
        base_url = scim.base_url
        request = BulkRequest(
            operations=[operation.message for operation in operations],
            fail_on_errors=body.fail_on_errors,
            request_id=scim.idempotency_key(),
        )
        met = ",".join(sorted(tolerance.name for tolerance in reading.met))
        metadata = scim.metadata(("rollbook-tolerances", met)) if met else scim.metadata()
        call = self._stub.Bulk(request, metadata=metadata, timeout=self._timeout)
        response = await scim.written(call)
        return respond(scim.http, bulk_response(operations, response.results, base_url))

    async def _body(self, scim: ScimRequest) -> object:
        try:
            return await self._bodies.json(scim.http)
        except HttpError as error:
            if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                raise payload_too_large() from error
            raise


async def _read(values: Sequence[object], scim: ScimRequest) -> list[Operation]:
    operations = []
    for number, value in enumerate(values, start=1):
        operations.append(operation_from_scim(value, scim.dialect, scim.schemas))
        if number % _READ_AT_ONCE == 0:
            await asyncio.sleep(0)
    return operations
