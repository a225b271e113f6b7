"""What ends a token ends it on every worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, DummyCookieJar

from rollbook.client import RollbookClient
from rollbook.errors import UnauthenticatedError
from tests.harness.instance import running_gateway
from tests.harness.oauth import OAuth
from tests.harness.processes import service_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def workers(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Addresses of the workers of one service."""
    directory: Path = tmp_path_factory.mktemp("oauth")
    with service_process(database_url, directory, 2) as (_, addresses):
        yield addresses


@pytest.fixture
async def first(workers: list[str]) -> AsyncIterator[OAuth]:
    """Speaks with the first worker."""
    async with (
        running_gateway(workers[0]) as url,
        ClientSession(cookie_jar=DummyCookieJar()) as session,
    ):
        yield OAuth(session, url.removesuffix("/scim/v2"))


async def revoke(oauth: OAuth, client: dict[str, Any], tokens: dict[str, Any]) -> None:
    answer = await oauth.post("/oauth2/revoke", client, token=tokens["access_token"])
    assert answer.status == 200


async def revoke_refresh_token(
    oauth: OAuth, client: dict[str, Any], tokens: dict[str, Any]
) -> None:
    answer = await oauth.post("/oauth2/revoke", client, token=tokens["refresh_token"])
    assert answer.status == 200


async def remove(oauth: OAuth, client: dict[str, Any], tokens: dict[str, Any]) -> None:
    assert (await oauth.remove(client)).status == 204


async def replay(oauth: OAuth, client: dict[str, Any], tokens: dict[str, Any]) -> None:
    second = (await oauth.refresh(client, tokens["refresh_token"])).json
    assert (await oauth.refresh(client, second["refresh_token"])).status == 200
    assert (await oauth.refresh(client, tokens["refresh_token"])).status == 400


@pytest.mark.parametrize("end", [revoke, revoke_refresh_token, remove, replay])
async def test_no_worker_believes_in_a_token_that_another_has_ended(
    first: OAuth, workers: list[str], end: Any
) -> None:
    for _ in range(3):
        client = await first.register(scopes=["access.read"])
        tokens = await first.tokens_for(client)
        async with RollbookClient(workers[1], token=tokens["access_token"]) as second:
            assert (await second.tokens.describe_caller()).name == "Okta"
            await end(first, client, tokens)
            with pytest.raises(UnauthenticatedError):
                await second.tokens.describe_caller()
