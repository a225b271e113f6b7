"""Who has a token of an issuer that a tenant trusts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid5

import structlog

from rollbook.access import scopes_named
from service.domain.issuer_rules import digest_of, scopes_of
from service.federation.assertions import RefusedTokenError, Unverified, peek, verify
from service.federation.documents import Documents
from service.federation.key_sets import KeySets, fits
from service.federation.relying_party import RelyingParty
from service.storage import issuers
from service.storage.credentials import Credential

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from rollbook.access import Scope
    from service.federation.documents import Reach
    from service.storage.database import Database
    from service.storage.issuers import TrustedIssuer

log = structlog.get_logger(__name__)

_MAX_LOGGED: Final = 200


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a token proves: whose it is, by which name changes are signed, what it is good for,
    when it was made and when it ends, in seconds since 1970, by whom it was made and for whom.
    `max_lifetime` is what its issuer's may live,
    as in this version of it."""

    tenant_id: UUID
    issuer_id: UUID
    issuer_version: int
    subject: str
    name: str
    scopes: frozenset[Scope]
    issued: float
    expires: float
    issuer: str
    audiences: tuple[str, ...]
    max_lifetime: int


class Issuers:
    """Verifies tokens by what tenants have registered. `clock` tells seconds since 1970."""

    def __init__(
        self, database: Database, reach: Reach, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._documents = Documents(reach)
        self._keys = KeySets(self._documents)
        self._relying_party = RelyingParty(self._documents, self._keys, clock)
        self._clock = clock

    @property
    def allows_plain_http(self) -> bool:
        """Whether issuers may be on this machine, and there over plain HTTP."""
        return self._documents.allows_plain_http

    @property
    def keys(self) -> KeySets:
        """The keys of issuers, and of whoever else publishes theirs."""
        return self._keys

    @property
    def relying_party(self) -> RelyingParty:
        """What signs people in by OpenID providers."""
        return self._relying_party

    async def find(self, token: str) -> Credential | None:
        """What the holder of a token is let in by, until it expires; None when it is refused,
        for whatever reason."""
        verified = await self.verify(token)
        if verified is None:
            return None
        return Credential(
            tenant_id=verified.tenant_id,
            # All tokens of a subject are one credential.
            id=uuid5(verified.issuer_id, verified.subject),
            name=verified.name,
            scopes=verified.scopes,
            expire_time=datetime.fromtimestamp(verified.expires, UTC),
            seconds_left=verified.expires - self._clock(),
            # It is no row, so there is nowhere to note its use.
            noted_this_minute=True,
            password_hash=None,
        )

    async def verify(self, token: str) -> VerifiedToken | None:
        """What a token proves, as a credential or as an assertion (RFC 7523 §3): its audience is
        one that the tenant has registered. None when it is refused, for whatever reason."""
        issuer = ""
        try:
            claimed = peek(token)
            issuer = claimed.issuer
            return await self._verified(token, claimed)
        except RefusedTokenError as refusal:
            log.info("token.refused", reason=str(refusal), issuer=issuer[:_MAX_LOGGED])
            return None

    async def close(self) -> None:
        """End the connections to issuers."""
        await self._relying_party.close()
        await self._keys.close()
        await self._documents.close()

    async def _verified(self, token: str, claimed: Unverified) -> VerifiedToken:
        trusted = await self._trusted(claimed)
        message = trusted.message
        key = await self._keys.find(message.issuer, message.jwks_uri, claimed.key_id)
        if key is None:
            raise RefusedTokenError("key")
        if not fits(key, claimed.algorithm):
            raise RefusedTokenError("key for another algorithm")
        claims = verify(token, claimed, key, message, self._clock())
        scopes = scopes_named(scopes_of(message.rules, claims))
        if not scopes:
            raise RefusedTokenError("no rule fits its claims")
        return VerifiedToken(
            tenant_id=trusted.tenant_id,
            issuer_id=trusted.id,
            issuer_version=trusted.version,
            subject=claims["sub"],
            name=f"{message.name}: {claims['sub']}",
            scopes=scopes,
            issued=claims["iat"],
            expires=claims["exp"],
            issuer=message.issuer,
            audiences=claimed.audiences,
            max_lifetime=message.max_lifetime.seconds,
        )

    async def _trusted(self, claimed: Unverified) -> TrustedIssuer:
        """The one registration that a token can be meant for. Raises RefusedTokenError."""
        digests = [digest_of(claimed.issuer, audience) for audience in claimed.audiences]
        async with self._database.across_tenants() as connection:
            found = await issuers.by_digests(connection, digests)
        if len(found) != 1:
            raise RefusedTokenError("several tenants are meant" if found else "issuer or audience")
        return found[0]
