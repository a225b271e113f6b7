"""Calls on issuers: others whose tokens are taken for credentials."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from google.protobuf.field_mask_pb2 import FieldMask

from rollbook.client.listing import Listing, page_request
from rollbook.client.options import write_fields
from rollbook.v1.issuer_service_pb2 import (
    CreateIssuerRequest,
    DeleteIssuerRequest,
    Issuer,
    ListIssuersRequest,
    ListIssuersResponse,
    UpdateIssuerRequest,
)
from rollbook.v1.issuer_service_pb2_grpc import IssuerServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.client.connection import Connection
    from rollbook.client.options import CallOptions, DeleteOptions
    from rollbook.v1.issuer_service_pb2_grpc import IssuerServiceAsyncStub


class Issuers:
    """Says whose tokens are credentials, with the scope "credentials"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> IssuerServiceAsyncStub:
        return IssuerServiceStub(self._connection.channel)

    async def create(self, issuer: Issuer, **options: Unpack[CallOptions]) -> Issuer:
        """Trust an issuer. Raises InvalidRequestError, AlreadyExistsError, and
        PermissionDeniedError for a scope that one lacks oneself, or for an audience that is not
        the tenant's own."""
        request = CreateIssuerRequest(issuer=issuer)
        answer = await self._connection.call(
            self._stub.CreateIssuer, request, options.get("timeout")
        )
        return answer.issuer

    def list(
        self, *, page_size: int | None = None, **options: Unpack[CallOptions]
    ) -> Listing[ListIssuersResponse, Issuer]:
        """The issuers, the newest first."""
        request = ListIssuersRequest(page_size=page_size)

        async def fetch(page_token: str) -> ListIssuersResponse:
            page = page_request(request, page_token)
            return await self._connection.call(self._stub.ListIssuers, page, options.get("timeout"))

        return Listing(fetch, lambda page: page.issuers)

    async def update(
        self,
        issuer: Issuer,
        mask: Iterable[str] = (),
        **options: Unpack[DeleteOptions],
    ) -> Issuer:
        """Change the fields that the mask names, those that are set without one. What tokens of
        the issuer were exchanged for ends, unless only its name is changed. Raises NotFoundError,
        ConflictError, and as `create`."""
        request = UpdateIssuerRequest(
            issuer=issuer, update_mask=FieldMask(paths=mask), **write_fields(options)
        )
        answer = await self._connection.call(
            self._stub.UpdateIssuer, request, options.get("timeout")
        )
        return answer.issuer

    async def delete(self, issuer_id: str, **options: Unpack[CallOptions]) -> None:
        """Trust an issuer no more, at once. Raises NotFoundError."""
        request = DeleteIssuerRequest(id=issuer_id)
        await self._connection.call(self._stub.DeleteIssuer, request, options.get("timeout"))
