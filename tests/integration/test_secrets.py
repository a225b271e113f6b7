"""Secrets stay where they belong: none shows in logs, errors, rows or lists of processes."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp
import pytest
import yaml

from rollbook.client import RollbookClient
from rollbook.errors import RollbookError
from rollbook.tokens import new_token
from tests.harness.instance import TOKEN, connect_as_tenant
from tests.harness.processes import gateway_process, service_process

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg

    from tests.harness.database import DatabaseServer

USER: Final = "scim-client"
PASSWORD: Final = "Tr0ub4dor-and-3-more-words"
USER_PASSWORD: Final = "what-the-idp-sent-for-Ada"
GATEWAY_SECRET: Final = "0123456789abcdef-the-gateways"
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


@pytest.mark.parametrize("workers", [1, 2])
async def test_no_secret_shows(
    database_server: DatabaseServer, tmp_path: Path, workers: int
) -> None:
    heard = Heard()
    auth = {"type": "basic", "username": USER, "password": PASSWORD}
    (tmp_path / "rollbook.yaml").write_text(
        yaml.safe_dump({"gateway_secret": GATEWAY_SECRET, "scim": {"auth": auth}})
    )
    quiet = {"ROLLBOOK_LOG_LEVEL": "debug", "ROLLBOOK_HTTP_ACCESS_LOG": "true"}
    async with database_server.database() as database:
        with (
            service_process(database, tmp_path, workers, **quiet) as (service, addresses),
            gateway_process(addresses[-1], tmp_path, **quiet) as (gateway, url),
        ):
            made = await use_over_grpc(addresses[0], heard)
            await use_over_scim(url, [TOKEN, *made, MISTYPED, UNKNOWN], heard)
            heard.add(service.command_lines(), gateway.command_lines())
        heard.add(service.output.read_text(), gateway.output.read_text())
        heard.add(await rows_of(database))
    assert "ada0" in heard.text
    heard.assert_silent_about(
        TOKEN, *made, MISTYPED, UNKNOWN, PASSWORD, USER_PASSWORD, GATEWAY_SECRET
    )
