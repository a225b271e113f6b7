"""OAuthService put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from service.rpc.oauth.administrators import Administrators
from service.rpc.oauth.assertion_grant import AssertionGrant
from service.rpc.oauth.client_lookup import ClientLookup
from service.rpc.oauth.clients import OAuthClientMethods
from service.rpc.oauth.consent import OAuthConsentMethods
from service.rpc.oauth.grants import OAuthGrantMethods
from service.rpc.oauth.introspection import Introspection
from service.rpc.oauth.provider_sign_in import ProviderSignInMethods
from service.rpc.oauth.tokens import OAuthTokenMethods
from service.storage import signing_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.encryption import Encryption
    from service.epoch import Epoch
    from service.federation.issuers import Issuers
    from service.rpc.calls import Answer, Gate
    from service.rpc.gate.attempts import Attempts
    from service.rpc.gate.user_passwords import UserPasswords
    from service.storage.database import Connection, Database


@dataclass(frozen=True, slots=True)
class OAuthKeys:
    """What signs page tokens and forms, and makes the successors of refresh tokens and what
    sign-in providers have to repeat."""

    page: bytes
    form: bytes
    refresh: bytes
    sign_in: bytes

    @classmethod
    async def load(cls, connection: Connection) -> Self:
        """The keys that every worker shares."""
        return cls(
            page=await signing_keys.get(connection, "page_token"),
            form=await signing_keys.get(connection, "oauth_form"),
            refresh=await signing_keys.get(connection, "oauth_refresh"),
            sign_in=await signing_keys.get(connection, "provider_sign_in"),
        )


def oauth_answers(
    database: Database,
    epoch: Epoch,
    gate: Gate,
    passwords: UserPasswords,
    issuers: Issuers,
    keys: OAuthKeys,
    encryption: Encryption,
    attempts: Attempts,
) -> Mapping[str, Answer]:
    """The functions by the method names of the contract; `gate` is what stands before all others,
    since whom these are for is told by the request itself."""
    clients = ClientLookup(database, gate.tenancy, gate.connections)
    administrators = Administrators(database, gate.authenticator, passwords)
    return {
        **OAuthClientMethods(
            database, epoch, keys.page, plain_http=issuers.allows_plain_http
        ).answers(),
        **OAuthGrantMethods(database, epoch, keys.page).answers(),
        **OAuthTokenMethods(
            database,
            clients,
            epoch,
            issuers.keys,
            AssertionGrant(database, issuers, gate.tenancy, gate.rate_limits),
            Introspection(database, issuers),
            gate.rate_limits,
            refresh_key=keys.refresh,
        ).answers(),
        **OAuthConsentMethods(database, clients, administrators, keys.form).answers(),
        **ProviderSignInMethods(
            database,
            clients,
            gate.tenancy,
            issuers.relying_party,
            encryption,
            attempts,
            keys.sign_in,
        ).answers(),
    }
