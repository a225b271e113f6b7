"""Calls on the OAuth authorization server: its clients, and what these were given."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from rollbook.client.listing import Listing, page_request
from rollbook.v1.oauth_service_pb2 import (
    CreateOAuthClientRequest,
    CreateOAuthClientResponse,
    DeleteOAuthClientRequest,
    GetOAuthClientRequest,
    ListOAuthClientsRequest,
    ListOAuthClientsResponse,
    ListOAuthGrantsRequest,
    ListOAuthGrantsResponse,
    OAuthClient,
    OAuthGrant,
    RevokeOAuthGrantRequest,
)
from rollbook.v1.oauth_service_pb2_grpc import OAuthServiceStub

if TYPE_CHECKING:
    from rollbook.client.connection import Connection
    from rollbook.client.options import CallOptions
    from rollbook.v1.oauth_service_pb2_grpc import OAuthServiceAsyncStub


class OAuthClients:
    """Registers, lists and removes clients, with the scope "admin"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> OAuthServiceAsyncStub:
        return OAuthServiceStub(self._connection.channel)

    async def create(
        self,
        client: OAuthClient,
        *,
        keep_refresh_tokens: bool = False,
        **options: Unpack[CallOptions],
    ) -> CreateOAuthClientResponse:
        """Register a client; `secret` of the answer cannot be had again. Its refresh tokens are
        for one use each unless `keep_refresh_tokens`. Raises InvalidRequestError, and
        PermissionDeniedError for a scope that one lacks oneself. It is not repeated when the
        answer is lost: see `list` then."""
        request = CreateOAuthClientRequest(client=client, keep_refresh_tokens=keep_refresh_tokens)
        return await self._connection.call(
            self._stub.CreateOAuthClient, request, options.get("timeout")
        )

    async def get(self, client_id: str, **options: Unpack[CallOptions]) -> OAuthClient:
        """One client. Raises NotFoundError."""
        request = GetOAuthClientRequest(id=client_id)
        answer = await self._connection.call(
            self._stub.GetOAuthClient, request, options.get("timeout")
        )
        return answer.client

    def list(
        self, *, page_size: int | None = None, **options: Unpack[CallOptions]
    ) -> Listing[ListOAuthClientsResponse, OAuthClient]:
        """The clients, newest first, without their secrets."""
        request = ListOAuthClientsRequest(page_size=page_size)

        async def fetch(page_token: str) -> ListOAuthClientsResponse:
            page = page_request(request, page_token)
            return await self._connection.call(
                self._stub.ListOAuthClients, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.clients)

    async def delete(self, client_id: str, **options: Unpack[CallOptions]) -> None:
        """Remove a client and revoke all that it got. Raises NotFoundError."""
        request = DeleteOAuthClientRequest(id=client_id)
        await self._connection.call(self._stub.DeleteOAuthClient, request, options.get("timeout"))


class OAuthGrants:
    """Lists what administrators have consented to, and takes it back, with the scope "admin"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> OAuthServiceAsyncStub:
        return OAuthServiceStub(self._connection.channel)

    def list(
        self,
        *,
        client_id: str = "",
        principal_id: str = "",
        show_ended: bool = False,
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Listing[ListOAuthGrantsResponse, OAuthGrant]:
        """The grants, newest first: those of one client, and those of one user, when these are
        given; without those that have expired or were revoked unless `show_ended`. Raises
        NotFoundError for a client that is not there."""
        request = ListOAuthGrantsRequest(
            client_id=client_id,
            principal_id=principal_id,
            show_ended=show_ended,
            page_size=page_size,
        )

        async def fetch(page_token: str) -> ListOAuthGrantsResponse:
            page = page_request(request, page_token)
            return await self._connection.call(
                self._stub.ListOAuthGrants, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.grants)

    async def revoke(self, grant_id: str, **options: Unpack[CallOptions]) -> None:
        """Take a consent back with all tokens that stand on it, at once. One that has ended is no
        error. Raises NotFoundError."""
        request = RevokeOAuthGrantRequest(id=grant_id)
        await self._connection.call(self._stub.RevokeOAuthGrant, request, options.get("timeout"))
