"""Calls on API tokens."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from google.protobuf.duration_pb2 import Duration

from rollbook.client.listing import Listing, page_request
from rollbook.v1.credential_service_pb2 import (
    CreateTokenRequest,
    CreateTokenResponse,
    DescribeCallerRequest,
    DescribeCallerResponse,
    ListTokensRequest,
    ListTokensResponse,
    RevokeTokenRequest,
    RotateTokenRequest,
    RotateTokenResponse,
    Token,
)
from rollbook.v1.credential_service_pb2_grpc import CredentialServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from rollbook.client.connection import Connection
    from rollbook.client.options import CallOptions
    from rollbook.v1.credential_service_pb2_grpc import CredentialServiceAsyncStub


class Tokens:
    """Makes, lists, replaces and revokes API tokens, with the scope "credentials"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> CredentialServiceAsyncStub:
        return CredentialServiceStub(self._connection.channel)

    async def create(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        lifetime: timedelta | None = None,
        principal_id: str = "",
        connection_id: str = "",
        **options: Unpack[CallOptions],
    ) -> CreateTokenResponse:
        """Make a token; `secret` of the answer cannot be had again. It has no end without a
        `lifetime`, but ends with the user or service account whose `principal_id` is given, and
        is for the default SCIM connection without a `connection_id`.

        Raises PermissionDeniedError for a scope that one lacks oneself, NotFoundError, and
        InvalidRequestError for a deactivated one. It is not repeated when the answer is lost: see
        `list` then.
        """
        request = CreateTokenRequest(
            name=name,
            scopes=scopes,
            lifetime=_duration(lifetime),
            principal_id=principal_id,
            connection_id=connection_id,
        )
        return await self._connection.call(self._stub.CreateToken, request, options.get("timeout"))

    def list(
        self,
        *,
        show_ended: bool = False,
        principal_id: str = "",
        page_size: int | None = None,
        **options: Unpack[CallOptions],
    ) -> Listing[ListTokensResponse, Token]:
        """The tokens, of one user or service account when its `principal_id` is given, newest
        first, without those that were revoked or have expired unless `show_ended`."""
        request = ListTokensRequest(
            show_ended=show_ended, principal_id=principal_id, page_size=page_size
        )

        async def fetch(page_token: str) -> ListTokensResponse:
            page = page_request(request, page_token)
            return await self._connection.call(self._stub.ListTokens, page, options.get("timeout"))

        return Listing(fetch, lambda page: page.tokens)

    async def rotate(
        self, token_id: str, *, overlap: timedelta | None = None, **options: Unpack[CallOptions]
    ) -> RotateTokenResponse:
        """Make a token in the place of another, which stays valid for the `overlap`, a day when
        that is None. Raises NotFoundError, PermissionDeniedError."""
        request = RotateTokenRequest(id=token_id, overlap=_duration(overlap))
        return await self._connection.call(self._stub.RotateToken, request, options.get("timeout"))

    async def revoke(self, token_id: str, **options: Unpack[CallOptions]) -> None:
        """Make a token invalid at once. One that has ended is no error. Raises NotFoundError."""
        request = RevokeTokenRequest(id=token_id)
        await self._connection.call(self._stub.RevokeToken, request, options.get("timeout"))

    async def describe_caller(self, **options: Unpack[CallOptions]) -> DescribeCallerResponse:
        """Who one is oneself: tenant, name and scopes of one's credentials, of whatever kind."""
        return await self._connection.call(
            self._stub.DescribeCaller, DescribeCallerRequest(), options.get("timeout")
        )


def _duration(length: timedelta | None) -> Duration | None:
    if length is None:
        return None
    message = Duration()
    message.FromTimedelta(length)
    return message
