"""A running Rollbook beside an OpenID provider on the same machine."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

import pytest
from aiohttp import ClientSession, DummyCookieJar

from rollbook.client import RollbookClient
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.oauth import OAuth
from tests.harness.openid_provider import OpenIdProvider, running_provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg


@pytest.fixture(scope="module")
async def address(database_url: str) -> AsyncIterator[str]:
    """All tests come from one address, from which many may try."""
    with mock.patch("service.rpc.gate.attempts.LIMIT", 10**9):
        async with running_service(database_url, issuer_reach="local") as address:
            yield address


@pytest.fixture(scope="module")
async def url(address: str) -> AsyncIterator[str]:
    """What the URLs of the default tenant begin with."""
    async with running_gateway(address) as scim_url:
        yield scim_url.removesuffix("/scim/v2")


@pytest.fixture
async def oauth(url: str) -> AsyncIterator[OAuth]:
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        yield OAuth(session, url)


@pytest.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    async with running_provider() as provider:
        yield provider


@pytest.fixture
async def rollbook(
    address: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    """An administrator of a directory that is empty."""
    async with RollbookClient(address, token=TOKEN) as client:
        yield client
    await database.execute("DELETE FROM sign_in_providers")
