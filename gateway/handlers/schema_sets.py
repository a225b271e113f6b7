"""Which schema set a request is translated by: that of the tenant whose credentials it has.

The gateway does not know tenants, so sets are kept by credentials. It need not ask before it
translates: it tells the service by which revision it did, and the service refuses a call when
that has changed. Then the set is fetched and the request done once more.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from grpc import StatusCode

from rollbook.errors import error_from_rpc
from rollbook.schema_sets import DEFAULT, SchemaSet, SchemaSetCache, schema_set_of
from rollbook.v1.schema_service_pb2 import GetSchemaSetRequest

if TYPE_CHECKING:
    from grpc.aio import AioRpcError

    from gateway.handlers.request import ScimRequest
    from rollbook.v1.schema_service_pb2 import GetSchemaSetResponse
    from rollbook.v1.schema_service_pb2_grpc import SchemaServiceAsyncStub


class SchemaSets:
    """The sets of tenants that have schemas of their own; `DEFAULT` is everybody else's."""

    def __init__(self, stub: SchemaServiceAsyncStub, timeout: float) -> None:
        self._stub = stub
        self._timeout = timeout
        self._by_credentials: SchemaSetCache[bytes] = SchemaSetCache()
        # Several credentials of one tenant share a set.
        self._by_content: WeakValueDictionary[bytes, SchemaSet] = WeakValueDictionary()

    def known(self, scim: ScimRequest) -> SchemaSet:
        """The set that the credentials of a request had when it was last asked for."""
        if not self._by_credentials:
            return DEFAULT
        return self._by_credentials.get(scim.credentials_key) or DEFAULT

    async def fetch(self, scim: ScimRequest) -> SchemaSet:
        """The set of now. Raises AioRpcError."""
        known = self.known(scim)
        response = await self._stub.GetSchemaSet(
            GetSchemaSetRequest(revision=known.revision),
            metadata=scim.metadata(),
            timeout=self._timeout,
        )
        if response.revision == known.revision:
            return known
        fetched = await self._set_of(response)
        self._by_credentials.put(scim.credentials_key, fetched)
        return fetched

    async def _set_of(self, response: GetSchemaSetResponse) -> SchemaSet:
        content = hashlib.sha256(response.SerializeToString(deterministic=True)).digest()
        known = self._by_content.get(content)
        if known is None:
            # A large one takes a tenth of a second: meanwhile others are answered.
            known = self._by_content[content] = await asyncio.to_thread(
                schema_set_of, response.revision, response.schemas, response.attachments
            )
        return known


def is_schema_change(failure: AioRpcError) -> bool:
    """Whether a call was refused because it was translated by an earlier set."""
    if failure.code() is not StatusCode.FAILED_PRECONDITION:
        return False
    return error_from_rpc(failure).reason == "SCHEMA_CHANGED"
