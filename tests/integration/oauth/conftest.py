"""A running Rollbook for the tests of the authorization server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, DummyCookieJar

from rollbook.client import RollbookClient
from tests.harness.instance import TOKEN
from tests.harness.oauth import OAuth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg


@pytest.fixture
async def oauth(gateway: str) -> AsyncIterator[OAuth]:
    """Speaks with the authorization server, as clients do."""
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        yield OAuth(session, gateway.removesuffix("/scim/v2"))


@pytest.fixture
async def rollbook(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    """An administrator over gRPC, of a directory that is empty."""
    del database
    async with RollbookClient(service, token=TOKEN) as client:
        yield client
