"""Tokens of other issuers exchanged for access tokens (RFC 7523), over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, DummyCookieJar

from rollbook import errors
from rollbook.client import RollbookClient
from rollbook.v1.issuer_service_pb2 import Issuer, ScopeRule
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.issuer import FakeIssuer, running_issuer
from tests.harness.oauth import OAuth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.oauth import Answered

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
async def address(database_url: str) -> AsyncIterator[str]:
    async with running_service(database_url, issuer_reach="local") as address:
        yield address


@pytest.fixture
async def oauth(address: str) -> AsyncIterator[OAuth]:
    async with (
        running_gateway(address) as url,
        ClientSession(cookie_jar=DummyCookieJar()) as session,
    ):
        yield OAuth(session, url.removesuffix("/scim/v2"))


@pytest.fixture
async def admin(
    address: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    await database.execute("DELETE FROM issuers")
    async with RollbookClient(address, token=TOKEN) as client:
        yield client


@pytest.fixture
async def issuer(admin: RollbookClient) -> AsyncIterator[FakeIssuer]:
    """One that the tenant trusts."""
    rule = ScopeRule(claims={"sub": "workload"}, scopes=["directory.read", "scim"])
    async with running_issuer() as issuer:
        trusted = Issuer(name="ci", issuer=issuer.url, audiences=["rollbook"], rules=[rule])
        await admin.issuers.create(trusted)
        yield issuer


async def exchange(oauth: OAuth, assertion: str, **parameters: Any) -> Answered:
    form = {"grant_type": JWT_BEARER, "assertion": assertion, **parameters}
    return await oauth.send("POST", "/oauth2/token", data=form)


async def test_an_assertion_gives_a_token_of_its_scopes(
    oauth: OAuth, address: str, issuer: FakeIssuer
) -> None:
    answered = await exchange(oauth, issuer.token())
    assert answered.status == 200
    assert answered.json["token_type"] == "Bearer"
    assert answered.json["scope"] == "directory.read scim"
    assert answered.json["expires_in"] == 3_600
    assert "refresh_token" not in answered.json
    assert answered.headers["Cache-Control"] == "no-store"
    async with RollbookClient(address, token=answered.json["access_token"]) as client:
        caller = await client.tokens.describe_caller()
        assert (caller.name, sorted(caller.scopes)) == ("ci: workload", ["directory.read", "scim"])


async def test_less_may_be_asked_for_and_no_more(oauth: OAuth, issuer: FakeIssuer) -> None:
    assert (await exchange(oauth, issuer.token(), scope="scim")).json["scope"] == "scim"
    for scope in ("admin", "scim admin", "nonsense"):
        answered = await exchange(oauth, issuer.token(), scope=scope)
        assert answered.error == "400 invalid_scope"


async def test_what_is_no_assertion_gives_nothing(oauth: OAuth, issuer: FakeIssuer) -> None:
    for assertion in (issuer.token(aud="x"), issuer.token(sub="x"), TOKEN, "nonsense"):
        assert (await exchange(oauth, assertion)).error == "400 invalid_grant"
    missing = await oauth.send("POST", "/oauth2/token", data={"grant_type": JWT_BEARER})
    assert missing.error == "400 invalid_request"


async def test_a_client_that_says_who_it_is_has_to_prove_it(
    oauth: OAuth, issuer: FakeIssuer
) -> None:
    client = await oauth.register()
    wrong = await exchange(oauth, issuer.token(), client_id=client["id"], client_secret="wrong")
    assert wrong.error == "401 invalid_client"
    right = await exchange(
        oauth,
        issuer.token(),
        client_id=client["id"],
        client_secret=client["secret"],
    )
    assert right.status == 200


async def test_the_token_goes_with_its_issuer(
    oauth: OAuth, address: str, issuer: FakeIssuer, admin: RollbookClient
) -> None:
    token = (await exchange(oauth, issuer.token())).json["access_token"]
    async with RollbookClient(address, token=token) as client:
        assert await client.users.count() == 0
        async for one in admin.issuers.list():
            await admin.issuers.delete(one.id)
        with pytest.raises(errors.UnauthenticatedError):
            await client.users.count()


async def test_exchanges_count_against_what_the_tenant_may(
    database_url: str, issuer: FakeIssuer
) -> None:
    async with (
        running_service(
            database_url, issuer_reach="local", tenant_rate_limit=1, tenant_rate_burst=5
        ) as limited,
        running_gateway(limited) as url,
        ClientSession() as session,
    ):
        oauth = OAuth(session, url.removesuffix("/scim/v2"))
        refused: list[Answered] = []
        async with asyncio.timeout(50):
            while not refused:
                tokens = [issuer.token() for _ in range(30)]
                answers = await asyncio.gather(*(exchange(oauth, token) for token in tokens))
                refused = [answer for answer in answers if answer.status != 200]
    assert {answer.error for answer in refused} == {"429 temporarily_unavailable"}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)


async def test_the_metadata_tells_of_it(oauth: OAuth) -> None:
    told = await oauth.send("GET", "/.well-known/oauth-authorization-server")
    assert JWT_BEARER in told.json["grant_types_supported"]
