"""Credentials that no API token is: of OAuth clients, and of other issuers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from aiohttp import ClientSession

from rollbook.access import Scope
from rollbook.v1.issuer_service_pb2 import Issuer, ScopeRule
from tests.harness.credentials import INVALID, Given
from tests.harness.oauth import OAuth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rollbook.client import RollbookClient
    from tests.harness.issuer import FakeIssuer

SCOPES: Final = frozenset({Scope.SCIM, Scope.DIRECTORY_READ})


async def of_oauth_clients(base_url: str) -> AsyncIterator[Given]:
    """What a client of the authorization server gets, and what it must not be let in with."""
    async with ClientSession() as session:
        oauth = OAuth(session, base_url.removesuffix("/scim/v2"))
        client = await oauth.register(client_credentials=True, scopes=sorted(SCOPES))
        itself = await oauth.token(client, grant_type="client_credentials")
        consented = await oauth.tokens_for(client)
        revoked = (await oauth.token(client, grant_type="client_credentials")).json["access_token"]
        await oauth.post("/oauth2/revoke", client, token=revoked)
        gone = await oauth.register(name="gone", client_credentials=True, scopes=sorted(SCOPES))
        of_gone = await oauth.token(gone, grant_type="client_credentials")
        await oauth.remove(gone)
    yield _bearer("a client's own token", itself.json["access_token"], SCOPES)
    yield _bearer("a token by consent", consented["access_token"], SCOPES)
    for title, secret in (
        ("a refresh token", consented["refresh_token"]),
        ("a client's secret", client["secret"]),
        ("a client's id", client["id"]),
        ("a revoked OAuth token", revoked),
        ("a token of a removed client", of_gone.json["access_token"]),
    ):
        yield _bearer(title, secret)


async def of_issuer(rollbook: RollbookClient, issuer: FakeIssuer) -> AsyncIterator[Given]:
    """Tokens of an issuer that the tenant trusts, right and wrong ones."""
    rule = ScopeRule(claims={"sub": "workload"}, scopes=sorted(SCOPES))
    await rollbook.issuers.create(
        Issuer(name="ci", issuer=issuer.url, audiences=["rollbook"], rules=[rule])
    )
    now = int(time.time())
    yield _bearer("a token of an issuer", issuer.token(exp=now + 3_000), SCOPES)
    for title, token in (
        ("for another audience", issuer.token(aud="other")),
        ("for nobody", issuer.token(aud=None)),
        ("expired", issuer.token(iat=now - 900, exp=now - 600)),
        ("of another issuer", issuer.token(iss="https://evil.example")),
        ("of another subject", issuer.token(sub="other")),
        ("cut short", issuer.token()[:-4]),
        ("unsigned", issuer.token().rpartition(".")[0] + "."),
    ):
        yield _bearer(f"a token of an issuer, {title}", token)


def _bearer(title: str, token: str, scopes: frozenset[Scope] = frozenset()) -> Given:
    return Given(title, f"Bearer {token}", scopes, "" if scopes else INVALID)
