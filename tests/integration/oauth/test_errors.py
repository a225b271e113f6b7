"""What clients and browsers are told when something is wrong (RFC 6749 §4.1.2.1, §5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.harness.instance import TOKEN
from tests.harness.oauth import REDIRECT_URI, Browser, basic, pkce

if TYPE_CHECKING:
    from tests.harness.oauth import OAuth

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def client(oauth: OAuth) -> dict[str, Any]:
    return await oauth.register(client_credentials=True)


TOKEN_ERRORS: list[tuple[dict[str, str], str]] = [
    ({}, "400 invalid_request"),
    ({"grant_type": ""}, "400 invalid_request"),
    ({"grant_type": "password"}, "400 unsupported_grant_type"),
    ({"grant_type": "é\"'<script>"}, "400 unsupported_grant_type"),
    ({"grant_type": "implicit"}, "400 unsupported_grant_type"),
    ({"grant_type": "authorization_code"}, "400 invalid_request"),
    ({"grant_type": "authorization_code", "code": "x"}, "400 invalid_grant"),
    ({"grant_type": "authorization_code", "code": "é"}, "400 invalid_grant"),
    ({"grant_type": "authorization_code", "code": "a\0b"}, "400 invalid_request"),
    ({"grant_type": "authorization_code", "code": "x" * 9_000}, "400 invalid_request"),
    ({"grant_type": "refresh_token"}, "400 invalid_request"),
    ({"grant_type": "refresh_token", "refresh_token": "x"}, "400 invalid_grant"),
    ({"grant_type": "refresh_token", "refresh_token": TOKEN}, "400 invalid_grant"),
    ({"grant_type": "client_credentials", "scope": "admin"}, "400 invalid_scope"),
    ({"grant_type": "client_credentials", "scope": "scim scim2"}, "400 invalid_scope"),
    ({"grant_type": "client_credentials", "scope": "   "}, "400 invalid_scope"),
    ({"grant_type": "client_credentials", "scope": "é"}, "400 invalid_scope"),
    ({"grant_type": "client_credentials", "client_secret": "x"}, "400 invalid_request"),
    ({"grant_type": "client_credentials", "client_id": "x"}, "400 invalid_request"),
]


@pytest.mark.parametrize(("form", "error"), TOKEN_ERRORS)
async def test_the_token_endpoint_tells_what_is_wrong(
    oauth: OAuth, client: dict[str, Any], form: dict[str, str], error: str
) -> None:
    answer = await oauth.token(client, **form)
    assert answer.error == error
    assert answer.json["error_description"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"].startswith("application/json")


async def test_clients_get_tokens_for_their_own_credentials(
    oauth: OAuth, client: dict[str, Any]
) -> None:
    answer = await oauth.token(client, grant_type="client_credentials")
    assert answer.status == 200
    assert "refresh_token" not in answer.json
    assert await oauth.scim(answer.json["access_token"]) == 200
    in_form = await oauth.token(
        None,
        grant_type="client_credentials",
        client_id=client["id"],
        client_secret=client["secret"],
    )
    assert in_form.status == 200
    other = await oauth.register()
    refused = await oauth.token(other, grant_type="client_credentials")
    assert refused.error == "400 unauthorized_client"


async def test_who_does_not_prove_who_they_are_gets_401(
    oauth: OAuth, client: dict[str, Any]
) -> None:
    identifier, secret = client["id"], client["secret"]
    for header in (
        basic(identifier, "wrong"),
        basic(identifier, ""),
        basic("nobody", secret),
        basic("", ""),
        basic(identifier, secret[:-1]),
        "Basic",
        "Basic %%%",
        "Basic /w==",
        "Bearer x",
        f"Bearer {TOKEN}",
        "Digest x",
        basic("a\0b", "c"),
    ):
        answer = await oauth.send(
            "POST",
            "/oauth2/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": header},
        )
        assert answer.error == "401 invalid_client", header
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    for form in (
        {},
        {"client_id": identifier},
        {"client_id": identifier, "client_secret": "wrong"},
        {"client_secret": secret},
        {"client_id": "é\0", "client_secret": secret},
    ):
        answer = await oauth.token(None, grant_type="client_credentials", **form)
        assert answer.error in {"401 invalid_client", "400 invalid_request"}, form


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("grant_type=client_credentials&grant_type=client_credentials", FORM, 400),
        ("scope=scim&scope=scim&grant_type=client_credentials", FORM, 400),
        ("grant_type=%ff", FORM, 400),
        ("&".join(f"a{n}=1" for n in range(70)), FORM, 400),
        ("x" * 70_000, FORM, 413),
        ('{"grant_type": "client_credentials"}', {"Content-Type": "application/json"}, 400),
        ("grant_type=client_credentials", {"Content-Type": "text/plain"}, 400),
        ("", FORM, 400),
        ("=&==&&;", FORM, 400),
    ],
)
async def test_malformed_forms_are_refused(
    oauth: OAuth, client: dict[str, Any], body: str, headers: dict[str, str], status: int
) -> None:
    fields = {**headers, "Authorization": basic(client["id"], client["secret"])}
    for path in ("/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"):
        answer = await oauth.send("POST", path, data=body, headers=fields)
        assert (answer.status, answer.json["error"]) == (status, "invalid_request")


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_allowed(oauth: OAuth, path: str, method: str) -> None:
    answer = await oauth.send(method, path)
    assert answer.error == "405 invalid_request"
    assert "POST" in answer.headers["Allow"]


AUTHORIZE_ERRORS: list[tuple[dict[str, str], str]] = [
    ({"response_type": ""}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_mode": "form_post"}, "invalid_request"),
    ({"request": "eyJ"}, "request_not_supported"),
    ({"request_uri": "https://idp.example/x"}, "request_uri_not_supported"),
    ({"response_type": "é<\"'>"}, "unsupported_response_type"),
    ({"scope": "admin"}, "invalid_scope"),
    ({"scope": "é"}, "invalid_scope"),
    ({"code_challenge": "x" * 43}, "invalid_request"),
    ({"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": "x", "code_challenge_method": "S256"}, "invalid_request"),
    ({"code_challenge_method": "S256"}, "invalid_request"),
]


@pytest.mark.parametrize(("parameters", "error"), AUTHORIZE_ERRORS)
async def test_the_client_is_told_of_what_it_asks_wrongly(
    oauth: OAuth, client: dict[str, Any], parameters: dict[str, str], error: str
) -> None:
    async with Browser.open(oauth.url) as browser:
        answer = await browser.visit(client, state="s 1", **parameters)
    assert answer.status == 303
    assert answer.headers["Location"].startswith(f"{REDIRECT_URI}?")
    assert answer.query["error"] == error
    assert (answer.query["state"], answer.query["iss"]) == ("s 1", oauth.url)


@pytest.mark.parametrize(
    "uri",
    [
        "https://idp.example/callback/",
        "https://idp.example/callback?x=1",
        "https://idp.example/Callback",
        "https://idp.example/callback/../evil",
        "https://idp.example:443/callback",
        "https://idp.example.evil/callback",
        "https://idp.example@evil.example/callback",
        "http://idp.example/callback",
        "https://evil.example/callback",
        "//idp.example/callback",
        "javascript:alert(1)",
        "https://idp.example/callback#x",
        "https://idp.example\\@evil.example/callback",
        "é",
    ],
)
async def test_nobody_is_sent_where_the_client_does_not_belong(
    oauth: OAuth, client: dict[str, Any], uri: str
) -> None:
    async with Browser.open(oauth.url) as browser:
        answer = await browser.visit(client, redirect_uri=uri)
    assert answer.status == 400
    assert "Location" not in answer.headers
    assert "redirect_uri" in answer.text


async def test_requests_that_cannot_be_answered_by_the_client_are_pages(
    oauth: OAuth, client: dict[str, Any]
) -> None:
    known = {"response_type": "code", "client_id": client["id"], "redirect_uri": REDIRECT_URI}
    for query in (
        "",
        urlencode({**known, "client_id": "nobody"}),
        urlencode({**known, "client_id": "<script>"}),
        urlencode(known) + "&client_id=other",
        urlencode(known) + f"&redirect_uri={REDIRECT_URI}",
        "%ff=%fe",
        "&".join(f"a{n}=1" for n in range(120)),
    ):
        answer = await oauth.send("GET", f"/oauth2/authorize?{query}")
        assert answer.status == 400, query
        assert "<script>" not in answer.text
    repeated = await oauth.send("GET", f"/oauth2/authorize?{urlencode(known)}&state=1&state=2")
    assert repeated.query["error"] == "invalid_request"


async def test_an_origin_stands_for_every_path_there_and_nothing_else(oauth: OAuth) -> None:
    client = await oauth.register(redirect_uris=["https://system-admin.okta.com"])
    right = "https://system-admin.okta.com/admin/app/cpc/rollbook_1/oauth/callback"
    async with Browser.open(oauth.url) as browser:
        assert (await browser.visit(client, redirect_uri=right)).status == 200
        for wrong in (
            "https://system-admin.okta.com.evil.example/x",
            "https://evil.example/https://system-admin.okta.com/",
            "http://system-admin.okta.com/x",
            "https://system-admin.okta.com:444/x",
            "https://system-admin.okta.com@evil.example/x",
            "",
        ):
            assert (await browser.visit(client, redirect_uri=wrong)).status == 400


async def test_public_clients_have_to_use_pkce(oauth: OAuth) -> None:
    uri = "http://127.0.0.1/callback"
    client = await oauth.register(authentication="none", redirect_uris=[uri])
    assert "secret" not in client
    verifier, challenge = pkce()
    async with Browser.open(oauth.url) as browser:
        told = await browser.visit(client, redirect_uri=uri)
        assert told.query["error"] == "invalid_request"
        # The port is the app's choice (RFC 8252 §7.3).
        at = "http://127.0.0.1:51004/callback"
        code = await browser.consent(client, redirect_uri=at, **challenge)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": at}
    assert (await oauth.token(client, **form)).error == "400 invalid_request"
    answer = await oauth.token(client, **form, code_verifier=verifier)
    assert answer.status == 200
    renewed = await oauth.refresh(client, answer.json["refresh_token"])
    assert renewed.status == 200
    own = await oauth.token(client, grant_type="client_credentials")
    assert own.error == "400 unauthorized_client"


async def test_the_address_has_to_be_the_same_at_both_endpoints(
    oauth: OAuth, client: dict[str, Any]
) -> None:
    async with Browser.open(oauth.url) as browser:
        code = await browser.consent(client)
        bare = await browser.consent(client, redirect_uri="")
    form = {"grant_type": "authorization_code", "code": code}
    assert (await oauth.token(client, **form)).error == "400 invalid_grant"
    other = await oauth.token(client, **form, redirect_uri=f"{REDIRECT_URI}/")
    assert other.error == "400 invalid_grant"
    assert (await oauth.token(client, **form, redirect_uri=REDIRECT_URI)).status == 200
    assert (await oauth.token(client, grant_type="authorization_code", code=bare)).status == 200
