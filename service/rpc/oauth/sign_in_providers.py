"""Methods of SignInProviderService."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook.v1 import sign_in_provider_service_pb2
from service.directory.oauth import sign_in_providers as use_cases
from service.domain import etag
from service.domain.oauth import sign_in_provider_rules as rules
from service.rpc import wire
from service.storage import credentials
from service.storage.credentials import DEFAULT_TENANT
from service.storage.oauth import sign_in_providers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.encryption import Encryption
    from service.rpc.calls import Answer, Call
    from service.rpc.writes import Writes
    from service.storage.database import Connection, Database
    from service.storage.oauth.sign_in_providers import StoredProvider

    RootUrl = Callable[[str], str]


class SignInProviderMethods:
    """Makes, reads, changes and deletes sign-in providers. `root_url_of` tells the URL of the
    authorization server of a tenant by its name, which is empty for the default one; `plain_http`
    whether URLs of providers may be http."""

    def __init__(
        self,
        database: Database,
        writes: Writes,
        encryption: Encryption,
        root_url_of: RootUrl,
        *,
        plain_http: bool,
    ) -> None:
        self._database = database
        self._writes = writes
        self._encryption = encryption
        self._root_url_of = root_url_of
        self._plain_http = plain_http

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "CreateSignInProvider": self.create,
            "GetSignInProvider": self.get,
            "ListSignInProviders": self.list,
            "UpdateSignInProvider": self.update,
            "DeleteSignInProvider": self.delete,
        }

    async def get(self, request: Any, call: Call) -> bytes:
        """One provider."""
        async with self._database.connection(call.tenant_id) as connection:
            found = await use_cases.existing(connection, call.tenant_id, request.id)
            return await self._answer(connection, found, call)

    async def list(self, request: Any, call: Call) -> bytes:
        """All providers."""
        del request
        async with self._database.connection(call.tenant_id) as connection:
            found = await sign_in_providers.find_all(connection, call.tenant_id)
            root = await self._root_url(connection, call)
        return sign_in_provider_service_pb2.ListSignInProvidersResponse(
            providers=[_message(each, root) for each in found]
        ).SerializeToString()

    async def create(self, request: Any, call: Call) -> bytes:
        """A new provider."""
        fingerprint = self._writes.fingerprint(request)
        content = rules.completed(request.provider, plain_http=self._plain_http)
        secret = rules.checked_secret(request.client_secret)

        async def work(connection: Connection) -> bytes:
            stored = await use_cases.create(
                connection, call.author, content, secret, self._encryption
            )
            return await self._answer(connection, stored, call)

        return await self._writes.run(call, request, fingerprint, work)

    async def update(self, request: Any, call: Call) -> bytes:
        """A provider with other fields, by which nobody is signed in who was before."""
        given = request.provider
        has_secret = request.HasField("client_secret")
        secret = rules.checked_secret(request.client_secret) if has_secret else None

        async def work(connection: Connection) -> bytes:
            before = await use_cases.existing(connection, call.tenant_id, given.id, hold=True)
            etag.require(request.etag, before.version)
            mask = list(request.update_mask.paths)
            content = rules.updated(before.content, given, mask, plain_http=self._plain_http)
            stored = await use_cases.update(
                connection, call.author, before, content, secret, self._encryption
            )
            return await self._answer(connection, stored, call)

        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def delete(self, request: Any, call: Call) -> bytes:
        """A provider less."""

        async def work(connection: Connection) -> bytes:
            await use_cases.delete(connection, call.author, request.id, request.etag)
            return b""

        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def _answer(self, connection: Connection, stored: StoredProvider, call: Call) -> bytes:
        """CreateSignInProviderResponse and its like: the provider is field 1 in all of them."""
        message = _message(stored, await self._root_url(connection, call))
        return wire.nested(1, message.SerializeToString())

    async def _root_url(self, connection: Connection, call: Call) -> str:
        if call.tenant_id == DEFAULT_TENANT:
            return self._root_url_of("")
        return self._root_url_of(await credentials.tenant_name(connection, call.tenant_id))


def _message(stored: StoredProvider, root: str) -> sign_in_provider_service_pb2.SignInProvider:
    return stored.message(rules.redirect_uri_of(root, stored.content.name))
