"""Who calls: credentials of the `authorization` metadata, checked against their stored hashes."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from rollbook import tokens
from rollbook.metadata import EXPECT_TENANT
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory.access.administration import withheld
from service.domain.errors import DomainError
from service.epoch import RIGHTS, Epoch
from service.federation.assertions import is_jwt
from service.rpc.gate import recently_admitted
from service.rpc.gate.certificates import Certificates
from service.rpc.gate.expected_tenant import expected_of
from service.storage import credentials
from service.storage.database import NO_TENANT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from uuid import UUID

    from rollbook.access import Scope
    from service.federation.issuers import Issuers
    from service.rpc.gate.certificates import PeerCertificate
    from service.rpc.gate.expected_tenant import Expected
    from service.rpc.gate.last_uses import LastUses
    from service.rpc.gate.passwords import Passwords
    from service.storage.credentials import Credential
    from service.storage.database import Database

    Client = Callable[[], str]
    Shown = Callable[[], PeerCertificate | None]

CACHE_SECONDS: Final = 1.0 - recently_admitted.SECONDS
"""How long a credential that another machine revokes is still taken for valid, counted from
before the database was asked: a second, with the moment for which callers are remembered. On this
machine the epoch ends it at once."""

CACHE_SIZE: Final = 10_000

REFUSAL_SECONDS: Final = 0.01
"""How long a refusal takes at least, so that its time does not tell what was wrong."""

_MAX_HEADER: Final = 8_192


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is allowed in: the tenant, the credential with the name that `changes` records, what
    it is good for, until when, whose it is (None: nobody's), and the SCIM connection that it is
    for (None: the default). It has the scopes `withheld` too, but is not good for them: whose it
    is has no role that grants them."""

    tenant_id: UUID
    credential_id: UUID
    name: str
    scopes: frozenset[Scope]
    expire_time: datetime | None = None
    principal_id: UUID | None = None
    connection_id: UUID | None = None
    withheld: frozenset[Scope] = frozenset()


NOBODY: Final = Caller(NO_TENANT, NO_TENANT, "nobody", frozenset())
"""Who calls a method that takes no credentials: it sees no tenant's rows."""


class _Epochs(NamedTuple):
    """Under which numbers something is believed: of all credentials, and of principals' rights."""

    credentials: int
    rights: int


class _Known(NamedTuple):
    """Who a credential belongs to, and until when, under which epochs, that is believed."""

    expires: float
    epochs: _Epochs
    caller: Caller

    def holds(self, now: float, epochs: _Epochs) -> bool:
        """Whether it is believed still: rights matter to credentials that are somebody's."""
        if self.expires <= now or self.epochs.credentials != epochs.credentials:
            return False
        return self.caller.principal_id is None or self.epochs.rights == epochs.rights


def _nothing_shown() -> None:
    """What a peer without a certificate shows."""


