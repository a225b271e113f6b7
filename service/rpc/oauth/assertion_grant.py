"""The grant for assertions of workloads: `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523).

A workload that has a token of an issuer that its tenant trusts gets an access token for it, and
needs no client and no secret for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollbook.access import scopes_named
from rollbook.tokens import ACCESS_PREFIX, hint_of, new_token
from rollbook.v1 import oauth_service_pb2
from service.directory.oauth.tokens import digest_of
from service.domain.oauth.errors import OAuthError, invalid_request
from service.federation.assertions import is_jwt
from service.storage import workload_tokens
from service.storage.workload_tokens import NewWorkloadToken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from rollbook.access import Scope
    from service.domain.oauth.parameters import Parameters
    from service.federation.issuers import Issuers, VerifiedToken
    from service.rpc.gate.rate_limits import RateLimits
    from service.rpc.gate.tenancy import Tenancy
    from service.storage.database import Database

MAX_SECONDS: Final = 3_600
"""How long an access token lives at most: whoever needs one for longer asks again, and shows that
the issuer still vouches for them (RFC 7521 §4.1)."""


class AssertionGrant:
    """Gives access tokens for assertions."""

    def __init__(
        self, database: Database, trusted: Issuers, tenancy: Tenancy, rate_limits: RateLimits
    ) -> None:
        self._database = database
        self._issuers = trusted
        self._tenancy = tenancy
        self._rate_limits = rate_limits

    async def answer(
        self, parameters: Parameters, tenant_id: UUID | None, metadata: Mapping[str, str]
    ) -> bytes:
        """An access token of the tenant that the assertion is for: in `tenant_id` if a client of
        that tenant asks, and in none that is suspended, or another one than the URL names by the
        `metadata`. Raises OAuthError, RATE_LIMITED."""
        text = parameters.get("assertion")
        if not text:
            raise invalid_request("The parameter assertion is missing.")
        verified = await self._issuers.verify(text) if is_jwt(text) else None
        if verified is None or tenant_id not in {None, verified.tenant_id}:
            raise _invalid()
        if not await self._tenancy.serves(verified.tenant_id, metadata):
            raise _invalid()
        rate = await self._tenancy.rate_of(verified.tenant_id)
        self._rate_limits.count(verified.tenant_id, verified.issuer_id, rate)
        scopes = _granted(parameters.get("scope"), verified.scopes)
        return await self._issue(verified, scopes)

    async def _issue(self, verified: VerifiedToken, scopes: frozenset[Scope]) -> bytes:
        secret, seconds = new_token(ACCESS_PREFIX), min(MAX_SECONDS, verified.max_lifetime)
        async with self._database.connection(verified.tenant_id) as connection:
            stored = await workload_tokens.insert(
                connection,
                verified.tenant_id,
                NewWorkloadToken(
                    verified.issuer_id,
                    verified.issuer_version,
                    verified.name,
                    verified.subject,
                    digest_of(secret),
                    hint_of(secret),
                    scopes,
                    seconds,
                ),
            )
        if not stored:
            raise _invalid()
        return oauth_service_pb2.IssueOAuthTokenResponse(
            access_token=secret, expires_in=seconds, scopes=sorted(scopes)
        ).SerializeToString()


def _granted(asked: str, possible: frozenset[Scope]) -> frozenset[Scope]:
    """The scopes that are asked for, all that there are when none is (RFC 6749 §3.3)."""
    names = asked.split()
    if not names:
        return possible
    scopes = scopes_named(names)
    if len(scopes) != len(set(names)) or not scopes <= possible:
        raise OAuthError("invalid_scope", "The scope goes beyond what the assertion is good for.")
    return scopes


def _invalid() -> OAuthError:
    return OAuthError("invalid_grant", "The assertion is not valid here.")
