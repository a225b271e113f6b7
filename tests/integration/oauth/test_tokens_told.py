"""Revocation, introspection, and what the server says of itself (RFC 7009, RFC 7662, RFC 8414)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from authlib.oauth2 import rfc9207
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from rollbook.client import RollbookClient
from service.epoch import Epoch
from tests.harness.instance import TOKEN, running_gateway, running_service

if TYPE_CHECKING:
    import pytest

    from tests.harness.oauth import OAuth


async def introspect(oauth: OAuth, client: dict[str, Any] | None, token: str) -> Any:
    answer = await oauth.post("/oauth2/introspect", client, token=token)
    assert answer.status == 200, answer.text
    return answer.json


async def test_a_client_learns_about_its_own_tokens(oauth: OAuth) -> None:
    client, other = await oauth.register(), await oauth.register()
    tokens = await oauth.tokens_for(client)
    told = await introspect(oauth, client, tokens["access_token"])
    assert told.pop("exp") - told.pop("iat") == 7200
    assert told == {
        "active": True,
        "scope": "scim",
        "client_id": client["id"],
        "sub": client["id"],
        "iss": oauth.url,
        "aud": oauth.url,
        "token_type": "Bearer",
    }
    renewal = await introspect(oauth, client, tokens["refresh_token"])
    assert renewal["active"]
    assert renewal["exp"] > time.time() + 89 * 86_400
    assert "token_type" not in renewal
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert await introspect(oauth, other, token) == {"active": False}
    for token in ("x", "é", TOKEN, "rba_" + "0" * 49):
        assert await introspect(oauth, client, token) == {"active": False}


async def test_an_administrator_learns_about_all_tokens(oauth: OAuth, service: str) -> None:
    client = await oauth.register()
    tokens = await oauth.tokens_for(client)
    async with RollbookClient(service, token=TOKEN) as rollbook:
        plain = await rollbook.tokens.create("plain", ["scim"])

    async def by(token: str) -> Any:
        return await oauth.send(
            "POST",
            "/oauth2/introspect",
            data={"token": tokens["access_token"]},
            headers={"Authorization": f"Bearer {token}"},
        )

    assert (await by(TOKEN)).json["active"]
    assert (await by("nobody")).error == "401 invalid_token"
    assert (await by(plain.secret)).error == "403 insufficient_scope"


async def test_public_clients_and_strangers_learn_nothing(oauth: OAuth) -> None:
    public = await oauth.register(authentication="none")
    for client in (public, None, {"id": "x", "secret": "y"}):
        answer = await oauth.post("/oauth2/introspect", client, token="x")
        assert answer.error == "401 invalid_client"
        assert "WWW-Authenticate" in answer.headers


async def test_a_revoked_access_token_is_gone_and_the_rest_stays(oauth: OAuth) -> None:
    client = await oauth.register()
    tokens = await oauth.tokens_for(client)
    assert await oauth.scim(tokens["access_token"]) == 200
    answer = await oauth.post(
        "/oauth2/revoke", client, token=tokens["access_token"], token_type_hint="refresh_token"
    )
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert await oauth.scim(tokens["access_token"]) == 401
    assert await introspect(oauth, client, tokens["access_token"]) == {"active": False}
    assert (await oauth.refresh(client, tokens["refresh_token"])).status == 200


async def test_a_revoked_refresh_token_takes_all_with_it(oauth: OAuth) -> None:
    client = await oauth.register()
    tokens = await oauth.tokens_for(client)
    renewed = (await oauth.refresh(client, tokens["refresh_token"])).json
    for _ in range(2):
        answer = await oauth.post("/oauth2/revoke", client, token=renewed["refresh_token"])
        assert answer.status == 200
    for each in (tokens, renewed):
        assert await oauth.scim(each["access_token"]) == 401
        assert (await oauth.refresh(client, each["refresh_token"])).error == "400 invalid_grant"


async def test_nobody_revokes_the_tokens_of_others(oauth: OAuth) -> None:
    client, other = await oauth.register(), await oauth.register()
    tokens = await oauth.tokens_for(client)
    refused = await oauth.post("/oauth2/revoke", other, token=tokens["access_token"])
    assert refused.error == "400 invalid_grant"
    assert (await oauth.post("/oauth2/revoke", None, token="x")).error == "401 invalid_client"
    assert (await oauth.post("/oauth2/revoke", client)).error == "400 invalid_request"
    assert (await oauth.post("/oauth2/revoke", client, token="unknown")).status == 200
    assert await oauth.scim(tokens["access_token"]) == 200


async def test_the_server_says_what_is_true_of_it(oauth: OAuth, service: str) -> None:
    answer = await oauth.send("GET", "/.well-known/oauth-authorization-server")
    assert answer.status == 200
    assert answer.json["issuer"] == oauth.url
    for name, address in answer.json.items():
        if name.endswith("_endpoint"):
            status = (await oauth.send("POST", address.removeprefix(oauth.url))).status
            assert status in {400, 401}, name
    async with running_gateway(service, http_public_url="https://id.acme.example") as url:
        oauth.url = url.removesuffix("/scim/v2")
        public = await oauth.send("GET", "/.well-known/oauth-authorization-server")
        below = await oauth.send("GET", "/.well-known/oauth-authorization-server/t/acme")
        beside = await oauth.send("GET", "/t/acme/.well-known/oauth-authorization-server")
    document = AuthorizationServerMetadata(public.json)
    document.validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])
    assert below.json == beside.json
    assert below.json["issuer"] == "https://id.acme.example/t/acme"
    assert below.json["token_endpoint"] == "https://id.acme.example/t/acme/oauth2/token"


async def test_a_refresh_token_whose_successor_got_lost_revokes_all(oauth: OAuth) -> None:
    """A client that signs off with the last token it knows has signed off."""
    client, other = await oauth.register(), await oauth.register()
    tokens = await oauth.tokens_for(client)
    renewed = (await oauth.refresh(client, tokens["refresh_token"])).json
    refused = await oauth.post("/oauth2/revoke", other, token=tokens["refresh_token"])
    assert refused.error == "400 invalid_grant"
    assert await oauth.scim(renewed["access_token"]) == 200
    answer = await oauth.post("/oauth2/revoke", client, token=tokens["refresh_token"])
    assert answer.status == 200
    assert await oauth.scim(renewed["access_token"]) == 401
    refused = await oauth.refresh(client, renewed["refresh_token"])
    assert refused.error == "400 invalid_grant"


async def test_what_is_no_token_makes_no_worker_look_anew(
    oauth: OAuth, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may send that in the name of a public client."""
    async with (
        running_service(database_url) as service,
        running_gateway(service) as url,
    ):
        oauth.url = url.removesuffix("/scim/v2")
        public = await oauth.register(authentication="none")
        tokens = await oauth.tokens_for(public)
        advanced: list[tuple[int, ...]] = []
        advance = Epoch.advance

        def counted(self: Epoch, *slot: int) -> None:
            advanced.append(slot)
            advance(self, *slot)

        monkeypatch.setattr(Epoch, "advance", counted)
        for token in ("x", "rba_" + "0" * 49, TOKEN):
            assert (await oauth.post("/oauth2/revoke", public, token=token)).status == 200
        assert () not in advanced
        await oauth.post("/oauth2/revoke", public, token=tokens["access_token"])
        assert () in advanced
