"""Clients of the authorization server and browsers, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import ClientSession, CookieJar

from tests.harness.instance import TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping

REDIRECT_URI: Final = "https://idp.example/callback"


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str
    json: Any = None

    @property
    def error(self) -> str:
        """The code of RFC 6749, with the status before it."""
        return f"{self.status} {self.json.get('error')}"

    @property
    def query(self) -> dict[str, str]:
        """The parameters of where the browser is sent."""
        values = parse_qs(urlsplit(self.headers["Location"]).query, keep_blank_values=True)
        assert all(len(each) == 1 for each in values.values())
        return {name: each[0] for name, each in values.items()}


@dataclass
class OAuth:
    """Speaks HTTP with the authorization server at `url`."""

    session: ClientSession
    url: str

    async def send(self, method: str, path: str, **options: Any) -> Answered:
        async with self.session.request(
            method, self.url + path, allow_redirects=False, **options
        ) as response:
            text = await response.text()
            is_json = "json" in response.headers.get("Content-Type", "") and text
            return Answered(
                response.status,
                response.headers.copy(),
                text,
                json.loads(text) if is_json else {},
            )

    async def register(self, token: str = TOKEN, **body: Any) -> dict[str, Any]:
        """A new client, with its secret."""
        asked = {"name": "Okta", "redirect_uris": [REDIRECT_URI], **body}
        headers = {"Authorization": f"Bearer {token}"}
        answer = await self.send("POST", "/oauth2/clients", json=asked, headers=headers)
        assert answer.status == 201, answer.text
        client: dict[str, Any] = answer.json
        return client

    async def remove(self, client: Mapping[str, Any]) -> Answered:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return await self.send("DELETE", f"/oauth2/clients/{client['id']}", headers=headers)

    async def post(self, path: str, client: Mapping[str, Any] | None, **form: str) -> Answered:
        """A form of a client, which has its secret in the header if it has one."""
        headers = {}
        if client is not None and "secret" in client:
            headers["Authorization"] = basic(client["id"], client["secret"])
        elif client is not None:
            form = {"client_id": client["id"], **form}
        return await self.send("POST", path, data=form, headers=headers)

    async def token(self, client: Mapping[str, Any] | None, **form: str) -> Answered:
        return await self.post("/oauth2/token", client, **form)

    async def refresh(self, client: Mapping[str, Any], refresh_token: str) -> Answered:
        return await self.token(client, grant_type="refresh_token", refresh_token=refresh_token)

    async def redeem(self, client: Mapping[str, Any], code: str, **form: str) -> Answered:
        return await self.token(
            client,
            grant_type="authorization_code",
            code=code,
            redirect_uri=REDIRECT_URI,
            **form,
        )

    async def tokens_for(self, client: Mapping[str, Any], **parameters: str) -> dict[str, Any]:
        """Tokens that an administrator has consented to."""
        verifier, challenge = pkce()
        extra = {"code_verifier": verifier}
        async with Browser.open(self.url) as browser:
            code = await browser.consent(client, **challenge, **parameters)
        answer = await self.redeem(client, code, **extra)
        assert answer.status == 200, answer.text
        tokens: dict[str, Any] = answer.json
        return tokens

    async def scim(self, access_token: str) -> int:
        """The status of a SCIM request with a token."""
        headers = {"Authorization": f"Bearer {access_token}"}
        return (await self.send("GET", "/scim/v2/Users?count=1", headers=headers)).status


@dataclass
class Browser(OAuth):
    """A browser: it keeps cookies, and fills in the forms of the page that it shows."""

    page: Answered | None = None
    at: str = ""
    _fields: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, url: str) -> Browser:
        return cls(ClientSession(cookie_jar=CookieJar(unsafe=True)), url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def visit(self, client: Mapping[str, Any], **parameters: str) -> Answered:
        """Goes where a client sends it."""
        asked = {
            "response_type": "code",
            "client_id": client["id"],
            "redirect_uri": REDIRECT_URI,
            **parameters,
        }
        self.at = f"/oauth2/authorize?{urlencode({k: v for k, v in asked.items() if v})}"
        return await self.show()

    async def show(self) -> Answered:
        self.page = await self.send("GET", self.at)
        return self.page

    async def submit(self, **fields: str) -> Answered:
        """Sends the form of the page that has these fields, and goes where that leads, if it is
        the same page."""
        assert self.page is not None
        token = re.search(r'name="form_token" value="([^"]*)"', self.page.text)
        data = {"form_token": unescape(token[1]) if token else "", **fields}
        answer = await self.send("POST", self.at, data=data)
        here = f"{self.url}/oauth2/authorize?"
        if answer.status == 303 and answer.headers["Location"].startswith(here):
            return await self.show()
        if answer.status != 303:
            self.page = answer
        return answer

    async def sign_in(self, token: str = TOKEN) -> Answered:
        return await self.submit(action="sign_in", api_token=token)

    async def consent(self, client: Mapping[str, Any], **parameters: str) -> str:
        """The code that an administrator's consent gives."""
        shown = await self.visit(client, **parameters)
        if 'value="approve"' not in shown.text:
            shown = await self.sign_in()
        assert 'value="approve"' in shown.text, shown.text
        return (await self.submit(action="approve")).query["code"]


def basic(client_id: str, secret: str) -> str:
    """The Authorization header of a client."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def pkce() -> tuple[str, dict[str, str]]:
    """A verifier, and the parameters of its challenge (RFC 7636)."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return verifier, {"code_challenge": challenge, "code_challenge_method": "S256"}
