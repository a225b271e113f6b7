"""Clients: registered, listed and removed over HTTP, gRPC and on the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from rollbook.client import RollbookClient
from rollbook.errors import InvalidRequestError, NotFoundError
from rollbook.v1.oauth_service_pb2 import OAuthClient
from tests.harness.command import Command
from tests.harness.instance import TOKEN, connect_as_tenant
from tests.harness.oauth import REDIRECT_URI
from tests.harness.tenants import new_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.oauth import OAuth

BEARER = {"Authorization": f"Bearer {TOKEN}"}
HEX = re.compile(r"[0-9a-f]{64}")


@pytest.fixture
async def rollbook(service: str) -> AsyncIterator[RollbookClient]:
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


async def test_a_client_is_a_name_and_a_domain(oauth: OAuth) -> None:
    body = {"name": "det", "domain": "https://system-admin.okta.com"}
    answer = await oauth.send("POST", "/oauth2/clients", json=body, headers=BEARER)
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.json
    assert answer.headers["Location"].endswith(f"/oauth2/clients/{made['id']}")
    assert HEX.fullmatch(made["id"])
    assert HEX.fullmatch(made["secret"])
    assert made["domain"] == "https://system-admin.okta.com"
    assert made["scopes"] == ["scim"]
    assert (made["access_token_lifetime"], made["refresh_token_lifetime"]) == (7200, 7776000)
    listed = (await oauth.send("GET", "/oauth2/clients", headers=BEARER)).json
    del made["secret"]
    assert made in listed
    assert all("secret" not in client for client in listed)
    path = f"/oauth2/clients/{made['id']}"
    assert (await oauth.send("GET", path, headers=BEARER)).json == made
    assert (await oauth.send("DELETE", path, headers=BEARER)).status == 204
    assert (await oauth.send("GET", path, headers=BEARER)).status == 404


@pytest.mark.parametrize(
    ("body", "culprit"),
    [
        ({}, "name"),
        ({"name": "x"}, "redirect_uris"),
        ({"domain": "https://idp.example"}, "name"),
        ({"name": "x", "domain": 7}, "domain"),
        ({"name": "x", "redirect_uris": "https://idp.example"}, "redirect_uris"),
        ({"name": "x", "domain": "https://idp.example", "scopes": ["platform"]}, "platform"),
        ({"name": "x", "domain": "https://idp.example", "scopes": ["nope"]}, "nope"),
        ({"name": "x", "domain": "https://idp.example", "authentication": "jwt"}, "authentic"),
        ({"name": "x", "domain": "https://idp.example", "access_token_lifetime": -1}, "lifetime"),
        ({"name": "x", "domain": "https://idp.example", "access_token_lifetime": 86401}, "lifet"),
        ({"name": "x", "domain": "https://idp.example", "refresh_grace": 301}, "refresh_grace"),
        ({"name": "x", "domain": "https://idp.example", "connection_id": "y"}, "connection"),
        ({"name": "x", "domain": "https://idp.example", "nope": 1}, "nope"),
        ({"name": "x", "authentication": "none", "client_credentials": True}, "credentials"),
        ([], "object"),
    ],
)
async def test_what_is_wrong_with_a_client_is_named(oauth: OAuth, body: Any, culprit: str) -> None:
    answer = await oauth.send("POST", "/oauth2/clients", json=body, headers=BEARER)
    assert answer.status in {400, 404}
    assert culprit in answer.json["detail"]


@pytest.mark.parametrize(
    "uri",
    [
        "https://idp.example/callback#fragment",
        "https://user@idp.example/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "//idp.example/callback",
        "/callback",
        "https://",
        "https://*.example/callback",
        "https://idp.example;script-src/x",
        "https://idp.example:99999/x",
        "https://idp.example/\\evil",
        "https://idp.example/ x",
        "https://[::1",
        "ftp://idp.example/x",
        "x" * 3_000,
        "https://idp.example/é",
    ],
)
async def test_what_is_no_address_for_browsers_is_refused(oauth: OAuth, uri: str) -> None:
    body = {"name": "x", "redirect_uris": [uri]}
    answer = await oauth.send("POST", "/oauth2/clients", json=body, headers=BEARER)
    assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")


async def test_others_than_administrators_register_nobody(oauth: OAuth, service: str) -> None:
    async with RollbookClient(service, token=TOKEN) as rollbook:
        plain = await rollbook.tokens.create("plain", ["scim", "directory.write"])
        admin = await rollbook.tokens.create("admin", ["admin"])
    body = {"name": "x", "domain": "https://idp.example"}
    for token, status in (("nobody", 401), (plain.secret, 403), (admin.secret, 403)):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await oauth.send("POST", "/oauth2/clients", json=body, headers=headers)
        assert answer.status == status
    body["scopes"] = ["admin"]  # type: ignore[assignment]
    headers = {"Authorization": f"Bearer {admin.secret}"}
    assert (await oauth.send("POST", "/oauth2/clients", json=body, headers=headers)).status == 201


async def test_clients_over_grpc(rollbook: RollbookClient) -> None:
    given = OAuthClient(name="grpc", redirect_uris=["idp.example"])
    made = await rollbook.oauth_clients.create(given, keep_refresh_tokens=True)
    assert list(made.client.redirect_uris) == ["https://idp.example"]
    assert not made.client.rotate_refresh_tokens
    listed = [client.id async for client in rollbook.oauth_clients.list(page_size=1)]
    assert listed[0] == made.client.id
    assert await rollbook.oauth_clients.get(made.client.id) == made.client
    await rollbook.oauth_clients.delete(made.client.id)
    for unknown in (made.client.id, "", "x\0y", "é"):
        with pytest.raises(NotFoundError):
            await rollbook.oauth_clients.delete(unknown)
        with pytest.raises(NotFoundError):
            await rollbook.oauth_clients.get(unknown)
    with pytest.raises(InvalidRequestError):
        await rollbook.oauth_clients.create(OAuthClient(name="x", authentication=9))  # type: ignore[arg-type]


async def test_clients_on_the_command_line(service: str, oauth: OAuth) -> None:
    rollbook = Command(service, TOKEN)
    ran = await rollbook("oauth", "client", "add", "cli", REDIRECT_URI)
    assert ran.exit_code == 0, ran.err
    shown = re.fullmatch(r"Client ID:     (\w{64})\nClient secret: (\w{64})\n", ran.out)
    assert shown
    client = {"id": shown[1], "secret": shown[2]}
    assert await oauth.tokens_for(client)
    listed = await rollbook("oauth", "client", "list")
    assert all(text in listed.out for text in ("cli", REDIRECT_URI, shown[1]))
    assert shown[2] not in listed.out + listed.err + ran.err
    assert (await rollbook("oauth", "client", "remove", shown[1])).exit_code == 0
    assert (await rollbook("oauth", "client", "remove", shown[1])).exit_code == 3
    assert (await rollbook("oauth", "client", "add", "cli")).exit_code == 1


async def test_another_tenant_sees_and_removes_nothing(
    oauth: OAuth, service: str, database_url: str
) -> None:
    client = await oauth.register(client_credentials=True)
    own = (await oauth.token(client, grant_type="client_credentials")).json["access_token"]
    connection = await connect_as_tenant(database_url)
    token = await new_tenant(connection)
    await connection.close()
    async with RollbookClient(service, token=token) as stranger:
        assert not [one async for one in stranger.oauth_clients.list()]
        with pytest.raises(NotFoundError):
            await stranger.oauth_clients.get(client["id"])
        with pytest.raises(NotFoundError):
            await stranger.oauth_clients.delete(client["id"])
    headers = {"Authorization": f"Bearer {token}"}
    told = await oauth.send("POST", "/oauth2/introspect", data={"token": own}, headers=headers)
    assert told.json == {"active": False}
    theirs = await oauth.register(token=token)
    revoked = await oauth.post("/oauth2/revoke", theirs, token=own)
    assert revoked.status == 200
    assert await oauth.scim(own) == 200


async def test_secrets_are_kept_as_hashes(
    oauth: OAuth, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    client = await oauth.register()
    tokens = await oauth.tokens_for(client)
    secrets = (client["secret"], tokens["access_token"], tokens["refresh_token"])
    for table in (
        "oauth_clients",
        "oauth_grants",
        "oauth_codes",
        "oauth_refresh_tokens",
        "sign_ins",
        "credentials",
        "changes",
    ):
        rows = await database.fetch(f"SELECT t::text AS text FROM {table} AS t")
        text = " ".join(row["text"] for row in rows)
        for secret in secrets:
            assert secret not in text
            assert secret.encode().hex() not in text
