"""An OpenID provider for tests that people sign in at, over real HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus, urlencode

from aiohttp import web

from tests.harness.issuer import FakeIssuer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

CLIENT_ID: Final = "rollbook at the provider"
CLIENT_SECRET: Final = "s3cret/+:of the client"


class OpenIdProvider(FakeIssuer):
    """Signs in `person`, whose claims are in the ID token, save those in `told_apart`, which the
    UserInfo endpoint tells.

    `changes` are made to ID tokens, by what is asked for; `back` to what browsers are sent back
    with. The token endpoint waits until it is `answering`; from there `elsewhere` leads on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.person: dict[str, Any] = {
            "sub": "00u1",
            "email": "ada@acme.example",
            "email_verified": True,
        }
        self.told_apart: set[str] = set()
        self.changes: Callable[[Mapping[str, str]], dict[str, Any]] = lambda _: {}
        self.signed: Callable[[Mapping[str, Any]], str] = lambda claims: self.token(**claims)
        self.back: dict[str, str | None] = {}
        self.elsewhere = ""
        self.client_secret = CLIENT_SECRET
        self.answering = asyncio.Event()
        self.answering.set()
        self.asked_with: list[str] = []
        self._codes: dict[str, Mapping[str, str]] = {}
        self._access_tokens: set[str] = set()
        self.configuration = {
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"]
        }

    def locate(self, url: str) -> None:
        """It is at `url`."""
        self.url = url
        self.configuration |= {
            "authorization_endpoint": f"{url}/authorize?from=discovery",
            "token_endpoint": f"{url}/token",
            "userinfo_endpoint": f"{url}/userinfo",
        }

    async def authorize(self, request: web.Request) -> web.Response:
        """Signs `person` in without asking anything."""
        asked = dict(request.query)
        assert asked["from"] == "discovery"
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], **self.back}
        query = urlencode({name: value for name, value in back.items() if value is not None})
        raise web.HTTPFound(f"{asked['redirect_uri']}?{query}")

    async def redeem(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        await self.answering.wait()
        if not self._knows(request.headers.get("Authorization", ""), form):
            return web.json_response({"error": "invalid_client"}, status=401)
        if self.elsewhere:
            raise web.HTTPTemporaryRedirect(self.elsewhere)
        asked = self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or (asked["redirect_uri"], asked["code_challenge"]) != (
            form["redirect_uri"],
            challenge,
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        access_token = secrets.token_urlsafe(16)
        self._access_tokens.add(access_token)
        told = {name: self.person[name] for name in self.person if name not in self.told_apart}
        claims = {"aud": CLIENT_ID, "nonce": asked["nonce"], **told, **self.changes(asked)}
        body = {"access_token": access_token, "token_type": "Bearer"}
        return web.json_response({**body, "id_token": self.signed(claims)})

    def _knows(self, authorization: str, form: Mapping[str, str]) -> bool:
        """Whether a client has proved who it is, in one way."""
        if authorization:
            assert "client_secret" not in form
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
            client_id, _, secret = map(unquote_plus, pair.partition(":"))
            self.asked_with.append("basic")
        else:
            client_id, secret = form["client_id"], form.get("client_secret", "")
            self.asked_with.append("post" if secret else "none")
        return (client_id, secret) == (CLIENT_ID, self.client_secret)

    async def tell(self, request: web.Request) -> web.Response:
        """UserInfo."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self._access_tokens:
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response(self.person)


@asynccontextmanager
async def running_provider() -> AsyncIterator[OpenIdProvider]:
    provider = OpenIdProvider()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.discover)
    app.router.add_get("/keys", provider.show_keys)
    app.router.add_get("/authorize", provider.authorize)
    app.router.add_post("/token", provider.redeem)
    app.router.add_get("/userinfo", provider.tell)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        provider.locate(f"http://127.0.0.1:{runner.addresses[0][1]}")
        yield provider
    finally:
        await runner.cleanup()
