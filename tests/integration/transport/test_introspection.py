"""What an administrator is told of tokens that no OAuth client got: API keys, and those of external
issuers; and who is told (RFC 7662)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiohttp import ClientSession, DummyCookieJar

from rollbook.client import RollbookClient, add, remove
from rollbook.v1.issuer_service_pb2 import Issuer, ScopeRule
from rollbook.v1.service_account_pb2 import ServiceAccount
from rollbook.v1.user_pb2 import Role, User
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.issuer import FakeIssuer, running_issuer
from tests.harness.oauth import Browser, OAuth
from tests.harness.tenants import new_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ADMIN: Final = Role(type="account_type", value="admin")
INACTIVE: Final = {"active": False}


@dataclass
class Place:
    """An administrator, over gRPC and over HTTP."""

    admin: RollbookClient
    oauth: OAuth
    issuer: FakeIssuer

    async def told(self, token: str, by: str = TOKEN) -> Any:
        headers = {"Authorization": f"Bearer {by}"}
        answer = await self.oauth.send(
            "POST", "/oauth2/introspect", data={"token": token}, headers=headers
        )
        return answer.json if answer.status == 200 else answer.error


@pytest.fixture(scope="module")
async def address(database_url: str) -> AsyncIterator[str]:
    async with running_service(database_url, issuer_reach="local") as address:
        yield address


@pytest.fixture
async def place(address: str, database: asyncpg.Connection[asyncpg.Record]) -> AsyncIterator[Place]:
    await database.execute("DELETE FROM issuers")
    async with (
        running_gateway(address) as url,
        ClientSession(cookie_jar=DummyCookieJar()) as session,
        RollbookClient(address, token=TOKEN) as admin,
        running_issuer() as issuer,
    ):
        rule = ScopeRule(claims={"sub": "workload"}, scopes=["directory.read", "scim"])
        trusted = Issuer(name="ci", issuer=issuer.url, audiences=["rollbook"], rules=[rule])
        await admin.issuers.create(trusted)
        yield Place(admin, OAuth(session, url.removesuffix("/scim/v2")), issuer)


async def test_a_key_is_told_with_what_the_roles_of_its_account_grant(place: Place) -> None:
    account = await place.admin.service_accounts.create(ServiceAccount(display_name="ci-bot"))
    made = await place.admin.tokens.create(
        "key", ["scim", "directory.read"], principal_id=account.id, lifetime=timedelta(hours=1)
    )
    told = await place.told(made.secret)
    assert told.pop("exp") - told.pop("iat") == 3_600
    url = place.oauth.url
    assert told == {
        "active": True,
        "scope": "directory.read",
        "sub": account.id,
        "iss": url,
        "aud": url,
        "token_type": "Bearer",
    }
    await place.admin.service_accounts.patch(account.id, [add("roles", ADMIN)])
    assert (await place.told(made.secret))["scope"] == "directory.read scim"
    await place.admin.service_accounts.patch(account.id, [remove("roles")])
    assert (await place.told(made.secret))["scope"] == "directory.read"
    await place.admin.service_accounts.deactivate(account.id)
    assert await place.told(made.secret) == INACTIVE


async def test_a_token_that_is_nobodys_is_told_by_its_id(place: Place) -> None:
    made = await place.admin.tokens.create("plain", ["scim"])
    told = await place.told(made.secret)
    assert (told["sub"], told["scope"]) == (made.token.id, "scim")
    assert not {"exp", "client_id"} & told.keys()
    await place.admin.tokens.revoke(made.token.id)
    assert await place.told(made.secret) == INACTIVE


async def test_what_was_consented_to_is_told_as_far_as_roles_still_grant_it(place: Place) -> None:
    password = "correct horse battery staple"
    ada = await place.admin.users.create(User(user_name="ada", password=password, roles=[ADMIN]))
    client = await place.oauth.register(scopes=["scim", "directory.read"])
    async with Browser.open(place.oauth.url) as browser:
        await browser.visit(client)
        await browser.submit(action="sign_in", user_name="ada", password=password)
        code = (await browser.submit(action="approve")).query["code"]
    tokens = (await place.oauth.redeem(client, code)).json
    for token in (tokens["access_token"], tokens["refresh_token"]):
        told = await place.told(token)
        assert (told["scope"], told["sub"]) == ("directory.read scim", ada.id)
        assert told["client_id"] == client["id"]
    await place.admin.users.patch(ada.id, [remove("roles")])
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert (await place.told(token))["scope"] == "directory.read"


async def test_a_token_of_an_issuer_is_told_as_it_is(place: Place) -> None:
    claims = place.issuer.claims(aud=["rollbook", "other"])
    told = await place.told(place.issuer.token(**claims))
    assert told == {
        "active": True,
        "scope": "directory.read scim",
        "sub": "workload",
        "iss": place.issuer.url,
        "aud": ["rollbook", "other"],
        "iat": claims["iat"],
        "exp": claims["exp"],
        "token_type": "Bearer",
    }
    wrong = ({"aud": "x"}, {"sub": "x"}, {"exp": claims["iat"] - 60}, {"iss": "https://x.example"})
    for changes in wrong:
        assert await place.told(place.issuer.token(**changes)) == INACTIVE
    assert await place.told(place.issuer.token()[:-2]) == INACTIVE


async def test_what_a_workload_got_for_its_token_is_told_by_its_subject(place: Place) -> None:
    form = {"grant_type": JWT_BEARER, "assertion": place.issuer.token(), "scope": "scim"}
    got = (await place.oauth.send("POST", "/oauth2/token", data=form)).json["access_token"]
    told = await place.told(got)
    # Not its name alone: others choose that, and might choose a user's id (RFC 9700 §4.15).
    workload = f"{place.issuer.url}|workload"
    assert (told["active"], told["sub"], told["scope"]) == (True, workload, "scim")
    assert told["iss"] == place.oauth.url
    async for one in place.admin.issuers.list():
        await place.admin.issuers.delete(one.id)
    assert await place.told(got) == INACTIVE
    assert await place.told(place.issuer.token()) == INACTIVE


async def test_nobody_else_is_told(
    place: Place, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    account = await place.admin.service_accounts.create(ServiceAccount(display_name="ci-bot"))
    key = await place.admin.tokens.create("key", ["directory.read"], principal_id=account.id)
    plain = await place.admin.tokens.create("plain", ["credentials", "access.read"])
    form = {"grant_type": JWT_BEARER, "assertion": place.issuer.token()}
    exchanged = (await place.oauth.send("POST", "/oauth2/token", data=form)).json["access_token"]
    client = await place.oauth.register(scopes=["admin", "scim"], client_credentials=True)
    stranger = await new_tenant(database)
    for token in (key.secret, exchanged, place.issuer.token()):
        assert (await place.told(token))["active"]
        assert await place.told(token, by=stranger) == INACTIVE
        assert await place.told(token, by=plain.secret) == "403 insufficient_scope"
        assert await place.told(token, by=key.secret) == "403 insufficient_scope"
        by_client = await place.oauth.post("/oauth2/introspect", client, token=token)
        assert by_client.json == INACTIVE


async def test_a_client_revokes_nothing_but_what_clients_got(place: Place) -> None:
    client = await place.oauth.register()
    made = await place.admin.tokens.create("plain", ["scim"])
    for token in (made.secret, place.issuer.token(), "unknown"):
        assert (await place.oauth.post("/oauth2/revoke", client, token=token)).status == 200
    assert (await place.told(made.secret))["active"]


async def test_a_token_of_an_issuer_signs_nobody_in(place: Place) -> None:
    """Nobody could revoke it, and what it consents to would outlive it."""
    rule = ScopeRule(claims={"sub": "root"}, scopes=["admin", "scim"])
    await place.admin.issuers.create(
        Issuer(name="admins", issuer=place.issuer.url, audiences=["admins"], rules=[rule])
    )
    token = place.issuer.token(aud="admins", sub="root")
    assert (await place.told(token))["scope"] == "admin scim"
    client = await place.oauth.register()
    async with Browser.open(place.oauth.url) as browser:
        await browser.visit(client)
        assert (await browser.sign_in(token)).status == 403
