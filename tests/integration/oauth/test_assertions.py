"""Clients that prove themselves by what they sign (RFC 7523 §2.2)."""

from __future__ import annotations

import base64
import hmac
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import pytest
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.web import Application, AppRunner, Response, TCPSite
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from rollbook.metadata import CLIENT, GATEWAY
from rollbook.v1.oauth_service_pb2 import (
    IssueOAuthTokenRequest,
    OAuthClientRequest,
    OAuthParameter,
)
from rollbook.v1.oauth_service_pb2_grpc import OAuthServiceStub
from tests.harness.drivers import failure_of
from tests.harness.instance import running_gateway, running_service
from tests.harness.oauth import OAuth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from joserfc.jwk import Key

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
OTHER = RSAKey.generate_key(2048, {"kid": "rsa"})
KEYS: dict[str, Any] = {"RS256": RSA, "PS256": RSA, "ES256": EC, "Ed25519": ED}
JWKS = {"keys": [key.as_dict(private=False) for key in (RSA, EC, ED)]}


@pytest.fixture
async def client(oauth: OAuth) -> dict[str, Any]:
    return await oauth.register(
        authentication="private_key_jwt", jwks=JWKS, client_credentials=True
    )


def claims(oauth: OAuth, client: dict[str, Any], **changes: Any) -> dict[str, Any]:
    right = {
        "iss": client["id"],
        "sub": client["id"],
        "aud": f"{oauth.url}/oauth2/token",
        "exp": int(time.time()) + 60,
        "jti": str(uuid4()),
    }
    return {name: value for name, value in {**right, **changes}.items() if value is not None}


def signed(body: dict[str, Any], algorithm: str = "RS256", key: Key = RSA, **header: Any) -> str:
    names = {"alg": algorithm, "kid": key.kid, **header}
    fields = {name: value for name, value in names.items() if value is not None}
    return jwt.encode(fields, body, key, algorithms=[algorithm])


async def ask(oauth: OAuth, assertion: str, **form: str) -> str:
    answer = await oauth.token(
        None,
        grant_type="client_credentials",
        client_assertion_type=TYPE,
        client_assertion=assertion,
        **form,
    )
    return "200" if answer.status == 200 else answer.error


@pytest.mark.parametrize("algorithm", KEYS)
async def test_a_signature_of_the_client_lets_it_in(
    oauth: OAuth, client: dict[str, Any], algorithm: str
) -> None:
    assertion = signed(claims(oauth, client), algorithm, KEYS[algorithm])
    assert await ask(oauth, assertion) == "200"


@pytest.mark.parametrize("algorithm", KEYS)
async def test_a_signature_need_not_name_its_key(
    oauth: OAuth, client: dict[str, Any], algorithm: str
) -> None:
    assertion = signed(claims(oauth, client), algorithm, KEYS[algorithm], kid=None)
    assert await ask(oauth, assertion) == "200"


@pytest.mark.parametrize("audience", ["", "/oauth2/token"])
@pytest.mark.parametrize("as_list", [False, True])
async def test_the_audience_is_the_server(
    oauth: OAuth, client: dict[str, Any], audience: str, as_list: bool
) -> None:
    aud: Any = oauth.url + audience
    body = claims(oauth, client, aud=["https://other.example", aud] if as_list else aud)
    assert await ask(oauth, signed(body)) == "200"


async def test_an_assertion_counts_once(oauth: OAuth, client: dict[str, Any]) -> None:
    assertion = signed(claims(oauth, client))
    assert await ask(oauth, assertion) == "200"
    assert await ask(oauth, assertion) == "401 invalid_client"


WRONG: dict[str, dict[str, Any]] = {
    "no issuer": {"iss": None},
    "another issuer": {"iss": "somebody"},
    "no audience": {"aud": None},
    "another audience": {"aud": "https://other.example/oauth2/token"},
    "no end": {"exp": None},
    "ended": {"exp": 1},
    "an end that is no number": {"exp": "tomorrow"},
    "an end beyond all time": {"exp": 10**30},
    "a day long": {"exp": int(time.time()) + 86_400},
    "no id": {"jti": None},
    "an empty id": {"jti": ""},
    "an id that is no text": {"jti": 7},
    "not yet": {"nbf": int(time.time()) + 3_600},
    "no subject": {"sub": None},
    "a subject that is no text": {"sub": ["x"]},
    "an unknown subject": {"sub": "x" * 64, "iss": "x" * 64},
}


@pytest.mark.parametrize("title", WRONG)
async def test_wrong_claims_are_refused(oauth: OAuth, client: dict[str, Any], title: str) -> None:
    assertion = signed(claims(oauth, client, **WRONG[title]))
    assert await ask(oauth, assertion) == "401 invalid_client"


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


async def test_wrong_signatures_are_refused(oauth: OAuth, client: dict[str, Any]) -> None:
    body = claims(oauth, client)
    right = signed(body)
    head, payload, signature = right.split(".")
    none = _encoded({"alg": "none"})
    symmetric = f"{_encoded({'alg': 'HS256', 'kid': 'rsa'})}.{payload}"
    mac = hmac.digest(RSA.as_pem(private=False), symmetric.encode(), "sha256")
    for assertion in (
        signed(body, key=OTHER),
        signed(body, key=OTHER, kid=None),
        f"{none}.{payload}.",
        f"{head}.{payload}.",
        f"{head}.{payload}.{signature[:-4]}AAAA",
        f"{symmetric}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}",
        signed(body, "ES256", EC, kid="rsa"),
        signed(body, key=RSA, kid="nobody"),
        "x",
        "a.b.c",
        "a.b.c.d.e",
        "é.é.é",
        "." * 8_000,
    ):
        assert await ask(oauth, assertion) == "401 invalid_client", assertion[:80]
    assert await ask(oauth, right) == "200"


