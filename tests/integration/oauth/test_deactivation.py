"""An administrator who is deactivated is out of the authorization server too: signed in nowhere,
and nothing that they consented to goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from rollbook.v1.user_pb2 import Role, User
from tests.harness.oauth import Browser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from rollbook.client import RollbookClient
    from tests.harness.oauth import OAuth

PASSWORD: Final = "correct horse battery staple"
ROUNDS: Final = 6


class Administrator:
    """A user who administers, and a browser that they are signed in with."""

    def __init__(self, user_id: str, browser: Browser) -> None:
        self.id = user_id
        self.browser = browser

    @classmethod
    async def signed_in(
        cls, rollbook: RollbookClient, client: Mapping[str, Any], browser: Browser, name: str
    ) -> Administrator:
        role = Role(type="account_type", value="admin")
        user = await rollbook.users.create(User(user_name=name, password=PASSWORD, roles=[role]))
        await browser.visit(client)
        shown = await browser.submit(action="sign_in", user_name=name, password=PASSWORD)
        assert 'value="approve"' in shown.text, shown.text
        return cls(user.id, browser)

    async def code(self, client: Mapping[str, Any]) -> str:
        return await self.browser.consent(client)


@pytest.fixture
async def client(oauth: OAuth) -> AsyncIterator[dict[str, Any]]:
    made = await oauth.register(scopes=["scim"])
    yield made
    await oauth.remove(made)


ENDS: Final[dict[str, Callable[[RollbookClient, str], Awaitable[object]]]] = {
    "deactivated": lambda rollbook, user_id: rollbook.users.deactivate(user_id),
    "deleted": lambda rollbook, user_id: rollbook.users.delete(user_id),
}


async def test_what_was_consented_to_with_ones_own_token_ends_too(
    rollbook: RollbookClient, oauth: OAuth, client: dict[str, Any]
) -> None:
    role = Role(type="account_type", value="admin")
    ada = await rollbook.users.create(User(user_name="ada", roles=[role]))
    own = await rollbook.tokens.create("ada's", ["admin", "scim"], principal_id=ada.id)
    async with Browser.open(oauth.url) as browser:
        await browser.visit(client)
        await browser.sign_in(own.secret)
        tokens = (await oauth.redeem(client, await browser.consent(client))).json
        assert await oauth.scim(tokens["access_token"]) == 200
        await rollbook.users.deactivate(ada.id)
        assert await oauth.scim(tokens["access_token"]) == 401
        assert (await oauth.refresh(client, tokens["refresh_token"])).status == 400
        assert 'value="approve"' not in (await browser.visit(client)).text


@pytest.mark.parametrize("how", ENDS)
async def test_nothing_of_an_administrator_goes_on(
    how: str, rollbook: RollbookClient, oauth: OAuth, client: dict[str, Any]
) -> None:
    async with Browser.open(oauth.url) as browser:
        admin = await Administrator.signed_in(rollbook, client, browser, "ada")
        tokens = (await oauth.redeem(client, await admin.code(client))).json
        unused = await admin.code(client)
        assert await oauth.scim(tokens["access_token"]) == 200
        await ENDS[how](rollbook, admin.id)
        assert await oauth.scim(tokens["access_token"]) == 401
        assert (await oauth.refresh(client, tokens["refresh_token"])).error == "400 invalid_grant"
        assert (await oauth.redeem(client, unused)).error == "400 invalid_grant"
        assert 'value="approve"' not in (await browser.visit(client)).text
        again = await browser.submit(action="sign_in", user_name="ada", password=PASSWORD)
        assert 'value="approve"' not in again.text


async def test_activation_lets_sign_in_and_brings_nothing_back(
    rollbook: RollbookClient, oauth: OAuth, client: dict[str, Any]
) -> None:
    async with Browser.open(oauth.url) as browser:
        admin = await Administrator.signed_in(rollbook, client, browser, "ada")
        tokens = (await oauth.redeem(client, await admin.code(client))).json
        await rollbook.users.deactivate(admin.id)
        await rollbook.users.activate(admin.id)
        assert await oauth.scim(tokens["access_token"]) == 401
        assert (await oauth.refresh(client, tokens["refresh_token"])).status == 400
        assert 'value="approve"' not in (await browser.visit(client)).text
        again = await browser.submit(action="sign_in", user_name="ada", password=PASSWORD)
        assert 'value="approve"' in again.text


async def test_tokens_that_are_asked_for_meanwhile_do_not_survive(
    rollbook: RollbookClient, oauth: OAuth, client: dict[str, Any]
) -> None:
    for number in range(ROUNDS):
        async with Browser.open(oauth.url) as browser:
            admin = await Administrator.signed_in(rollbook, client, browser, f"ada{number}")
            tokens = (await oauth.redeem(client, await admin.code(client))).json
            unused = await admin.code(client)
            refreshed, redeemed, approved, again, _ = await asyncio.gather(
                oauth.refresh(client, tokens["refresh_token"]),
                oauth.redeem(client, unused),
                browser.submit(action="approve"),
                oauth.refresh(client, tokens["refresh_token"]),
                rollbook.users.deactivate(admin.id),
            )
            for got in (tokens, refreshed.json, redeemed.json, again.json):
                if "access_token" in got:
                    assert await oauth.scim(got["access_token"]) == 401
                    assert (await oauth.refresh(client, got["refresh_token"])).status == 400
            if code := approved.query.get("code") if approved.status == 303 else None:
                assert (await oauth.redeem(client, code)).status == 400
