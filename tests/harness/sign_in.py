"""Administrators who sign in at an OpenID provider."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit

from aiohttp import ClientSession, CookieJar

from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider
from rollbook.v1.user_pb2 import Email, Role, User
from tests.harness.oauth import Answered, Browser
from tests.harness.openid_provider import CLIENT_ID, CLIENT_SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook.client import RollbookClient
    from tests.harness.openid_provider import OpenIdProvider

EMAIL = "ada@acme.example"


async def person(rollbook: RollbookClient, **values: Any) -> User:
    """Ada, who is an administrator unless it is said otherwise."""
    role = Role(type="account_type", value="admin")
    given: dict[str, Any] = {
        "user_name": EMAIL,
        "external_id": "00u1",
        "emails": [Email(value=EMAIL, primary=True)],
        "roles": [role],
        **values,
    }
    return await rollbook.users.create(User(**given))


async def known(
    rollbook: RollbookClient,
    provider: OpenIdProvider,
    secret: str = CLIENT_SECRET,
    **values: Any,
) -> SignInProvider:
    """The provider, as administrators sign in by it."""
    given = {
        "name": "okta",
        "display_name": "Acme's <Okta>",
        "issuer": provider.url,
        "client_id": CLIENT_ID,
        **values,
    }
    return await rollbook.sign_in_providers.create(SignInProvider(**given), secret)


@dataclass
class Visitor(Browser):
    """A browser that signs in at a provider."""

    @classmethod
    def open(cls, url: str) -> Self:
        return cls(ClientSession(cookie_jar=CookieJar(unsafe=True)), url)

    async def get(self, location: str) -> Answered:
        """Goes to an address, and nowhere else."""
        async with self.session.get(location, allow_redirects=False) as response:
            return Answered(response.status, response.headers.copy(), await response.text())

    @property
    def buttons(self) -> list[str]:
        """Where one may sign in."""
        assert self.page is not None
        links = re.findall(r'<a class="button" href="([^"]*)">', self.page.text)
        return [unescape(link) for link in links]

    async def go_away(self, client: Mapping[str, Any], **parameters: str) -> str:
        """Begins to sign in. Returns where the provider sends the browser back to."""
        await self.visit(client, **parameters)
        (button,) = self.buttons
        away = await self.get(button)
        assert away.status == 303, away.text
        back = await self.get(away.headers["Location"])
        assert back.status == 302, back.text
        return back.headers["Location"]

    async def come_back(self, callback: str) -> Answered:
        """What the browser is shown in the end."""
        answer = await self.get(callback)
        if answer.status == 303:
            self.page = await self.get(answer.headers["Location"])
            return self.page
        return answer

    async def sign_in_there(self, client: Mapping[str, Any], **parameters: str) -> Answered:
        return await self.come_back(await self.go_away(client, **parameters))


def asks_for_consent(answer: Answered) -> bool:
    return answer.status == 200 and 'value="approve"' in answer.text


def changed(url: str, **parameters: str | None) -> str:
    """A URL with other parameters; those that are None are left out."""
    parts = urlsplit(url)
    query = {**Answered(302, {"Location": url}, "").query, **parameters}
    kept = {name: value for name, value in query.items() if value is not None}
    return parts._replace(query=urlencode(kept)).geturl()
