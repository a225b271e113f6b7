"""Every grant type and endpoint × the tenant that the URL names × whether it is suspended."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from aiohttp import ClientSession, DummyCookieJar
from joserfc import jwt
from joserfc.jwk import RSAKey

from rollbook.access import EVERY_SCOPE
from rollbook.client import RollbookClient
from rollbook.v1.issuer_service_pb2 import Issuer, ScopeRule
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.issuer import FakeIssuer, running_issuer
from tests.harness.oauth import REDIRECT_URI, Answered, Browser, OAuth, basic, pkce

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

DOMAIN: Final = "rollbook.example"
KEY: Final = RSAKey.generate_key(2048, {"kid": "rsa"})


@dataclass
class Place:
    """A tenant with what clients of it have, and a gateway before its service."""

    name: str
    root: str
    token: str
    client: dict[str, Any]
    signing: dict[str, Any]
    issuer: FakeIssuer
    platform: RollbookClient
    session: ClientSession

    @property
    def oauth(self) -> OAuth:
        return OAuth(self.session, self.root)

    async def post(self, at: str, path: str, form: dict[str, str], **headers: str) -> Answered:
        """A form at an address: a path that names a tenant, or a host that does."""
        if at.endswith(DOMAIN):
            headers["Host"], at = at, ""
        oauth = OAuth(self.session, self.root + at)
        return await oauth.send("POST", path, data=form, headers=headers)

    @property
    def authorization(self) -> str:
        return basic(self.client["id"], self.client["secret"])


@pytest.fixture(scope="module")
async def address(database_url: str) -> AsyncIterator[str]:
    async with running_service(database_url, issuer_reach="local") as address:
        yield address


@pytest.fixture(scope="module")
async def place(address: str) -> AsyncIterator[Place]:
    async with (
        running_gateway(address, http_tenant_domain=DOMAIN) as url,
        running_issuer() as issuer,
        RollbookClient(address, token=TOKEN) as platform,
        ClientSession(cookie_jar=DummyCookieJar()) as session,
    ):
        name, root = f"acme-{uuid4().hex[:8]}", url.removesuffix("/scim/v2")
        tenant = await platform.tenants.create(name)
        async with platform.acting_in(name) as inside:
            token = (await inside.tokens.create("admin", EVERY_SCOPE)).secret
            rule = ScopeRule(claims={"sub": "workload"}, scopes=["scim"])
            audience = f"rollbook:{tenant.id}"
            await inside.issuers.create(
                Issuer(name="ci", issuer=issuer.url, audiences=[audience], rules=[rule])
            )
        issuer.configuration["audience"] = audience
        oauth = OAuth(session, root)
        client = await oauth.register(token, client_credentials=True)
        signing = await oauth.register(
            token,
            authentication="private_key_jwt",
            jwks={"keys": [KEY.as_dict(private=False)]},
            client_credentials=True,
        )
        yield Place(name, root, token, client, signing, issuer, platform, session)


@asynccontextmanager
async def suspended(place: Place) -> AsyncIterator[None]:
    await place.platform.tenants.suspend(place.name)
    try:
        yield
    finally:
        await place.platform.tenants.resume(place.name)


async def code_of(place: Place) -> tuple[str, str]:
    """A code, and the verifier that goes with it."""
    verifier, challenge = pkce()
    async with Browser.open(place.root) as browser:
        await browser.visit(place.client, **challenge)
        await browser.sign_in(place.token)
        back = await browser.submit(action="approve")
    return back.query["code"], verifier


async def code(place: Place) -> dict[str, str]:
    found, verifier = await code_of(place)
    return {
        "grant_type": "authorization_code",
        "code": found,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": verifier,
    }


async def refresh_token(place: Place) -> dict[str, str]:
    tokens = await place.oauth.token(place.client, **await code(place))
    return {"grant_type": "refresh_token", "refresh_token": tokens.json["refresh_token"]}


async def own_credentials(_place: Place) -> dict[str, str]:
    return {"grant_type": "client_credentials"}


def audience_of(place: Place, at: str) -> str:
    if at.endswith(DOMAIN):
        return f"http://{at}/oauth2/token"
    return f"{place.root}{at}/oauth2/token"


def signature(place: Place, at: str) -> dict[str, str]:
    body = {
        "iss": place.signing["id"],
        "sub": place.signing["id"],
        "aud": audience_of(place, at),
        "exp": int(time.time()) + 60,
        "jti": str(uuid4()),
    }
    signed = jwt.encode({"alg": "RS256", "kid": "rsa"}, body, KEY, algorithms=["RS256"])
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }


async def assertion(place: Place) -> dict[str, str]:
    return {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": place.issuer.token(aud=place.issuer.configuration["audience"]),
    }


FORMS: Final[dict[str, Callable[[Place], Awaitable[dict[str, str]]]]] = {
    "authorization_code": code,
    "refresh_token": refresh_token,
    "client_credentials": own_credentials,
    "jwt-bearer of a client": assertion,
    "jwt-bearer of nobody": assertion,
    "private_key_jwt": own_credentials,
}

REFUSALS: Final = {"jwt-bearer of nobody": "400 invalid_grant"}
"""What is said where no client is; else it is the client that is not known."""

PLACES: Final = {
    "no tenant": ("", True),
    "its path": ("/t/{name}", True),
    "its host": (f"{{name}}.{DOMAIN}", True),
    "the default tenant's path": ("/t/default", False),
    "nobody's path": ("/t/nobodys", False),
    "the default tenant's host": (f"default.{DOMAIN}", False),
    "nobody's host": (f"nobodys.{DOMAIN}", False),
}
"""Where a request comes to, and whether the tenant is served there."""


async def ask(place: Place, how: str, at: str, form: dict[str, str]) -> str:
    """What the token endpoint says."""
    if how == "private_key_jwt":
        form = signature(place, at)
    headers = {}
    if how not in {"private_key_jwt", "jwt-bearer of nobody"}:
        headers = {"Authorization": place.authorization}
    answer = await place.post(at, "/oauth2/token", form, **headers)
    return "200" if answer.status == 200 else answer.error


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("how", FORMS)
async def test_tokens_are_given_where_the_tenant_is_and_while_it_is_not_suspended(
    place: Place, how: str, where: str
) -> None:
    at, is_served = PLACES[where][0].format(name=place.name), PLACES[where][1]
    form, refused = await FORMS[how](place), REFUSALS.get(how, "401 invalid_client")
    async with suspended(place):
        assert await ask(place, how, at, form) == refused
    assert await ask(place, how, at, form) == ("200" if is_served else refused)
    if not is_served:
        # Nothing has been used up.
        assert await ask(place, how, "", form) == "200"


@pytest.mark.parametrize("where", PLACES)
async def test_revocation_and_introspection_go_by_the_tenant(place: Place, where: str) -> None:
    at, is_served = PLACES[where][0].format(name=place.name), PLACES[where][1]
    form = {
        "token": (await place.oauth.token(place.client, **await code(place))).json["access_token"]
    }

    async def told(path: str, authorization: str) -> str:
        answer = await place.post(at, path, form, Authorization=authorization)
        if answer.status != 200:
            return answer.error
        return str(answer.json.get("active", "200"))

    bearer = f"Bearer {place.token}"
    async with suspended(place):
        assert await told("/oauth2/introspect", place.authorization) == "401 invalid_client"
        assert await told("/oauth2/revoke", place.authorization) == "401 invalid_client"
        assert (await told("/oauth2/introspect", bearer)).startswith("40")
    by_client = "True" if is_served else "401 invalid_client"
    assert await told("/oauth2/introspect", place.authorization) == by_client
    by_bearer = "True" if is_served else "401 invalid_token"
    assert await told("/oauth2/introspect", bearer) == by_bearer
    revoked = "200" if is_served else "401 invalid_client"
    assert await told("/oauth2/revoke", place.authorization) == revoked
    assert await place.oauth.scim(form["token"]) == (401 if is_served else 200)


@pytest.mark.parametrize("where", [name for name in PLACES if "host" not in name])
async def test_pages_go_by_the_tenant(place: Place, where: str) -> None:
    at, is_served = PLACES[where][0].format(name=place.name), PLACES[where][1]
    form = {"action": "sign_in", "api_token": place.token}
    for fields in (form, {"action": "deny"}, {"action": "approve"}):
        async with Browser.open(place.root + at) as browser:
            shown = await browser.visit(place.client)
            assert shown.status == (200 if is_served else 400)
            async with suspended(place):
                if is_served:
                    refused = await browser.submit(**fields)
                    assert (refused.status, "Location" in refused.headers) == (400, False)
                assert (await browser.visit(place.client)).status == 400


async def test_who_is_signed_in_is_so_with_one_tenant(place: Place) -> None:
    """A session of one tenant is worth nothing at the pages of another."""
    elsewhere = await place.oauth.register()
    async with Browser.open(place.root) as browser:
        await browser.visit(place.client)
        shown = await browser.sign_in(place.token)
        assert 'value="approve"' in shown.text
        shown = await browser.visit(elsewhere)
        assert 'value="approve"' not in shown.text