async def test_nothing_else_lets_such_a_client_in(oauth: OAuth, client: dict[str, Any]) -> None:
    form = {"grant_type": "client_credentials"}
    assert (await oauth.token(client, **form)).error == "401 invalid_client"
    with_secret = {**client, "secret": "x"}
    assert (await oauth.token(with_secret, **form)).error == "401 invalid_client"
    assertion = signed(claims(oauth, client))
    assert await ask(oauth, assertion, client_secret="x") == "400 invalid_request"
    assert await ask(oauth, assertion, client_id="x") == "400 invalid_request"
    bad = await oauth.token(None, **form, client_assertion=assertion, client_assertion_type="x")
    assert bad.error == "401 invalid_client"


async def test_a_client_with_a_secret_cannot_sign_instead(oauth: OAuth) -> None:
    client = await oauth.register(client_credentials=True)
    assert await ask(oauth, signed(claims(oauth, client))) == "401 invalid_client"


@asynccontextmanager
async def published(keys: list[Any]) -> AsyncIterator[str]:
    """The URL where these keys are."""

    async def read(_: Any) -> Response:
        return Response(text=json.dumps({"keys": [key.as_dict(private=False) for key in keys]}))

    application = Application()
    application.router.add_get("/jwks", read)
    runner = AppRunner(application)
    await runner.setup()
    await TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    await runner.cleanup()


async def test_keys_may_be_at_a_url_of_the_client(database_url: str) -> None:
    async with (
        published([RSA]) as url,
        running_service(database_url, issuer_reach="local") as service,
        running_gateway(service) as gateway,
        ClientSession(cookie_jar=DummyCookieJar()) as session,
    ):
        oauth = OAuth(session, gateway.removesuffix("/scim/v2"))
        client = await oauth.register(
            authentication="private_key_jwt", jwks_uri=url, client_credentials=True
        )
        assert await ask(oauth, signed(claims(oauth, client))) == "200"
        for wrong in (
            signed(claims(oauth, client), "ES256", EC),
            signed(claims(oauth, client), key=OTHER),
        ):
            assert await ask(oauth, wrong) == "401 invalid_client"


@pytest.mark.parametrize(
    "keys",
    [
        {"jwks": {"keys": [RSA.as_dict(private=True)]}},
        {"jwks": {"keys": [OctKey.generate_key(256).as_dict(private=True)]}},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [RSA.as_dict(private=False)] * 11}},
        {"jwks": {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}},
        {"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}},
        {"jwks": {"keys": [{**EC.as_dict(private=False), "kid": "a\0b"}]}},
        {"jwks": {"keys": "x"}},
        {"jwks": {"keys": [7]}},
        {"jwks": {"no": "keys"}},
        {"jwks": JWKS, "jwks_uri": "https://client.example/jwks"},
        {"jwks_uri": "http://client.example/jwks"},
        {"jwks_uri": "https://user@client.example/jwks"},
        {"jwks_uri": "https://[client/jwks"},
        {},
    ],
)
async def test_what_are_no_public_keys_is_refused(oauth: OAuth, keys: dict[str, Any]) -> None:
    body = {"name": "x", "authentication": "private_key_jwt", "client_credentials": True, **keys}
    headers = {"Authorization": "Bearer rbk_test-7c1f0b9e5a3d4c28b6e1"}
    answer = await oauth.send("POST", "/oauth2/clients", json=body, headers=headers)
    assert answer.status == 400
    assert "jwks" in answer.json["detail"]


async def test_nobody_but_a_gateway_says_which_server_it_is(
    oauth: OAuth, client: dict[str, Any], service: str
) -> None:
    """An assertion for another server is no good here, whatever a caller claims to be."""
    evil = "https://evil.example"
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": TYPE,
        "client_assertion": signed(claims(oauth, client, aud=evil)),
    }
    asked = OAuthClientRequest(
        parameters=[OAuthParameter(name=name, value=value) for name, value in form.items()],
        issuer=evil,
    )
    for metadata in ((), ((CLIENT, "192.0.2.1"),), ((GATEWAY, "wrong"), (CLIENT, "192.0.2.1"))):
        async with grpc.aio.insecure_channel(service) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await OAuthServiceStub(channel).IssueOAuthToken(
                    IssueOAuthTokenRequest(request=asked), metadata=metadata
                )
        assert failure_of(caught.value).reason == "OAUTH_CLIENT_INVALID"


async def test_what_proves_nothing_does_not_use_up_what_the_client_may(
    database_url: str, oauth: OAuth
) -> None:
    async with (
        running_service(database_url, tenant_rate_limit=1, tenant_rate_burst=20) as limited,
        running_gateway(limited) as url,
    ):
        oauth.url = url.removesuffix("/scim/v2")
        client = await oauth.register(
            authentication="private_key_jwt", jwks=JWKS, client_credentials=True
        )
        for _ in range(30):
            forged = signed(claims(oauth, client), key=OTHER)
            assert await ask(oauth, forged) == "401 invalid_client"
        assert await ask(oauth, signed(claims(oauth, client))) == "200"
