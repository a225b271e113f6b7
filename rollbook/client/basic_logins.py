"""Calls on user names with passwords, for clients that can do nothing but Basic."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from rollbook.client.listing import Listing, page_request
from rollbook.v1.credential_service_pb2 import (
    BasicLogin,
    CreateBasicLoginRequest,
    CreateBasicLoginResponse,
    DeleteBasicLoginRequest,
    ListBasicLoginsRequest,
    ListBasicLoginsResponse,
)
from rollbook.v1.credential_service_pb2_grpc import CredentialServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.client.connection import Connection
    from rollbook.client.options import CallOptions
    from rollbook.v1.credential_service_pb2_grpc import CredentialServiceAsyncStub


class BasicLogins:
    """Makes, lists and removes Basic logins, with the scope "credentials"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> CredentialServiceAsyncStub:
        return CredentialServiceStub(self._connection.channel)

    async def create(
        self,
        user_name: str,
        password: str = "",
        *,
        scopes: Iterable[str] = (),
        connection_id: str = "",
        **options: Unpack[CallOptions],
    ) -> CreateBasicLoginResponse:
        """Let a client in by user name and password; without one, `password` of the answer is the
        one that was made up and cannot be had again. It is good for SCIM unless `scopes` say
        otherwise, and for the default SCIM connection without a `connection_id`.

        Raises AlreadyExistsError when the user name is taken, InvalidRequestError, NotFoundError,
        and PermissionDeniedError for a scope that one lacks oneself.
        """
        request = CreateBasicLoginRequest(
            user_name=user_name, password=password, scopes=scopes, connection_id=connection_id
        )
        return await self._connection.call(
            self._stub.CreateBasicLogin, request, options.get("timeout")
        )

    def list(
        self, *, page_size: int | None = None, **options: Unpack[CallOptions]
    ) -> Listing[ListBasicLoginsResponse, BasicLogin]:
        """Who gets in by user name and password, the newest first."""
        request = ListBasicLoginsRequest(page_size=page_size)

        async def fetch(page_token: str) -> ListBasicLoginsResponse:
            page = page_request(request, page_token)
            return await self._connection.call(
                self._stub.ListBasicLogins, page, options.get("timeout")
            )

        return Listing(fetch, lambda page: page.logins)

    async def delete(self, login_id: str, **options: Unpack[CallOptions]) -> None:
        """Let it in no more, at once. Raises NotFoundError."""
        request = DeleteBasicLoginRequest(id=login_id)
        await self._connection.call(self._stub.DeleteBasicLogin, request, options.get("timeout"))
