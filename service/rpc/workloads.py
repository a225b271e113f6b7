"""Methods of WorkloadService."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook.v1 import workload_service_pb2
from service.directory import certificate_identities as use_cases
from service.directory.paging import page_size_of
from service.domain import page_token
from service.domain.certificate_names import checked_pattern
from service.domain.page_token import Position
from service.domain.token_rules import check_not_wider, checked_name, checked_scopes
from service.storage import certificate_identities

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.epoch import Epoch
    from service.rpc.calls import Answer, Call
    from service.storage.database import Database


class WorkloadMethods:
    """Says which client certificates are whose."""

    def __init__(self, database: Database, epoch: Epoch, page_key: bytes) -> None:
        self._database = database
        self._epoch = epoch
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "CreateCertificateIdentity": self.create,
            "ListCertificateIdentities": self.list,
            "DeleteCertificateIdentity": self.delete,
        }

    async def create(self, request: Any, call: Call) -> bytes:
        """Who is let in from now on, with no wider scope than the caller's own."""
        name, scopes = checked_name(request.name), checked_scopes(request.scopes)
        pattern = checked_pattern(request.pattern)
        check_not_wider(scopes, call.caller.scopes)
        try:
            made = await self._database.transaction(
                call.tenant_id,
                lambda connection: use_cases.create(
                    connection, call.author, name, pattern, scopes, request.principal_id
                ),
            )
        finally:
            # Whoever went by a pattern further up goes by this one now.
            self._epoch.advance()
        return workload_service_pb2.CreateCertificateIdentityResponse(
            identity=made.message()
        ).SerializeToString()

    async def list(self, request: Any, call: Call) -> bytes:
        """One page of identities."""
        size = max(1, page_size_of(request))
        digest = page_token.digest(call.method.encode(), call.tenant_id.bytes)
        before = None
        if request.page_token:
            before = page_token.decode(request.page_token, digest, size, self._page_key).id
        async with self._database.connection(call.tenant_id) as connection:
            found = await certificate_identities.page(
                connection, call.tenant_id, before=before, limit=size + 1
            )
        response = workload_service_pb2.ListCertificateIdentitiesResponse(
            identities=[identity.message() for identity in found[:size]]
        )
        if len(found) > size:
            last = Position(None, found[size - 1].id)
            response.next_page_token = page_token.encode(last, digest, size, self._page_key)
        return response.SerializeToString()

    async def delete(self, request: Any, call: Call) -> bytes:
        """An identity less, which nobody on this machine believes in when this returns."""
        try:
            await self._database.transaction(
                call.tenant_id,
                lambda connection: use_cases.delete(connection, call.author, request.id),
            )
        finally:
            # Whether a transaction was committed is not always known.
            self._epoch.advance()
        return b""
