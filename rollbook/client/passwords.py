"""Calls on users' passwords."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from rollbook.client.options import one_key, write_fields
from rollbook.v1.password_service_pb2 import (
    SetPasswordRequest,
    SetPasswordResponse,
    VerifyPasswordRequest,
)
from rollbook.v1.password_service_pb2_grpc import PasswordServiceStub

if TYPE_CHECKING:
    from rollbook.client.connection import Connection
    from rollbook.client.options import CallOptions, DeleteOptions
    from rollbook.v1.password_service_pb2_grpc import PasswordServiceAsyncStub


class Passwords:
    """Checks passwords, with the scope "passwords.verify", and sets them, with "admin"."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def _stub(self) -> PasswordServiceAsyncStub:
        return PasswordServiceStub(self._connection.channel)

    async def verify(
        self,
        password: str,
        *,
        user_name: str | None = None,
        user_id: str | None = None,
        client_address: str = "",
        **options: Unpack[CallOptions],
    ) -> str | None:
        """The id of the active user whose password it is; None when it is wrong, or the user is
        deactivated, has none or does not exist. Give the IP address of who wants to log in as
        `client_address`, so that others are not refused for what they try. Raises
        LimitExceededError after too many wrong ones; TypeError unless one user is named."""
        request = VerifyPasswordRequest(
            password=password,
            client_address=client_address,
            **one_key(user_name=user_name, user_id=user_id),
        )
        answer = await self._connection.call(
            self._stub.VerifyPassword, request, options.get("timeout")
        )
        return answer.user_id if answer.valid else None

    async def set(
        self,
        password: str | None,
        *,
        user_name: str | None = None,
        user_id: str | None = None,
        **options: Unpack[DeleteOptions],
    ) -> SetPasswordResponse:
        """Give a user a password, or take it away with None. Raises InvalidRequestError,
        NotFoundError, ConflictError; TypeError unless one user is named."""
        request = SetPasswordRequest(
            password=password or "",
            **one_key(user_name=user_name, user_id=user_id),
            **write_fields(options),
        )
        return await self._connection.call(self._stub.SetPassword, request, options.get("timeout"))
