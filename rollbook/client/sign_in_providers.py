"""Calls on sign-in providers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from google.protobuf.field_mask_pb2 import FieldMask

from rollbook.client.options import CallOptions, CommandOptions, DeleteOptions, write_fields
from rollbook.v1.sign_in_provider_service_pb2 import (
    CreateSignInProviderRequest,
    DeleteSignInProviderRequest,
    GetSignInProviderRequest,
    ListSignInProvidersRequest,
    UpdateSignInProviderRequest,
)
from rollbook.v1.sign_in_provider_service_pb2_grpc import SignInProviderServiceStub

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook.client.connection import Connection
    from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider
    from rollbook.v1.sign_in_provider_service_pb2_grpc import SignInProviderServiceAsyncStub


class SignInProviders:
    """Manages by which OpenID providers administrators sign in, with the scope "admin"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> SignInProviderServiceAsyncStub:
        return SignInProviderServiceStub(self._connection.channel)

    async def create(
        self,
        provider: SignInProvider,
        client_secret: str = "",
        **options: Unpack[CommandOptions],
    ) -> SignInProvider:
        """Make a provider and return it as stored; without a secret it knows this service as a
        public client. Raises AlreadyExistsError when its name is taken, InvalidRequestError."""
        request = CreateSignInProviderRequest(
            provider=provider, client_secret=client_secret, **write_fields(options)
        )
        answer = await self._connection.call(
            self._stub.CreateSignInProvider, request, options.get("timeout")
        )
        return answer.provider

    async def get(self, provider_id: str, **options: Unpack[CallOptions]) -> SignInProvider:
        """One provider. Raises NotFoundError."""
        request = GetSignInProviderRequest(id=provider_id)
        answer = await self._connection.call(
            self._stub.GetSignInProvider, request, options.get("timeout")
        )
        return answer.provider

    async def list(self, **options: Unpack[CallOptions]) -> Sequence[SignInProvider]:
        """All providers, by name."""
        answer = await self._connection.call(
            self._stub.ListSignInProviders, ListSignInProvidersRequest(), options.get("timeout")
        )
        return answer.providers

    async def update(
        self,
        provider: SignInProvider,
        mask: Iterable[str] = (),
        *,
        client_secret: str | None = None,
        **options: Unpack[DeleteOptions],
    ) -> SignInProvider:
        """Change the fields that the mask names, those that are set without one; and the secret,
        if one is given, which may be empty. Raises NotFoundError, ConflictError,
        InvalidRequestError."""
        request = UpdateSignInProviderRequest(
            provider=provider,
            update_mask=FieldMask(paths=mask),
            client_secret=client_secret,
            **write_fields(options),
        )
        answer = await self._connection.call(
            self._stub.UpdateSignInProvider, request, options.get("timeout")
        )
        return answer.provider

    async def delete(self, provider_id: str, **options: Unpack[DeleteOptions]) -> None:
        """Delete a provider, and sign out whom it has signed in. Raises NotFoundError,
        ConflictError."""
        request = DeleteSignInProviderRequest(id=provider_id, **write_fields(options))
        await self._connection.call(
            self._stub.DeleteSignInProvider, request, options.get("timeout")
        )
