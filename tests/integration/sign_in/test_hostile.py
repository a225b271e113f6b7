"""Nobody signs in by an answer that is not the provider's, not for this browser or not for us."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from structlog.testing import capture_logs

from rollbook.v1.oauth_service_pb2 import OAuthClient
from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider
from rollbook.v1.user_pb2 import Role
from service.rpc.gate.attempts import PAIR_LIMIT
from tests.harness.issuer import b64, new_key
from tests.harness.oauth import REDIRECT_URI, Answered
from tests.harness.openid_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    OpenIdProvider,
    running_provider,
)
from tests.harness.sign_in import EMAIL, Visitor, asks_for_consent, changed, known, person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import asyncpg

    from rollbook.client import RollbookClient
    from tests.harness.oauth import OAuth

    Claims = Mapping[str, Any]


def parts(provider: OpenIdProvider, claims: Claims, **header: Any) -> str:
    """What is signed of an ID token."""
    head = {"alg": "ES256", "kid": "one", **header}
    return f"{b64(head)}.{b64(provider.claims(**claims))}"


def with_public_key_as_secret(provider: OpenIdProvider, claims: Claims) -> str:
    signed = parts(provider, claims, alg="HS256")
    secret = provider.keys["one"].as_pem(private=False)
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def by_another_key(provider: OpenIdProvider, claims: Claims, **header: Any) -> str:
    provider.keys["two"] = new_key("ES256", "two")
    if header:
        header["jwk"] = provider.keys["two"].as_dict(private=False)
    return provider.token(key_id="two", header={"kid": "one", **header}, **claims)


ID_TOKENS: Final[dict[str, Callable[[OpenIdProvider, dict[str, Any]], Any]]] = {
    "another nonce": lambda p, c: p.token(**{**c, "nonce": secrets.token_urlsafe(32)}),
    "no nonce": lambda p, c: p.token(**{**c, "nonce": None}),
    "a nonce that is no text": lambda p, c: p.token(**{**c, "nonce": [c["nonce"]]}),
    "another audience": lambda p, c: p.token(**{**c, "aud": "another client"}),
    "no audience": lambda p, c: p.token(**{**c, "aud": None}),
    "several audiences": lambda p, c: p.token(**{**c, "aud": [CLIENT_ID, "another client"]}),
    "another party": lambda p, c: p.token(**c, azp="another client"),
    "another issuer": lambda p, c: p.token(**c, iss="https://evil.example"),
    "the issuer with a slash": lambda p, c: p.token(**c, iss=f"{p.url}/"),
    "expired": lambda p, c: p.token(**c, iat=int(time.time()) - 900, exp=int(time.time()) - 600),
    "of tomorrow": lambda p, c: p.token(**c, iat=int(time.time()) + 86_000),
    "without an end": lambda p, c: p.token(**c, exp=None),
    "without a subject": lambda p, c: p.token(**{**c, "sub": None}),
    "unsigned": lambda p, c: f"{parts(p, c, alg='none')}.",
    "unsigned, with a signature": lambda p, c: f"{parts(p, c, alg='none')}.eA",
    "by the public key as a secret": with_public_key_as_secret,
    "by another key": by_another_key,
    "by a key of its own": lambda p, c: by_another_key(p, c, jwk=""),
    "with critical extensions": lambda p, c: p.token(header={"crit": ["exp"]}, **c),
    "an access token": lambda p, c: p.token(header={"typ": "at+jwt"}, **c),
    "a logout token": lambda p, c: p.token(header={"typ": "logout+jwt"}, **c),
    "of nobody's key": lambda p, c: p.token(header={"kid": "x" * 500}, **c),
    "cut off": lambda p, c: p.token(**c)[:-1],
    "no token": lambda p, c: "x",
    "a number": lambda p, c: 7,
    "nothing": lambda p, c: None,
    "huge": lambda p, c: p.token(**c, pad="x" * 300_000),
    "long": lambda p, c: p.token(**c, pad="x" * 9_000),
}


async def refused(browser: Visitor, answer: Answered) -> bool:
    """Whether the answer is a page that says so, and nobody was signed in."""
    assert answer.status in {400, 403}, answer.text
    assert "You are not signed in" in answer.text or "did not work" in answer.text
    assert "Set-Cookie" not in answer.headers
    return 'value="approve"' not in (await browser.show()).text


@pytest.mark.parametrize("what", ID_TOKENS)
async def test_an_id_token_has_to_be_the_one(
    what: str, rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    provider.signed = lambda claims: ID_TOKENS[what](provider, dict(claims))
    async with Visitor.open(url) as browser:
        assert await refused(browser, await browser.sign_in_there(client))
        provider.signed = lambda claims: provider.token(**claims)
        # What is wrong once is not wrong for ever.
        (link,) = browser.buttons
        back = await browser.get((await browser.get(link)).headers["Location"])
        assert asks_for_consent(await browser.come_back(back.headers["Location"]))


CALLBACKS: Final[dict[str, Callable[[str], str]]] = {
    "another state": lambda url: changed(url, state=secrets.token_urlsafe(32)),
    "no state": lambda url: changed(url, state=None),
    "another code": lambda url: changed(url, code="x"),
    "no code": lambda url: changed(url, code=None),
    "a long code": lambda url: changed(url, code="x" * 5_000),
    "an odd code": lambda url: changed(url, code="\0\n\u2028"),
    "another provider": lambda url: url.replace("/callback/okta", "/callback/entra"),
    "a provider that is not there": lambda url: url.replace("/callback/okta", "/callback/nope"),
    "another issuer": lambda url: changed(url, iss="https://evil.example"),
    "a provider that has no name": lambda url: url.replace("/callback/okta", "/callback/%00"),
    "two states": lambda url: f"{url}&state=x",
    "two codes": lambda url: f"{url}&code=x",
    "an error, too": lambda url: changed(url, error="server_error"),
    "access denied": lambda url: changed(url, code=None, error="access_denied"),
    "an error that is a page": lambda url: changed(
        url, code=None, error="<script>", error_description="<script>"
    ),
    "another way of the tenant": lambda url: url.replace("/oauth2/", "/t/default/oauth2/"),
}


@pytest.mark.parametrize("what", CALLBACKS)
async def test_what_comes_back_has_to_be_what_was_asked_for(
    what: str, rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    async with running_provider() as other, Visitor.open(url) as browser:
        await known(rollbook, other, name="entra")
        await browser.visit(client)
        away = await browser.get(next(link for link in browser.buttons if "okta" in link))
        callback = (await browser.get(away.headers["Location"])).headers["Location"]
        answer = await browser.come_back(CALLBACKS[what](callback))
        assert "<script" not in answer.text
        assert await refused(browser, answer)


async def test_a_provider_that_names_itself_always_does(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    provider.configuration["authorization_response_iss_parameter_supported"] = True
    async with Visitor.open(url) as browser:
        assert await refused(browser, await browser.sign_in_there(client))
        provider.back = {"iss": provider.url}
        assert asks_for_consent(await browser.sign_in_there(client))


async def test_an_answer_is_good_once_and_for_one_browser(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as browser, Visitor.open(url) as another:
        callback = await browser.go_away(client)
        await another.visit(client)
        assert await refused(another, await another.get(callback))
        async with Visitor.open(url) as nobody:
            assert (await nobody.get(callback)).status == 400
        cookies = [morsel.value for morsel in browser.session.cookie_jar]
        assert asks_for_consent(await browser.come_back(callback))
        # The browser is known by something else from now on, which nobody could have planted.
        assert [morsel.value for morsel in browser.session.cookie_jar] != cookies
        assert (await browser.get(callback)).status == 400
        headers = {"Cookie": f"rollbook={cookies[0]}"}
        path = callback.removeprefix(url)
        async with Visitor.open(url) as former:
            assert (await former.send("GET", path, headers=headers)).status == 400
            shown = await former.send("GET", browser.at, headers=headers)
            assert 'value="approve"' not in shown.text


async def test_an_answer_that_comes_twice_at_once_is_good_once(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as browser:
        callback = await browser.go_away(client)
        answers = await asyncio.gather(*(browser.get(callback) for _ in range(8)))
        assert sorted(answer.status for answer in answers) == [303, *[400] * 7]


async def test_nobody_signs_in_to_a_tenant_that_is_suspended(
    rollbook: RollbookClient, provider: OpenIdProvider, url: str
) -> None:
    name = f"t{secrets.token_hex(6)}"
    made = await rollbook.tenants.create(name)
    async with (
        rollbook.acting_in(name) as theirs,
        Visitor.open(f"{url}/t/{name}") as browser,
    ):
        await person(theirs)
        await known(theirs, provider)
        redirect_uris = [REDIRECT_URI]
        client = await theirs.oauth_clients.create(
            OAuthClient(name="Okta", redirect_uris=redirect_uris, scopes=["scim"])
        )
        callback = await browser.go_away({"id": client.client.id})
        (link,) = browser.buttons
        await rollbook.tenants.suspend(made.id)
        assert (await browser.get(callback)).status == 400
        assert (await browser.get(link)).status == 400
        await rollbook.tenants.resume(made.id)
        assert asks_for_consent(await browser.come_back(callback))


async def test_a_code_of_one_browser_is_of_no_use_to_another(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    """Nor is it with the attacker's code that the victim signs in: PKCE and nonce bind it."""
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as one, Visitor.open(url) as two:
        first, second = await one.go_away(client), await two.go_away(client)
        code = Answered(303, {"Location": first}, "").query["code"]
        assert await refused(two, await two.come_back(changed(second, code=code)))


