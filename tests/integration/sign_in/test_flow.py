"""An administrator signs in at an OpenID provider and consents, over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from rollbook.v1.sign_in_provider_service_pb2 import UserMatch
from rollbook.v1.user_pb2 import Email
from tests.harness.instance import running_gateway, running_service
from tests.harness.oauth import REDIRECT_URI, OAuth
from tests.harness.openid_provider import CLIENT_SECRET
from tests.harness.sign_in import EMAIL, Visitor, asks_for_consent, known, person

if TYPE_CHECKING:
    from rollbook.client import RollbookClient
    from tests.harness.openid_provider import OpenIdProvider

BY_ID: Final = UserMatch.USER_MATCH_EXTERNAL_ID


async def test_an_administrator_signs_in_and_consents(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as browser:
        shown = await browser.sign_in_there(client, state="what & the client=says")
        assert asks_for_consent(shown)
        assert EMAIL in shown.text
        back = await browser.submit(action="approve")
    assert back.query["state"] == "what & the client=says"
    tokens = (await oauth.redeem(client, back.query["code"])).json
    assert await oauth.scim(tokens["access_token"]) == 200
    assert provider.asked_with == ["basic"]


@pytest.mark.parametrize(
    ("matching", "who", "signs_in"),
    [
        ({}, {"email": "ADA@Acme.example"}, True),
        ({}, {"email_verified": "true"}, True),
        ({}, {"email": "ada.k@acme.example"}, True),
        ({}, {"email": "ada@home.example"}, False),
        ({}, {"email": "grace@acme.example"}, False),
        ({"user_match": BY_ID}, {"email_verified": False, "email": "x"}, True),
        ({"user_match": BY_ID}, {"sub": "00U1"}, False),
        ({"user_match": BY_ID, "user_claim": "oid"}, {"sub": "pairwise", "oid": "00u1"}, True),
        ({"user_match": BY_ID, "user_claim": "oid"}, {}, False),
        ({"user_match": BY_ID, "user_claim": "oid"}, {"oid": ["00u1"]}, False),
        ({"required_claims": {"hd": "acme.example"}}, {"hd": "acme.example"}, True),
        ({"required_claims": {"hd": "acme.example"}}, {"hd": "acme.example.evil"}, False),
        ({"required_claims": {"hd": "acme.example"}}, {}, False),
        ({"algorithms": ["RS256"]}, {}, False),
    ],
)
async def test_the_user_is_the_one_that_the_provider_names(
    matching: dict[str, Any],
    who: dict[str, Any],
    signs_in: bool,
    rollbook: RollbookClient,
    oauth: OAuth,
    provider: OpenIdProvider,
    url: str,
) -> None:
    addresses = [
        Email(value="ada.k@acme.example", primary=True),
        Email(value="ada@home.example", type="home"),
    ]
    await person(rollbook, emails=addresses)
    await known(rollbook, provider, **matching)
    provider.person |= who
    async with Visitor.open(url) as browser:
        shown = await browser.sign_in_there(await oauth.register())
    assert asks_for_consent(shown) is signs_in
    assert shown.status == (200 if signs_in else 403)


@pytest.mark.parametrize("match", [UserMatch.USER_MATCH_VERIFIED_EMAIL, BY_ID])
async def test_whoever_could_be_two_is_nobody(
    match: UserMatch.ValueType,
    rollbook: RollbookClient,
    oauth: OAuth,
    provider: OpenIdProvider,
    url: str,
) -> None:
    await person(rollbook, user_name="one")
    twin = await person(rollbook, user_name="two", roles=[])
    await known(rollbook, provider, user_match=match)
    client = await oauth.register()
    async with Visitor.open(url) as browser:
        assert (await browser.sign_in_there(client)).status == 403
        await rollbook.users.delete(twin.id)
        assert asks_for_consent(await browser.sign_in_there(client))


async def test_a_user_name_goes_before_anybodys_address(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await person(rollbook, user_name="other", external_id="", roles=[])
    ada = await person(rollbook, emails=[])
    await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as browser:
        assert asks_for_consent(await browser.sign_in_there(client))
        # Whose name it is may have gone, and is not taken for whose address it is.
        await rollbook.users.deactivate(ada.id)
        assert (await browser.sign_in_there(client)).status == 403


@pytest.mark.parametrize("apart", [{"email_verified"}, {"email", "email_verified"}])
async def test_what_the_id_token_leaves_out_user_info_tells(
    apart: set[str],
    rollbook: RollbookClient,
    oauth: OAuth,
    provider: OpenIdProvider,
    url: str,
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    provider.told_apart = apart
    async with Visitor.open(url) as browser:
        assert asks_for_consent(await browser.sign_in_there(client))
    # What one says is verified is not the address that the other has.
    provider.person["email_verified"] = False
    provider.changes = lambda _: {"email_verified": True} if "email" in apart else {}
    async with Visitor.open(url) as browser:
        assert (await browser.sign_in_there(client)).status == 403


@pytest.mark.parametrize(
    ("secret", "methods", "used"),
    [
        (CLIENT_SECRET, None, "basic"),
        (CLIENT_SECRET, ["client_secret_post"], "post"),
        ("", ["client_secret_post", "none"], "none"),
    ],
)
async def test_the_service_proves_itself_as_the_provider_has_it(
    secret: str,
    methods: list[str] | None,
    used: str,
    rollbook: RollbookClient,
    oauth: OAuth,
    provider: OpenIdProvider,
    url: str,
) -> None:
    await person(rollbook)
    await known(rollbook, provider, secret)
    provider.client_secret = secret
    del provider.configuration["token_endpoint_auth_methods_supported"]
    if methods:
        provider.configuration["token_endpoint_auth_methods_supported"] = methods
    async with Visitor.open(url) as browser:
        assert asks_for_consent(await browser.sign_in_there(await oauth.register()))
    assert provider.asked_with == [used]


async def test_the_page_has_a_link_for_each_provider_that_is_enabled(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await known(rollbook, provider)
    await known(rollbook, provider, name="entra", display_name="")
    await known(rollbook, provider, name="old", enabled=False)
    async with Visitor.open(url) as browser:
        shown = await browser.visit(await oauth.register(), state='"><script>')
        assert [button.partition("?")[0] for button in browser.buttons] == [
            f"{url}/oauth2/sign-in/entra",
            f"{url}/oauth2/sign-in/okta",
        ]
        assert "Sign in with entra" in shown.text
        assert "Sign in with Acme&#39;s &lt;Okta&gt;" in shown.text
        assert "<script" not in shown.text
        # Where the browser goes from here is nothing that the policy of the page has to allow.
        assert "form-action 'self';" in shown.headers["Content-Security-Policy"]
        assert "Or with a password" in shown.text


async def test_every_tenant_has_providers_of_its_own(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    name = f"t{uuid4().hex[:12]}"
    await rollbook.tenants.create(name)
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    async with rollbook.acting_in(name) as theirs:
        made = await known(theirs, provider, name="theirs")
        assert [each.name for each in await theirs.sign_in_providers.list()] == ["theirs"]
    assert made.redirect_uri == f"/t/{name}/oauth2/callback/theirs"
    async with Visitor.open(url) as browser:
        await browser.visit(client)
        (button,) = browser.buttons
        foreign = await browser.get(button.replace("/sign-in/okta", "/sign-in/theirs"))
        assert foreign.status == 403
        callback = await browser.go_away(client)
        elsewhere = callback.replace(url, f"{url}/t/{name}")
        assert (await browser.get(elsewhere)).status == 400
        # That was no use of it.
        assert asks_for_consent(await browser.come_back(callback))


async def test_a_browser_may_begin_with_the_link(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    """As it has no cookie any more when it was closed meanwhile."""
    await person(rollbook)
    await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as browser:
        await browser.visit(client)
        (button,) = browser.buttons
    async with Visitor.open(url) as browser:
        away = await browser.get(button)
        back = await browser.get(away.headers["Location"])
        assert asks_for_consent(await browser.come_back(back.headers["Location"]))


async def test_any_worker_takes_back_whom_another_has_sent_away(
    rollbook: RollbookClient, provider: OpenIdProvider, database_url: str
) -> None:
    await person(rollbook)
    await known(rollbook, provider)
    public = {"http_public_url": "http://127.0.0.1:9"}
    async with (
        running_service(database_url, issuer_reach="local") as one,
        running_service(database_url, issuer_reach="local") as two,
        running_gateway(one, **public) as first,
        running_gateway(two, **public) as second,
        Visitor.open(first.removesuffix("/scim/v2")) as browser,
    ):
        client = await OAuth(browser.session, browser.url).register()
        await browser.visit(client)
        (link,) = browser.buttons
        away = await browser.get(link.replace("http://127.0.0.1:9", browser.url))
        back = await browser.get(away.headers["Location"])
        there = second.removesuffix("/scim/v2")
        callback = back.headers["Location"].replace("http://127.0.0.1:9", there)
        assert (await browser.get(callback)).status == 303
        assert asks_for_consent(await browser.show())


async def test_a_request_that_is_wrong_goes_back_to_the_client(
    rollbook: RollbookClient, oauth: OAuth, provider: OpenIdProvider, url: str
) -> None:
    await known(rollbook, provider)
    client = await oauth.register()
    async with Visitor.open(url) as browser:
        query = urlencode({"client_id": client["id"], "redirect_uri": REDIRECT_URI})
        wrong = await browser.get(f"{url}/oauth2/sign-in/okta?{query}")
        assert wrong.status == 303
        assert wrong.query["error"] == "invalid_request"
        stranger = await browser.get(f"{url}/oauth2/sign-in/okta?client_id=nobody")
        assert stranger.status == 400
        await browser.visit(client)
        (link,) = browser.buttons
        for name in ("nope", "%00", "OKTA", "okta%20", "x" * 500):
            assert (await browser.get(link.replace("/okta?", f"/{name}?"))).status == 403
