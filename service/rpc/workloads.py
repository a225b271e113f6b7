"""Methods of WorkloadService."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook.v1 import workload_service_pb2
from service.directory import certificate_identities as use_cases
from service.domain.certificate_names import checked_pattern
from service.domain.token_rules import check_not_wider, checked_name, checked_scopes
from service.rpc.id_pages import IdPage
from service.rpc.withdrawal import withdraw
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
        made = await withdraw(
            self._database,
            self._epoch,
            call.tenant_id,
            lambda connection: use_cases.create(
                connection, call.author, name, pattern, scopes, request.principal_id
            ),
        )
        return workload_service_pb2.CreateCertificateIdentityResponse(
            identity=made.message()
        ).SerializeToString()

    async def list(self, request: Any, call: Call) -> bytes:
        """One page of identities."""
        page = IdPage.of(request, call, self._page_key)
        async with self._database.connection(call.tenant_id) as connection:
            found = await certificate_identities.page(
                connection, call.tenant_id, before=page.before, limit=page.limit
            )
        identities, next_page_token = page.cut(found)
        return workload_service_pb2.ListCertificateIdentitiesResponse(
            identities=[identity.message() for identity in identities],
            next_page_token=next_page_token,
        ).SerializeToString()

    async def delete(self, request: Any, call: Call) -> bytes:
        """An identity less, which nobody on this machine believes in when this returns."""
        await withdraw(
            self._database,
            self._epoch,
            call.tenant_id,
            lambda connection: use_cases.delete(connection, call.author, request.id),
        )
        return b""