async def test_nobody_may_take_for_ever(
    rollbook: RollbookClient,
    oauth: OAuth,
    provider: OpenIdProvider,
    url: str,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as browser:
        callback = await browser.go_away(client)
        await database.execute("UPDATE pending_sign_ins SET expire_time = now()")
        assert await refused(browser, await browser.come_back(callback))


async def _not_an_administrator(rollbook: RollbookClient) -> None:
    await person(rollbook, roles=[])


async def _deactivated(rollbook: RollbookClient) -> None:
    await rollbook.users.deactivate((await person(rollbook)).id)


async def _deleted(rollbook: RollbookClient) -> None:
    await rollbook.users.delete((await person(rollbook)).id)


async def _another_role(rollbook: RollbookClient) -> None:
    await person(rollbook, roles=[Role(type="desk", value="admin")])


PEOPLE: Final[dict[str, Callable[[RollbookClient], Awaitable[None]]]] = {
    "not an administrator": _not_an_administrator,
    "deactivated": _deactivated,
    "deleted": _deleted,
    "of another role": _another_role,
}


async def test_who_is_no_active_administrator_learns_nothing(
    rollbook: RollbookClient,
    oauth: OAuth,
    provider: OpenIdProvider,
    url: str,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    await known(rollbook, provider)
    client = await oauth.register()
    texts = set()
    for each in PEOPLE.values():
        await database.execute("DELETE FROM resources")
        await each(rollbook)
        async with Visitor.open(url) as browser:
            answer = await browser.sign_in_there(client, state="s")
            assert await refused(browser, answer)
            texts.add(answer.text)
    provider.person["email_verified"] = False
    async with Visitor.open(url) as browser:
        texts.add((await browser.sign_in_there(client, state="s")).text)
    assert len(texts) == 1


async def test_the_log_says_why_and_no_more(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    provider.person["email_verified"] = False
    with capture_logs() as heard:
        async with Visitor.open(url) as browser:
            callback = await browser.go_away(client)
            await browser.come_back(callback)
            await browser.come_back(changed(await browser.go_away(client), error="<b>\n"))
    told = [each for each in heard if each["event"] == "sign_in.refused"]
    assert [(each["provider"], each["reason"], each["log_level"]) for each in told] == [
        ("okta", "the e-mail address is not verified", "info"),
        ("okta", "an error that is none", "warning"),
    ]
    secrets_of = Answered(303, {"Location": callback}, "").query
    for secret in (*secrets_of.values(), EMAIL, CLIENT_SECRET):
        assert secret not in str(heard)


async def test_a_provider_of_one_tenant_signs_nobody_into_another(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    """Not even the same one with the same client: whose the request is decides."""
    name = f"t{secrets.token_hex(6)}"
    await rollbook.tenants.create(name)
    await known(rollbook, provider)
    client = await oauth.register()
    async with rollbook.acting_in(name) as theirs:
        await person(theirs)
        await known(theirs, provider)
        async with Visitor.open(url) as browser:
            assert await refused(browser, await browser.sign_in_there(client))


async def _disabled(rollbook: RollbookClient, made: SignInProvider) -> None:
    await rollbook.sign_in_providers.update(SignInProvider(id=made.id, enabled=False))


async def _removed(rollbook: RollbookClient, made: SignInProvider) -> None:
    await rollbook.sign_in_providers.delete(made.id)


async def _stricter(rollbook: RollbookClient, made: SignInProvider) -> None:
    stricter = SignInProvider(id=made.id, required_claims={"hd": "acme.example"})
    await rollbook.sign_in_providers.update(stricter)


ENDS: Final[dict[str, Callable[[RollbookClient, SignInProvider], Awaitable[None]]]] = {
    "disabled": _disabled,
    "removed": _removed,
    "stricter": _stricter,
}


@pytest.mark.parametrize("how", ENDS)
async def test_a_provider_that_is_no_more_what_it_was_ends_what_it_began(
    how: str, rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await person(rollbook)
    made = await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as browser, Visitor.open(url) as later:
        callback = await later.go_away(client)
        assert asks_for_consent(await browser.sign_in_there(client))
        await ENDS[how](rollbook, made)
        assert 'value="approve"' not in (await browser.show()).text
        assert await refused(later, await later.come_back(callback))


async def test_deactivation_ends_a_sign_in(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    ada = await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as browser:
        assert asks_for_consent(await browser.sign_in_there(client))
        code = await browser.consent(client)
        await rollbook.users.deactivate(ada.id)
        assert 'value="approve"' not in (await browser.show()).text
        assert (await oauth.redeem(client, code)).error == "400 invalid_grant"
        assert await refused(browser, await browser.sign_in_there(client))
        await rollbook.users.activate(ada.id)
        assert 'value="approve"' not in (await browser.show()).text
        assert asks_for_consent(await browser.sign_in_there(client))


async def test_who_comes_back_while_they_are_deactivated_does_not_stay(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    ada = await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    for _ in range(6):
        async with Visitor.open(url) as browser:
            callback = await browser.go_away(client)
            await asyncio.gather(browser.come_back(callback), rollbook.users.deactivate(ada.id))
            await rollbook.users.activate(ada.id)
            assert 'value="approve"' not in (await browser.show()).text


TROUBLES: Final[dict[str, dict[str, Any]]] = {
    "another issuer": {"issuer": "https://evil.example"},
    "no token endpoint": {"token_endpoint": None},
    "a token endpoint that is where secrets are": {"token_endpoint": "http://169.254.169.254/"},
    "a token endpoint that is no URL": {"token_endpoint": "https://["},
    "a token endpoint without a host": {"token_endpoint": "https://"},
    "a script": {"authorization_endpoint": "javascript:alert(1)"},
    "two lines": {"authorization_endpoint": "https://a.example/\na: b"},
}


@pytest.mark.parametrize("trouble", ["none", *TROUBLES])
async def test_a_provider_in_trouble_is_said_to_be(
    trouble: str,
    rollbook: RollbookClient,
    oauth: OAuth,
    provider: OpenIdProvider,
    url: str,
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    provider.status = 500 if trouble == "none" else 200
    provider.configuration |= TROUBLES.get(trouble, {})
    async with Visitor.open(url) as browser:
        await browser.visit(client)
        (link,) = browser.buttons
        answer = await browser.get(link)
        assert answer.status == 403
        assert "cannot be reached just now" in answer.text
        browser.page = answer
        (back,) = browser.buttons
        assert "Sign in to" in (await browser.get(back)).text


async def test_who_hangs_is_not_waited_for(
    rollbook: RollbookClient,
    oauth: OAuth,
    provider: OpenIdProvider,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as browser:
        callback = await browser.go_away(client)
        monkeypatch.setattr("service.federation.relying_party.SECONDS", 0.3)
        provider.answering.clear()
        answer = await browser.come_back(callback)
        assert "cannot be reached just now" in answer.text
        assert await refused(browser, answer)
        provider.answering.set()


async def test_redirects_of_a_provider_are_not_followed(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    """Or whoever it names would be told the secret and the code."""
    await person(rollbook)
    await known(rollbook, provider)
    async with running_provider() as evil:
        provider.elsewhere = f"{evil.url}/token"
        async with Visitor.open(url) as browser:
            assert await refused(browser, await browser.sign_in_there(await oauth.register()))
        assert provider.asked_with == ["basic"]
        assert evil.asked_with == []


async def test_attempts_are_limited(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as browser:
        # Those that succeed are not counted.
        for _ in range(PAIR_LIMIT + 2):
            assert asks_for_consent(await browser.sign_in_there(client))
            await browser.submit(action="sign_out")
        (link,) = browser.buttons
        # A minute may end in between.
        answers = [await browser.get(link) for _ in range(2 * PAIR_LIMIT + 1)]
        assert {answer.status for answer in answers} == {303, 429}
        refusal = next(answer for answer in answers if answer.status == 429)
        assert int(refusal.headers["Retry-After"]) > 0
        assert "Back to sign in" in refusal.text
