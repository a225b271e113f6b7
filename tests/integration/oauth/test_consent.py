"""Who can sign in and consent, and what ends that again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from aiohttp import ClientSession, DummyCookieJar

from rollbook.client import RollbookClient
from tests.harness.instance import TOKEN, running_gateway
from tests.harness.oauth import Browser, OAuth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.scim import ScimClient

PASSWORD = "correct horse battery staple 42"


@pytest.fixture
async def rollbook(service: str) -> AsyncIterator[RollbookClient]:
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


async def person(scim: ScimClient, name: str, role: str = "admin") -> str:
    """The id of a user with a password; an administrator by default."""
    body = {"userName": name, "password": PASSWORD, "active": True}
    if role:
        body["roles"] = [{"type": "account_type", "value": role}]
    made = await scim.request("POST", "/Users", body)
    return str(made.body["id"])


async def sign_in(browser: Browser, name: str, password: str = PASSWORD) -> bool:
    shown = await browser.submit(action="sign_in", user_name=name, password=password)
    return 'value="approve"' in shown.text


async def test_an_administrator_consents_by_password_until_deactivated(
    oauth: OAuth, scim: ScimClient
) -> None:
    user_id = await person(scim, "ada@acme.example")
    client = await oauth.register()
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client)
        assert await sign_in(browser, "ADA@acme.example")
        assert browser.page is not None
        assert "ada@acme.example" in browser.page.text
        code = (await browser.submit(action="approve")).query["code"]
        tokens = (await oauth.redeem(client, code)).json
        assert await oauth.scim(tokens["access_token"]) == 200
        waiting = await browser.consent(client)
        patch = {"Operations": [{"op": "replace", "value": {"active": False}}]}
        await scim.request("PATCH", f"/Users/{user_id}", patch)
        assert await oauth.scim(tokens["access_token"]) == 401
        renewed = await oauth.refresh(client, tokens["refresh_token"])
        assert renewed.error == "400 invalid_grant"
        assert (await oauth.redeem(client, waiting)).error == "400 invalid_grant"
        assert 'value="approve"' not in (await browser.visit(client)).text
        assert not await sign_in(browser, "ada@acme.example")
        patch["Operations"][0]["value"] = {"active": True}
        await scim.request("PATCH", f"/Users/{user_id}", patch)
        assert await oauth.scim(tokens["access_token"]) == 401
        assert (await oauth.refresh(client, tokens["refresh_token"])).error == renewed.error


async def test_nobody_else_signs_in(
    oauth: OAuth, scim: ScimClient, rollbook: RollbookClient
) -> None:
    await person(scim, "admin@acme.example")
    await person(scim, "grace@acme.example", role="")
    client = await oauth.register()
    plain = await rollbook.tokens.create("plain", ["scim", "credentials"])
    access = (await oauth.tokens_for(await oauth.register(scopes=["admin"])))["access_token"]
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client)
        for name, password in (
            ("grace@acme.example", PASSWORD),
            ("admin@acme.example", "wrong"),
            ("admin@acme.example", ""),
            ("nobody@acme.example", PASSWORD),
            ("a\0b", PASSWORD),
            ("", ""),
        ):
            assert not await sign_in(browser, name, password), name
            assert browser.page is not None
            assert browser.page.status in {403, 429}
            assert "alert" in browser.page.text
            assert PASSWORD not in browser.page.text
        for token in (plain.secret, access, "x", "rbk_x", "é", "a b", "\r\nx: y"):
            shown = await browser.submit(action="sign_in", api_token=token)
            assert (shown.status, 'value="approve"' in shown.text) == (403, False), token


async def test_guessing_is_limited(oauth: OAuth, scim: ScimClient) -> None:
    name = f"{uuid4()}@acme.example"
    await person(scim, name)
    client = await oauth.register()
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client)
        statuses = []
        for _ in range(11):
            await sign_in(browser, name, "wrong")
            assert browser.page is not None
            statuses.append(browser.page.status)
        assert (statuses[0], statuses[-1]) == (403, 429)
        assert browser.page is not None
        assert int(browser.page.headers["Retry-After"]) > 0
        assert not await sign_in(browser, name)


async def test_forms_of_other_pages_do_nothing(oauth: OAuth) -> None:
    client = await oauth.register()
    async with Browser.open(oauth.url) as browser, Browser.open(oauth.url) as other:
        await browser.visit(client)
        await browser.sign_in()
        theirs = await other.visit(client)
        for token in ("", "x", theirs.text.partition('form_token" value="')[2][:64], "é" * 64):
            for action in ("approve", "deny", "sign_out", "sign_in"):
                answer = await browser.submit(action=action, form_token=token, api_token=TOKEN)
                assert (answer.status, "Location" in answer.headers) == (403, False)
                await browser.show()
        for action in ("", "nope"):
            assert (await browser.submit(action=action)).status == 400
            await browser.show()
        browser.session.cookie_jar.clear()
        assert (await browser.submit(action="approve")).status == 403


async def test_signing_in_gives_a_browser_a_new_secret(oauth: OAuth) -> None:
    client = await oauth.register()
    async with Browser.open(oauth.url) as browser:
        before = await browser.visit(client)
        cookies = [before.headers["Set-Cookie"]]
        answer = await browser.send(
            "POST",
            browser.at,
            data={
                "action": "sign_in",
                "api_token": TOKEN,
                "form_token": before.text.partition('form_token" value="')[2][:64],
            },
        )
        cookies.append(answer.headers["Set-Cookie"])
        assert cookies[0].partition(";")[0] != cookies[1].partition(";")[0]
        for cookie in cookies:
            assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/"))
        assert "Signed in as" in (await browser.show()).text
        assert "Sign in to" in (await browser.submit(action="sign_out")).text


async def test_who_denies_is_sent_back_without_a_code(oauth: OAuth) -> None:
    client = await oauth.register()
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client, state="s")
        await browser.sign_in()
        back = await browser.submit(action="deny")
    assert (back.query["error"], back.query["state"]) == ("access_denied", "s")
    assert "code" not in back.query


async def test_nobody_consents_to_more_than_they_have(
    oauth: OAuth, rollbook: RollbookClient
) -> None:
    client = await oauth.register(scopes=["scim", "directory.read"])
    own = await rollbook.tokens.create("own", ["admin", "directory.read"])
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client)
        await browser.sign_in(own.secret)
        answer = await browser.submit(action="approve")
        assert answer.status == 403
        assert "scim" in answer.text
        code = await browser.consent(client, scope="directory.read")
        await rollbook.tokens.revoke(own.token.id)
        assert "Sign in to" in (await browser.show()).text
    assert (await oauth.redeem(client, code)).json["scope"] == "directory.read"


async def test_pages_are_shown_to_nobody_else_and_run_nothing(oauth: OAuth) -> None:
    client = await oauth.register(name="<script>alert(1)</script>&\"'")
    async with Browser.open(oauth.url) as browser:
        for shown in (await browser.visit(client, state='"><script>'), await browser.sign_in()):
            assert shown.status == 200
            assert "<script" not in shown.text
            assert shown.headers["Cache-Control"] == "no-store"
            assert shown.headers["Referrer-Policy"] == "no-referrer"
            assert shown.headers["X-Frame-Options"] == "DENY"
            assert "Content-Encoding" not in shown.headers
            policy = shown.headers["Content-Security-Policy"]
            for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
                assert part in policy
            assert "unsafe" not in policy


async def test_cookies_of_a_secure_site_are_its_own(oauth: OAuth, service: str) -> None:
    client = await oauth.register()
    async with (
        running_gateway(service, http_public_url="https://id.acme.example") as url,
        Browser.open(url.removesuffix("/scim/v2")) as browser,
    ):
        cookie = (await browser.visit(client)).headers["Set-Cookie"]
    assert cookie.startswith("__Host-rollbook=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


async def test_tenants_have_servers_of_their_own(oauth: OAuth, rollbook: RollbookClient) -> None:
    name = f"t{uuid4().hex[:12]}"
    await rollbook.tenants.create(name)
    client = await oauth.register(client_credentials=True)
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        theirs = OAuth(session, f"{oauth.url}/t/{name}")
        ours = OAuth(session, f"{oauth.url}/t/default")
        for server, status in ((theirs, 401), (ours, 200)):
            answer = await server.token(client, grant_type="client_credentials")
            assert answer.status == status
        async with Browser.open(theirs.url) as browser:
            assert (await browser.visit(client)).status == 400
        async with Browser.open(ours.url) as browser:
            await browser.visit(client)
            await browser.sign_in()
            back = await browser.submit(action="approve")
            assert back.query["iss"] == ours.url
        assert (await ours.redeem(client, back.query["code"])).status == 200
