"""Codes: an administrator's browser gets one, the client redeems it, once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.harness.oauth import REDIRECT_URI, Browser, pkce

if TYPE_CHECKING:
    from tests.harness.oauth import OAuth


async def test_a_client_without_pkce_gets_tokens_by_consent(oauth: OAuth) -> None:
    client = await oauth.register()
    async with Browser.open(oauth.url) as browser:
        shown = await browser.visit(client, state="a b&c=d/é")
        assert (shown.status, "Sign in" in shown.text) == (200, True)
        shown = await browser.sign_in()
        for text in ("Okta", "default", "https://idp.example", "scim", "bootstrap"):
            assert text in shown.text
        back = await browser.submit(action="approve")
    assert back.status == 303
    assert back.headers["Location"].startswith(REDIRECT_URI + "?")
    assert back.query["state"] == "a b&c=d/é"
    assert back.query["iss"] == oauth.url
    answer = await oauth.redeem(client, back.query["code"])
    assert answer.status == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 7200
    assert answer.json["scope"] == "scim"
    assert await oauth.scim(answer.json["access_token"]) == 200
    assert await oauth.scim(answer.json["refresh_token"]) == 401


async def test_a_code_used_again_revokes_what_it_gave(oauth: OAuth) -> None:
    client = await oauth.register()
    async with Browser.open(oauth.url) as browser:
        code = await browser.consent(client)
    tokens = (await oauth.redeem(client, code)).json
    assert await oauth.scim(tokens["access_token"]) == 200
    assert (await oauth.redeem(client, code)).error == "400 invalid_grant"
    assert await oauth.scim(tokens["access_token"]) == 401
    assert (await oauth.refresh(client, tokens["refresh_token"])).error == "400 invalid_grant"


async def test_of_twenty_who_redeem_a_code_at_once_one_succeeds(oauth: OAuth) -> None:
    client = await oauth.register()
    async with Browser.open(oauth.url) as browser:
        code = await browser.consent(client)
    answers = await asyncio.gather(*(oauth.redeem(client, code) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 19
    assert {answer.error for answer in answers if answer.status == 400} == {"400 invalid_grant"}


async def test_a_challenge_is_held_against_the_verifier(oauth: OAuth) -> None:
    client = await oauth.register()
    verifier, challenge = pkce()
    async with Browser.open(oauth.url) as browser:
        code = await browser.consent(client, **challenge)
        without = await browser.consent(client)
    assert (await oauth.redeem(client, code)).error == "400 invalid_request"
    wrong = await oauth.redeem(client, code, code_verifier=verifier[::-1])
    assert wrong.error == "400 invalid_grant"
    assert (await oauth.redeem(client, code, code_verifier=verifier)).status == 200
    added = await oauth.redeem(client, without, code_verifier=verifier)
    assert added.error == "400 invalid_request"
