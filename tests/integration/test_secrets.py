"""Secrets stay where they belong: none shows in logs, errors, rows or lists of processes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import aiohttp
import pytest
import yaml

from rollbook.client import RollbookClient, replace, where
from rollbook.errors import InternalError, RollbookError
from rollbook.tokens import new_token
from rollbook.v1.sign_in_provider_service_pb2 import SignInProvider
from rollbook.v1.user_pb2 import User
from tests.harness.instance import TOKEN, connect_as_tenant
from tests.harness.oauth import OAuth
from tests.harness.processes import ROOT, Running, gateway_process, service_process

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.database import DatabaseServer

USER: Final = "scim-client"
PASSWORD: Final = "Tr0ub4dor-and-3-more-words"
USER_PASSWORD: Final = "what-the-idp-sent-for-Ada"
GATEWAY_SECRET: Final = "0123456789abcdef-the-gateways"
DATABASE_PASSWORD: Final = "what-the-database-knows-us-by"
NEW_PASSWORD: Final = "what-Ada-chose-herself"
WRONG_PASSWORD: Final = "what-Ada-typed-by-mistake"
CLIENT_SECRET: Final = "what-the-provider-knows-us-by"
ENCRYPTION_KEY: Final = "a1b2c3d4" * 8
LONG_PASSWORD: Final = "what-is-far-too-long-" * 60
MISTYPED: Final = new_token()[:-1]
UNKNOWN: Final = new_token()


@dataclass
class Heard:
    """Everything that others got to see."""

    text: str = ""

    def add(self, *texts: object) -> None:
        self.text += "\n".join(map(str, texts)) + "\n"

    def assert_silent_about(self, *secrets: str) -> None:
        for secret in secrets:
            raw = secret.encode()
            for form in (secret, raw.hex(), base64.b64encode(raw).decode().rstrip("=")[:-2]):
                assert form not in self.text, f"{form} shows"


async def use_over_grpc(address: str, heard: Heard) -> list[str]:
    """Makes tokens, uses right and wrong ones; returns the secrets made."""
    async with RollbookClient(address, token=TOKEN) as rollbook:
        one = await rollbook.tokens.create("one", ["scim", "directory.read"])
        two = await rollbook.tokens.rotate(one.token.id)
        await rollbook.tokens.revoke(one.token.id)
        heard.add(*[token async for token in rollbook.tokens.list(show_ended=True)])
    for token in (TOKEN, one.secret, two.secret, MISTYPED, UNKNOWN):
        async with RollbookClient(address, token=token) as rollbook:
            with contextlib.suppress(RollbookError):
                heard.add(await rollbook.tokens.describe_caller())
            try:
                await rollbook.tokens.create("", [token])
            except RollbookError as error:
                heard.add(error, error.metadata, error.field, error.__cause__)
    return [one.secret, two.secret]


async def use_passwords(address: str, heard: Heard) -> str:
    """Sets and checks passwords of a user in every way, also in vain; returns a token of hers."""
    async with RollbookClient(address, token=TOKEN) as rollbook:
        ada = await rollbook.users.create(User(user_name="ada", password=USER_PASSWORD))
        again = str(uuid4())
        calls = (
            rollbook.users.patch(ada.id, [replace("password", NEW_PASSWORD)], request_id=again),
            rollbook.users.patch(ada.id, [replace("password", WRONG_PASSWORD)], request_id=again),
            rollbook.users.create(User(user_name="ada", password=WRONG_PASSWORD)),
            rollbook.users.create(User(user_name="eve", password=LONG_PASSWORD)),
            rollbook.users.count(where("password") == NEW_PASSWORD),
            rollbook.passwords.verify(NEW_PASSWORD, user_name="ada"),
            rollbook.passwords.verify(WRONG_PASSWORD, user_name="ada"),
            rollbook.passwords.verify(LONG_PASSWORD, user_name="ada"),
            rollbook.passwords.set(NEW_PASSWORD, user_id=ada.id, request_id=str(uuid4())),
            rollbook.passwords.set(NEW_PASSWORD, user_name="ada", etag="7"),
            rollbook.passwords.set(LONG_PASSWORD, user_id=ada.id),
        )
        for call in calls:
            heard.add(*await asyncio.gather(call, return_exceptions=True))
        made = await rollbook.tokens.create("hers", ["scim"], principal_id=ada.id)
        await rollbook.users.deactivate(ada.id)
        heard.add([change async for change in rollbook.tokens.list(principal_id=ada.id)])
    return made.secret


async def use_oauth(url: str, heard: Heard) -> list[str]:
    """Gets tokens for a client in every way, and tries what is not good; returns its secrets."""
    async with aiohttp.ClientSession() as session:
        oauth = OAuth(session, url.removesuffix("/scim/v2"))
        client = await oauth.register(client_credentials=True, scopes=["scim"])
        own = await oauth.token(client, grant_type="client_credentials")
        tokens = await oauth.tokens_for(client)
        renewed = await oauth.refresh(client, tokens["refresh_token"])
        secrets = [
            client["secret"],
            *(own.json["access_token"], tokens["access_token"], tokens["refresh_token"]),
            *(renewed.json["access_token"], renewed.json["refresh_token"]),
        ]
        for secret in secrets:
            heard.add(await oauth.scim(secret))
            wrong = {**client, "secret": secret[:-1]}
            for form in ({"token": secret}, {"token": secret[:-1]}):
                heard.add((await oauth.post("/oauth2/introspect", client, **form)).text)
                heard.add((await oauth.post("/oauth2/introspect", wrong, **form)).text)
            heard.add((await oauth.refresh(client, secret[:-1])).text)
            heard.add((await oauth.redeem(client, secret)).text)
            heard.add((await oauth.send("GET", f"/oauth2/authorize?client_id={secret}")).headers)
        heard.add((await oauth.post("/oauth2/revoke", client, token=secrets[-1])).text)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        heard.add((await oauth.send("GET", "/oauth2/clients", headers=headers)).text)
    return secrets


async def use_sign_in_providers(address: str, heard: Heard) -> None:
    """Gives client secrets in every way, also in vain."""
    async with RollbookClient(address, token=TOKEN) as rollbook:
        okta = SignInProvider(name="okta", issuer="https://okta.invalid", client_id="rollbook")
        wrong = SignInProvider(name="No", issuer="https://okta.invalid", client_id="rollbook")
        made = await rollbook.sign_in_providers.create(okta, CLIENT_SECRET, request_id=str(uuid4()))
        named = SignInProvider(id=made.id, display_name="Okta")
        calls = (
            rollbook.sign_in_providers.create(okta, CLIENT_SECRET),
            rollbook.sign_in_providers.create(wrong, CLIENT_SECRET),
            rollbook.sign_in_providers.update(named, client_secret=CLIENT_SECRET),
            rollbook.sign_in_providers.update(named, client_secret=CLIENT_SECRET + "\n"),
            rollbook.sign_in_providers.update(named, client_secret=CLIENT_SECRET, etag="x"),
            rollbook.sign_in_providers.list(),
        )
        for call in calls:
            heard.add(*await asyncio.gather(call, return_exceptions=True))


async def use_while_broken(address: str, url: str, token: str, heard: Heard) -> None:
    """Sends secrets to where something goes wrong inside."""
    async with RollbookClient(address, token=TOKEN) as rollbook:
        calls = (
            rollbook.users.create(User(user_name="bob", password=USER_PASSWORD)),
            rollbook.passwords.verify(NEW_PASSWORD, user_name="ada"),
            rollbook.passwords.set(NEW_PASSWORD, user_name="ada"),
        )
        found = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(each) for each in found} == {InternalError}
    heard.add(*found)
    async with aiohttp.ClientSession() as session:
        body = {"userName": "bob", "password": USER_PASSWORD}
        headers = {"Authorization": f"Bearer {token}"}
        async with session.post(f"{url}/Users", json=body, headers=headers) as response:
            assert response.status == 500
            heard.add(response.headers, await response.text())


async def use_over_scim(url: str, tokens: list[str], heard: Heard) -> None:
    """Sends credentials of every kind to every kind of answer."""
    pairs = ((USER, PASSWORD), (USER, PASSWORD + "x"), ("nobody", PASSWORD))
    encoded = (base64.b64encode(":".join(pair).encode()).decode() for pair in pairs)
    headers = [f"Bearer {token}" for token in tokens] + [f"Basic {text}" for text in encoded]
    user = {"userName": "ada", "password": USER_PASSWORD}
    async with aiohttp.ClientSession() as session:
        for number, header in enumerate(headers):
            for method, path, body in (
                ("POST", "/Users", {**user, "userName": f"ada{number}"}),
                ("POST", "/Users", {**user, "emails": 7}),
                ("POST", "/Users", {**user, "userName": "x" * 2_000}),
                ("GET", '/Users?filter=password eq "' + USER_PASSWORD, None),
                ("GET", "/Nowhere", None),
            ):
                async with session.request(
                    method, url + path, json=body, headers={"Authorization": header}
                ) as response:
                    assert response.status < 500
                    heard.add(response.headers, await response.text())


async def rows_of(database_url: str) -> str:
    """All that is in the database, as text."""
    connection: asyncpg.Connection[asyncpg.Record] = await connect_as_tenant(database_url)
    names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    text = ""
    for (name,) in names:
        rows = await connection.fetch(f'SELECT t::text FROM "{name}" AS t')
        text += "\n".join(row[0] for row in rows)
    await connection.close()
    return text


def with_password(database_url: str) -> str:
    """The URL with a password, which a server that trusts its socket does not ask for."""
    parts = urlsplit(database_url)
    user, _, place = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{name}:{DATABASE_PASSWORD}@{place}"))


def is_its_owners_alone(process: Running) -> bool:
    """Whether nobody else can read the environment of a process, which holds secrets."""
    return all(
        Path(f"/proc/{pid}/environ").stat().st_mode & 0o077 == 0 for pid in process.processes()
    )


@pytest.mark.parametrize("workers", [1, 2])
async def test_no_secret_shows(
    database_server: DatabaseServer, tmp_path: Path, workers: int
) -> None:
    heard = Heard()
    auth = {"type": "basic", "username": USER, "password": PASSWORD}
    (tmp_path / "rollbook.yaml").write_text(
        yaml.safe_dump({"gateway_secret": GATEWAY_SECRET, "scim": {"auth": auth}})
    )
    quiet = {
        "ROLLBOOK_LOG_LEVEL": "debug",
        "ROLLBOOK_HTTP_ACCESS_LOG": "true",
        "ROLLBOOK_ENCRYPTION_KEY": ENCRYPTION_KEY,
    }
    async with database_server.database() as database:
        with (
            service_process(with_password(database), tmp_path, workers, **quiet) as (
                service,
                addresses,
            ),
            gateway_process(addresses[-1], tmp_path, **quiet) as (gateway, url),
        ):
            made = await use_over_grpc(addresses[0], heard)
            made.append(await use_passwords(addresses[-1], heard))
            made += await use_oauth(url, heard)
            await use_sign_in_providers(addresses[0], heard)
            await use_over_scim(url, [TOKEN, *made, MISTYPED, UNKNOWN], heard)
            connection = await connect_as_tenant(database)
            await connection.execute("ALTER TABLE passwords RENAME TO passwords_gone")
            await use_while_broken(addresses[0], url, TOKEN, heard)
            await connection.close()
            heard.add(service.command_lines(), gateway.command_lines())
            assert is_its_owners_alone(service)
            assert is_its_owners_alone(gateway)
        heard.add(service.output.read_text(), gateway.output.read_text())
        heard.add(await rows_of(database))
    assert "ada0" in heard.text
    assert "call.failed" in heard.text
    assert "passwords_gone" not in heard.text
    heard.assert_silent_about(
        *(TOKEN, *made, MISTYPED, UNKNOWN, PASSWORD, USER_PASSWORD, GATEWAY_SECRET),
        *(
            CLIENT_SECRET,
            ENCRYPTION_KEY,
            DATABASE_PASSWORD,
            NEW_PASSWORD,
            WRONG_PASSWORD,
            LONG_PASSWORD,
        ),
    )


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid", "[", "127.0.0.1:x"])
def test_who_cannot_reach_the_database_does_not_tell_its_password(
    tmp_path: Path, address: str
) -> None:
    url = f"postgresql://rollbook:{DATABASE_PASSWORD}@{address}/rollbook"
    ran = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "ROLLBOOK_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr
    assert DATABASE_PASSWORD not in ran.stdout + ran.stderr
