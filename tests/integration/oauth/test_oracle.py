"""The client's half of Authlib reads what the server says, and the server what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749.parameters import (
    parse_authorization_code_response,
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import RSAKey

from tests.harness.oauth import REDIRECT_URI, Browser, basic

if TYPE_CHECKING:
    from tests.harness.oauth import OAuth

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
VERIFIER = "the-verifier-has-to-have-43-characters-at-least"


async def test_authlib_walks_through_code_and_pkce(oauth: OAuth) -> None:
    client = await oauth.register()
    address = prepare_grant_uri(
        f"{oauth.url}/oauth2/authorize",
        client["id"],
        "code",
        redirect_uri=REDIRECT_URI,
        scope="scim",
        state="state of the client",
        code_challenge=create_s256_code_challenge(VERIFIER),
        code_challenge_method="S256",
    )
    async with Browser.open(oauth.url) as browser:
        browser.at = address.removeprefix(oauth.url)
        await browser.show()
        await browser.sign_in()
        back = await browser.submit(action="approve")
    answer = parse_authorization_code_response(back.headers["Location"], "state of the client")
    body = prepare_token_request(
        "authorization_code",
        code=answer["code"],
        redirect_uri=REDIRECT_URI,
        code_verifier=VERIFIER,
    )
    headers = {**FORM, "Authorization": basic(client["id"], client["secret"])}
    tokens = (await oauth.send("POST", "/oauth2/token", data=body, headers=headers)).json
    assert await oauth.scim(tokens["access_token"]) == 200
    body = prepare_token_request("refresh_token", refresh_token=tokens["refresh_token"])
    renewed = await oauth.send("POST", "/oauth2/token", data=body, headers=headers)
    assert await oauth.scim(renewed.json["access_token"]) == 200


async def test_authlib_signs_in_the_place_of_a_secret(oauth: OAuth) -> None:
    key = RSAKey.generate_key(2048, {"kid": "1"})
    client = await oauth.register(
        authentication="private_key_jwt",
        client_credentials=True,
        jwks={"keys": [key.as_dict(private=False)]},
    )
    endpoint = f"{oauth.url}/oauth2/token"
    assertion = private_key_jwt_sign(
        key.as_dict(private=True), client["id"], endpoint, header={"kid": "1"}
    )
    answer = await oauth.token(
        None,
        grant_type="client_credentials",
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion=assertion,
    )
    assert answer.status == 200, answer.text
    assert await oauth.scim(answer.json["access_token"]) == 200


async def test_what_a_registered_address_has_is_kept(oauth: OAuth) -> None:
    address = "https://idp.example/callback?a=1&b=%2F+c"
    client = await oauth.register(redirect_uris=[address])
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client, redirect_uri=address)
        await browser.sign_in()
        back = (await browser.submit(action="approve")).headers["Location"]
    assert back.startswith(f"{address}&code=")
    assert [name for name, _ in parse_qsl(urlsplit(back).query)] == ["a", "b", "code", "iss"]
