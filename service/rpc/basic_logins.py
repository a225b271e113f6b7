"""Methods of CredentialService about user names and passwords of clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook.v1 import credential_service_pb2
from service.directory import basic_logins as use_cases
from service.domain.basic_login_rules import (
    checked_password,
    checked_user_name,
    new_password,
    scopes_of_login,
)
from service.domain.token_rules import check_not_wider
from service.rpc.id_pages import IdPage
from service.rpc.withdrawal import withdraw
from service.storage import basic_logins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.epoch import Epoch
    from service.passwords import PasswordHasher
    from service.rpc.calls import Answer, Call
    from service.storage.database import Database


class BasicLoginMethods:
    """Makes, lists and removes Basic logins."""

    def __init__(
        self, database: Database, hasher: PasswordHasher, epoch: Epoch, page_key: bytes
    ) -> None:
        self._database = database
        self._hasher = hasher
        self._epoch = epoch
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "CreateBasicLogin": self.create,
            "ListBasicLogins": self.list,
            "DeleteBasicLogin": self.delete,
        }

    async def create(self, request: Any, call: Call) -> bytes:
        """A new login, of no wider scope than the caller's own."""
        user_name, scopes = checked_user_name(request.user_name), scopes_of_login(request.scopes)
        check_not_wider(scopes, call.caller.scopes)
        made_up = "" if request.password else new_password()
        password_hash = await self._hasher.hash(made_up or checked_password(request.password))
        login = await self._database.transaction(
            call.tenant_id,
            lambda connection: use_cases.create(
                connection, call.author, user_name, password_hash, scopes, request.connection_id
            ),
        )
        return credential_service_pb2.CreateBasicLoginResponse(
            login=login.message(), password=made_up
        ).SerializeToString()

    async def list(self, request: Any, call: Call) -> bytes:
        """One page of logins."""
        page = IdPage.of(request, call, self._page_key)
        async with self._database.connection(call.tenant_id) as connection:
            found = await basic_logins.page(
                connection, call.tenant_id, before=page.before, limit=page.limit
            )
        logins, next_page_token = page.cut(found)
        return credential_service_pb2.ListBasicLoginsResponse(
            logins=[login.message() for login in logins], next_page_token=next_page_token
        ).SerializeToString()

    async def delete(self, request: Any, call: Call) -> bytes:
        """A login less, which nobody on this machine believes in when this returns."""
        await withdraw(
            self._database,
            self._epoch,
            call.tenant_id,
            lambda connection: use_cases.delete(connection, call.author, request.id),
        )
        return b""
