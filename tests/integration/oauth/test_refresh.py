"""Refresh tokens: for one use each, but for an answer that was lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.harness.oauth import REDIRECT_URI

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.oauth import OAuth


async def end_of_grace(database: asyncpg.Connection[asyncpg.Record]) -> None:
    """What time does: uses lie back by more than the grace."""
    await database.execute(
        "UPDATE oauth_refresh_tokens SET use_time = use_time - interval '31 s'"
        " WHERE use_time IS NOT NULL"
    )


async def test_a_refresh_token_gives_new_tokens(oauth: OAuth) -> None:
    client = await oauth.register()
    tokens = await oauth.tokens_for(client)
    answer = await oauth.refresh(client, tokens["refresh_token"])
    assert answer.status == 200, answer.text
    assert answer.json["refresh_token"] != tokens["refresh_token"]
    assert answer.json["scope"] == "scim"
    assert await oauth.scim(answer.json["access_token"]) == 200
    assert await oauth.scim(tokens["access_token"]) == 200
    assert (await oauth.refresh(client, answer.json["refresh_token"])).status == 200


async def test_a_client_whose_answer_was_lost_gets_the_same_successor(oauth: OAuth) -> None:
    client = await oauth.register()
    tokens = await oauth.tokens_for(client)
    first = await oauth.refresh(client, tokens["refresh_token"])
    again = await oauth.refresh(client, tokens["refresh_token"])
    assert again.status == 200
    assert again.json["refresh_token"] == first.json["refresh_token"]
    assert again.json["access_token"] != first.json["access_token"]


async def test_of_many_who_refresh_at_once_all_can_go_on(oauth: OAuth) -> None:
    client = await oauth.register()
    tokens = await oauth.tokens_for(client)
    answers = await asyncio.gather(
        *(oauth.refresh(client, tokens["refresh_token"]) for _ in range(10))
    )
    assert {answer.status for answer in answers} == {200}
    (successor,) = {answer.json["refresh_token"] for answer in answers}
    assert (await oauth.refresh(client, successor)).status == 200


async def revoked(oauth: OAuth, client: dict[str, str], *issued: dict[str, str]) -> bool:
    """Whether nothing of what was issued is good for anything."""
    used = [await oauth.scim(tokens["access_token"]) for tokens in issued]
    renewed = [await oauth.refresh(client, tokens["refresh_token"]) for tokens in issued]
    return set(used) == {401} and {each.error for each in renewed} == {"400 invalid_grant"}


async def test_a_token_used_after_the_grace_revokes_all(
    oauth: OAuth, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    client = await oauth.register()
    first = await oauth.tokens_for(client)
    other = await oauth.tokens_for(client)
    second = (await oauth.refresh(client, first["refresh_token"])).json
    await end_of_grace(database)
    answer = await oauth.refresh(client, first["refresh_token"])
    assert answer.error == "400 invalid_grant"
    assert await revoked(oauth, client, first, second)
    assert await oauth.scim(other["access_token"]) == 200
    actions = await database.fetch(
        "SELECT action FROM changes WHERE resource_type = 'OAuthGrant' ORDER BY revision"
    )
    assert [row["action"] for row in actions] == ["create", "create", "update"]


async def test_a_token_used_after_its_successor_revokes_all(oauth: OAuth) -> None:
    """Whoever has used the successor did get the answer."""
    client = await oauth.register()
    first = await oauth.tokens_for(client)
    second = (await oauth.refresh(client, first["refresh_token"])).json
    third = (await oauth.refresh(client, second["refresh_token"])).json
    assert (await oauth.refresh(client, first["refresh_token"])).error == "400 invalid_grant"
    assert await revoked(oauth, client, first, second, third)


async def test_without_grace_a_second_use_revokes_at_once(oauth: OAuth) -> None:
    client = await oauth.register(refresh_grace=0)
    first = await oauth.tokens_for(client)
    second = (await oauth.refresh(client, first["refresh_token"])).json
    assert (await oauth.refresh(client, first["refresh_token"])).error == "400 invalid_grant"
    assert await revoked(oauth, client, second)


async def test_a_client_may_keep_its_refresh_token(
    oauth: OAuth, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    client = await oauth.register(rotate_refresh_tokens=False)
    tokens = await oauth.tokens_for(client)
    for _ in range(3):
        answer = await oauth.refresh(client, tokens["refresh_token"])
        assert answer.status == 200
        assert "refresh_token" not in answer.json
        await end_of_grace(database)


async def test_scopes_can_only_become_fewer(oauth: OAuth) -> None:
    client = await oauth.register(scopes=["scim", "directory.read", "access.read"])
    tokens = await oauth.tokens_for(client, scope="scim directory.read")

    async def with_scope(scope: str) -> str:
        nonlocal tokens
        answer = await oauth.token(
            client,
            grant_type="refresh_token",
            refresh_token=tokens["refresh_token"],
            scope=scope,
        )
        if answer.status != 200:
            return answer.error
        tokens = answer.json
        return str(tokens["scope"])

    assert await with_scope("directory.read") == "directory.read"
    assert await with_scope("") == "directory.read scim"
    assert await with_scope("scim access.read") == "400 invalid_scope"


@pytest.mark.parametrize("others", ["the other's own", "none"])
async def test_a_refresh_token_is_good_for_its_client_alone(oauth: OAuth, others: str) -> None:
    client, thief = await oauth.register(), await oauth.register()
    tokens = await oauth.tokens_for(client)
    if others == "none":
        del thief["secret"]
    answer = await oauth.refresh(thief, tokens["refresh_token"])
    assert answer.error == ("400 invalid_grant" if "secret" in thief else "401 invalid_client")
    assert (await oauth.refresh(client, tokens["refresh_token"])).status == 200


async def test_a_removed_client_takes_all_with_it(oauth: OAuth) -> None:
    client = await oauth.register(client_credentials=True)
    tokens = await oauth.tokens_for(client)
    own = (await oauth.token(client, grant_type="client_credentials")).json
    assert await oauth.scim(own["access_token"]) == 200
    assert (await oauth.remove(client)).status == 204
    assert await oauth.scim(tokens["access_token"]) == 401
    assert await oauth.scim(own["access_token"]) == 401
    assert (await oauth.refresh(client, tokens["refresh_token"])).error == "401 invalid_client"
    assert (await oauth.remove(client)).status == 404


async def test_tokens_end_when_the_client_says(
    oauth: OAuth, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    client = await oauth.register(access_token_lifetime=60, refresh_token_lifetime=3600)
    tokens = await oauth.tokens_for(client)
    assert tokens["expires_in"] == 60
    await database.execute(
        "UPDATE credentials SET expire_time = expire_time - interval '61 s' WHERE kind = 'oauth'"
    )
    await database.execute(
        "UPDATE oauth_refresh_tokens SET expire_time = expire_time - interval '3601 s'"
    )
    assert await oauth.scim(tokens["access_token"]) == 401
    assert (await oauth.refresh(client, tokens["refresh_token"])).error == "400 invalid_grant"
    assert client["redirect_uris"] == [REDIRECT_URI]
