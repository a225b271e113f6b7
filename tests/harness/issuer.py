"""An OpenID provider for tests: its keys, where it publishes them, and the tokens it signs."""

from __future__ import annotations

import base64
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    Key = RSAKey | ECKey | OKPKey


def new_key(algorithm: str, key_id: str) -> Key:
    if algorithm.startswith("ES"):
        curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm]
        return ECKey.generate_key(curve, {"kid": key_id})
    if algorithm.startswith("Ed"):
        return OKPKey.generate_key("Ed25519", {"kid": key_id})
    return RSAKey.generate_key(2048, {"kid": key_id})


def b64(value: Any) -> str:
    """A part of a token: octets, or else JSON."""
    octets = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class FakeIssuer:
    """Answers on this machine. `published` are the keys it shows; `status` other than 200 is that
    of an issuer in trouble."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: dict[str, Key] = {"one": new_key("ES256", "one")}
        self.published: list[dict[str, Any]] = []
        self.configuration: dict[str, Any] = {}
        self.status = 200
        self.asked = 0
        self.publish()

    def publish(self) -> None:
        self.published = [key.as_dict(private=False) for key in self.keys.values()]

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Good claims, with changes; those that are None are left out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "rollbook",
            "sub": "workload",
            "iat": now,
            "exp": now + 300,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self, *, key_id: str = "one", algorithm: str = "ES256", header: Any = None, **changes: Any
    ) -> str:
        head = {"alg": algorithm, "kid": key_id, **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        signed = f"{b64(head)}.{b64(self.claims(**changes))}"
        # Below the library's own checks, which would not write what a hostile issuer does.
        signature = JWSRegistry.algorithms[algorithm].sign(signed.encode(), self.keys[key_id])
        return f"{signed}.{b64(signature)}"

    async def discover(self, _: web.Request) -> web.Response:
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.configuration}
        return web.json_response(document, status=self.status)

    async def show_keys(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response({"keys": self.published}, status=self.status)

    async def redirect(self, _: web.Request) -> web.Response:
        raise web.HTTPFound(f"{self.url}/keys")


@asynccontextmanager
async def running_issuer() -> AsyncIterator[FakeIssuer]:
    issuer = FakeIssuer()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", issuer.discover)
    app.router.add_get("/keys", issuer.show_keys)
    app.router.add_get("/elsewhere", issuer.redirect)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield issuer
    finally:
        await runner.cleanup()
