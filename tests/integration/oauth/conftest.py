"""A running Rollbook for the tests of the authorization server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, DummyCookieJar

from tests.harness.oauth import OAuth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def oauth(gateway: str) -> AsyncIterator[OAuth]:
    """Speaks with the authorization server, as clients do."""
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        yield OAuth(session, gateway.removesuffix("/scim/v2"))