class Authenticator:
    """Checks credentials. Keeps who they belong to for a second, under a hash of the header.

    `foreign_tokens` are the SHA-256s of valid tokens that have our prefix but no checksum;
    `issuers` know the tokens that others have made.
    """

    def __init__(
        self,
        database: Database,
        epoch: Epoch,
        passwords: Passwords,
        last_uses: LastUses,
        foreign_tokens: frozenset[bytes] = frozenset(),
        issuers: Issuers | None = None,
    ) -> None:
        self._database = database
        self._epoch = epoch
        self._passwords = passwords
        self._last_uses = last_uses
        self._certificates = Certificates(database)
        self._issuers = issuers
        self._foreign_tokens = foreign_tokens
        self._known: dict[bytes, _Known] = {}

    async def authenticate(
        self, metadata: Mapping[str, str], client: Client, shown: Shown = _nothing_shown
    ) -> Caller:
        """The caller; `client` tells where the call comes from, and `shown` which certificate its
        peer has: that counts when the call has no credentials.

        Raises CREDENTIALS_MISSING or CREDENTIALS_INVALID; RATE_LIMITED or UNAVAILABLE where
        passwords are tried too often.
        """
        header = metadata.get("authorization", "").strip()
        certificate = None if header else shown()
        if certificate is not None:
            key = certificate.key
        elif header:
            key = _key(header, metadata.get(EXPECT_TENANT, ""))
        else:
            raise DomainError(
                ErrorReason.ERROR_REASON_CREDENTIALS_MISSING,
                "The call has no credentials: send an authorization header with a bearer token.",
            )
        # Both are taken before the database is asked: what happens after that is news.
        now, epochs = time.monotonic(), _Epochs(self._epoch.current, self._epoch.at(RIGHTS))
        known = self._known.get(key)
        if known is not None and known.holds(now, epochs):
            return known.caller
        if certificate is None:
            credential = await self._find(header, key, client, expected_of(metadata))
        else:
            credential = await self._certificates.find(certificate)
        if credential is None:
            await asyncio.sleep(now + REFUSAL_SECONDS - time.monotonic())
            raise invalid_credentials()
        self._last_uses.note(credential)
        return self._remember(key, now, epochs, credential, await self._withheld(credential))

    async def _withheld(self, credential: Credential) -> frozenset[Scope]:
        """What a credential of whatever kind is not good for."""
        if credential.principal_id is None:
            return frozenset()
        async with self._database.connection(credential.tenant_id) as connection:
            return await withheld(
                connection, credential.tenant_id, credential.principal_id, credential.scopes
            )

    def _remember(
        self,
        key: bytes,
        now: float,
        epochs: _Epochs,
        credential: Credential,
        not_good_for: frozenset[Scope],
    ) -> Caller:
        caller = Caller(
            credential.tenant_id,
            credential.id,
            credential.name,
            credential.scopes - not_good_for,
            credential.expire_time,
            credential.principal_id,
            credential.connection_id,
            not_good_for,
        )
        left = credential.seconds_left
        seconds = CACHE_SECONDS if left is None else min(CACHE_SECONDS, left)
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[key] = _Known(now + seconds, epochs, caller)
        return caller

    async def _find(
        self, header: str, key: bytes, client: Client, expected: Expected
    ) -> Credential | None:
        if len(header) > _MAX_HEADER:
            return None
        scheme, _, rest = header.partition(" ")
        if scheme.lower() == "basic" and rest:
            return await self._passwords.find(rest.strip(), key, client, expected)
        # Okta's header mode sends the token with no scheme at all.
        return await self._find_token(
            rest.strip() if scheme.lower() == "bearer" and rest else header
        )

    async def _find_token(self, token: str) -> Credential | None:
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        if self._is_mistyped(token, digest):
            return None
        if self._issuers and is_jwt(token) and digest not in self._foreign_tokens:
            return await self._issuers.find(token)
        async with self._database.across_tenants() as connection:
            tenant_id = await credentials.tenant_of_token(connection, digest)
        if tenant_id is None:
            return None
        async with self._database.connection(tenant_id) as connection:
            return await credentials.by_token_hash(connection, tenant_id, digest)

    def _is_mistyped(self, token: str, digest: bytes) -> bool:
        """Whether a token claims to be of our making and is not: the database need not say so."""
        if not tokens.claims_to_be_ours(token) or tokens.is_well_formed(token):
            return False
        return digest not in self._foreign_tokens


def _key(header: str, expected: str) -> bytes:
    """Under what it is kept whose a header is: the same user name is another one's elsewhere."""
    digest = hashlib.sha256(header.encode("utf-8", "surrogateescape")).digest()
    if not expected:
        return digest
    return hashlib.sha256(digest + expected.encode("utf-8", "surrogateescape")).digest()


def invalid_credentials() -> DomainError:
    """CREDENTIALS_INVALID: whatever is wrong with them."""
    return DomainError(
        ErrorReason.ERROR_REASON_CREDENTIALS_INVALID,
        "The credentials are not valid: check the token, or the user name and password, or whose "
        "the client certificate is.",
    )
