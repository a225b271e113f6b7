"""What there is to say of a token (RFC 7662 §2.2): what whoever takes it goes by, and no more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rollbook.v1.oauth_service_pb2 import IntrospectOAuthTokenResponse
from service.directory.access.administration import withheld
from service.directory.oauth.tokens import digest_of
from service.domain.timestamps import timestamp
from service.federation.assertions import is_jwt
from service.storage.oauth import tokens as oauth_tokens

if TYPE_CHECKING:
    from uuid import UUID

    from service.federation.issuers import Issuers, VerifiedToken
    from service.storage.database import Database
    from service.storage.oauth.tokens import IssuedToken

_INACTIVE = IntrospectOAuthTokenResponse()


class Introspection:
    """Tells about tokens of one tenant: of another one's as little as of what is no token."""

    def __init__(self, database: Database, issuers: Issuers) -> None:
        self._database = database
        self._issuers = issuers

    async def for_client(
        self, token: str, tenant_id: UUID, client_id: str
    ) -> IntrospectOAuthTokenResponse:
        """What a client may know: of its own tokens."""
        found = await self._stored(token, tenant_id)
        return found if found.client_id == client_id else _INACTIVE

    async def for_administrator(self, token: str, tenant_id: UUID) -> IntrospectOAuthTokenResponse:
        """What an administrator may know: of every token of the tenant, API tokens and those of
        external issuers too."""
        found = await self._stored(token, tenant_id)
        if found.active or not is_jwt(token):
            return found
        verified = await self._issuers.verify(token)
        if verified is None or verified.tenant_id != tenant_id:
            return _INACTIVE
        return _of_issuer(verified)

    async def _stored(self, token: str, tenant_id: UUID) -> IntrospectOAuthTokenResponse:
        async with self._database.connection(tenant_id) as connection:
            found = await oauth_tokens.find(connection, tenant_id, digest_of(token))
            if found is None:
                return _INACTIVE
            not_good_for = await withheld(connection, tenant_id, found.principal_id, found.scopes)
        return _of_ours(found, found.scopes - not_good_for)


def _of_ours(token: IssuedToken, scopes: frozenset[str]) -> IntrospectOAuthTokenResponse:
    return IntrospectOAuthTokenResponse(
        active=True,
        scopes=sorted(scopes),
        client_id=token.client_id,
        is_refresh_token=token.is_refresh_token,
        subject=str(token.principal_id or token.client_id or token.workload or token.id),
        create_time=timestamp(token.create_time),
        expire_time=timestamp(token.expire_time),
    )


def _of_issuer(token: VerifiedToken) -> IntrospectOAuthTokenResponse:
    return IntrospectOAuthTokenResponse(
        active=True,
        scopes=sorted(token.scopes),
        subject=token.subject,
        create_time=timestamp(datetime.fromtimestamp(token.issued, UTC)),
        expire_time=timestamp(datetime.fromtimestamp(token.expires, UTC)),
        issuer=token.issuer,
        audiences=token.audiences,
    )
