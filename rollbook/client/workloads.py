"""Calls on workloads: who is let in with a client certificate."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from rollbook.client.listing import Listing, page_request
from rollbook.v1.workload_service_pb2 import (
    CertificateIdentity,
    CreateCertificateIdentityRequest,
    DeleteCertificateIdentityRequest,
    ListCertificateIdentitiesRequest,
    ListCertificateIdentitiesResponse,
)
from rollbook.v1.workload_service_pb2_grpc import WorkloadServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.client.connection import Connection
    from rollbook.client.options import CallOptions
    from rollbook.v1.workload_service_pb2_grpc import WorkloadServiceAsyncStub


class Workloads:
    """Says whose client certificates are, with the scope "platform"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> WorkloadServiceAsyncStub:
        return WorkloadServiceStub(self._connection.channel)

    async def create(
        self,
        name: str,
        pattern: str,
        scopes: Iterable[str],
        *,
        principal_id: str = "",
        **options: Unpack[CallOptions],
    ) -> CertificateIdentity:
        """Let the holders of certificates in: those with the SPIFFE id or DNS name `pattern`, or
        with one below "spiffe://…/*". They are the user or service account `principal_id`, unless
        that is empty, and end with its access. Raises InvalidRequestError, AlreadyExistsError,
        NotFoundError, and PermissionDeniedError for a scope that one lacks oneself."""
        request = CreateCertificateIdentityRequest(
            name=name, pattern=pattern, scopes=scopes, principal_id=principal_id
        )
        answer = await self._connection.call(
            self._stub.CreateCertificateIdentity, request, options.get("timeout")
        )
        return answer.identity

    def list(
        self, *, page_size: int | None = None, **options: Unpack[CallOptions]
    ) -> Listing[ListCertificateIdentitiesResponse, CertificateIdentity]:
        """Who is let in, the newest first."""
        request = ListCertificateIdentitiesRequest(page_size=page_size)

        async def fetch(page_token: str) -> ListCertificateIdentitiesResponse:
            page = page_request(request, page_token)
            return await self._connection.call(
                self._stub.ListCertificateIdentities, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.identities)

    async def delete(self, identity_id: str, **options: Unpack[CallOptions]) -> None:
        """Let them in no more, at once. Raises NotFoundError."""
        request = DeleteCertificateIdentityRequest(id=identity_id)
        await self._connection.call(
            self._stub.DeleteCertificateIdentity, request, options.get("timeout")
        )
