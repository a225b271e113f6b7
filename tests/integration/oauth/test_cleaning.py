"""What has ended goes, in its time and not before."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from joserfc.jwk import RSAKey

from service import upkeep
from service.directory.oauth import expiry as oauth_expiry
from service.storage.credentials import DEFAULT_TENANT
from service.storage.database import Database
from service.storage.oauth import cleaning as oauth_cleaning
from tests.harness.instance import connect_as_tenant, running_service
from tests.harness.oauth import Browser
from tests.integration.oauth.test_assertions import ask, claims, signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.oauth import OAuth

    Rows = asyncpg.Connection[asyncpg.Record]

KEY: Final = RSAKey.generate_key(2048, {"kid": "rsa"})

AGES: Final = {
    "codes": ("oauth_codes", "1 day"),
    "refresh tokens": ("oauth_refresh_tokens", "0 s"),
    "assertions": ("oauth_assertions", "0 s"),
    "sign-ins": ("sign_ins", "0 s"),
    "sign-ins that nobody came back for": ("pending_sign_ins", "0 s"),
    "access tokens": ("credentials WHERE kind = 'oauth'", "0 s"),
    "tokens of workloads": ("credentials WHERE kind = 'workload'", "0 s"),
    "grants": ("oauth_grants", "30 days"),
}
"""What goes, and how long after it has ended."""

SAMPLES: Final = """
DO $$
DECLARE
    tenant uuid := current_setting('rollbook.tenant_id')::uuid;
    client uuid := gen_random_uuid();
    consent uuid := gen_random_uuid();
    issuer uuid := gen_random_uuid();
    provider uuid := gen_random_uuid();
    ended timestamptz := now() - '{age}'::interval;
    secret bytea := decode(md5(random()::text), 'hex');
BEGIN
    INSERT INTO oauth_clients (
        tenant_id, id, client_id, name, authentication, redirect_uris, scopes,
        client_credentials, access_lifetime, refresh_lifetime, rotate, grace
    ) VALUES (
        tenant, client, client, '{age}', 'none', '{{}}', '{{}}', false, '1 h', '1 d', true, '0'
    );
    INSERT INTO oauth_grants (tenant_id, id, client_id, scopes, expire_time)
    VALUES (tenant, consent, client, '{{}}', ended);
    INSERT INTO oauth_codes (tenant_id, hash, grant_id, expire_time)
    VALUES (tenant, secret, consent, ended);
    INSERT INTO oauth_refresh_tokens (tenant_id, hash, grant_id, expire_time)
    VALUES (tenant, secret, consent, ended);
    INSERT INTO oauth_assertions (tenant_id, client_id, hash, expire_time)
    VALUES (tenant, client, secret, ended);
    INSERT INTO credentials (
        tenant_id, id, name, kind, token_hash, expire_time, oauth_client_id, oauth_grant_id
    ) VALUES (tenant, consent, '{age}', 'oauth', secret, ended, client, consent);
    INSERT INTO issuers (tenant_id, id, name, issuer, message)
    VALUES (tenant, issuer, '{age}', 'https://ci.example', '');
    INSERT INTO credentials (tenant_id, id, name, kind, token_hash, expire_time, issuer_id)
    VALUES (tenant, issuer, '{age}', 'workload', secret || secret, ended, issuer);
    INSERT INTO sign_ins (tenant_id, hash, credential_id, name, expire_time)
    VALUES (
        tenant, secret,
        (SELECT id FROM credentials WHERE tenant_id = tenant AND kind = 'token' LIMIT 1), '', ended
    );
    INSERT INTO sign_in_providers (tenant_id, id, name, enabled, message)
    VALUES (tenant, provider, provider, false, '');
    INSERT INTO pending_sign_ins (
        tenant_id, hash, provider_id, session_hash, authorization_request, expire_time
    ) VALUES (tenant, secret, provider, secret, '', ended);
END
$$
"""
"""One of each, all of which ended that long ago."""


@pytest.fixture
async def rows(database_url: str, database: Rows) -> AsyncIterator[Rows]:
    """A connection to the default tenant, in which nothing of OAuth is left."""
    del database
    connection = await connect_as_tenant(database_url)
    await forget_all(connection)
    yield connection
    await forget_all(connection)
    await connection.close()


async def forget_all(connection: Rows) -> None:
    await connection.execute(
        "DELETE FROM oauth_clients; DELETE FROM issuers; DELETE FROM sign_ins; "
        "DELETE FROM sign_in_providers"
    )


@asynccontextmanager
async def pool(url: str) -> AsyncIterator[Database]:
    database = await Database.connect(url, max_connections=4)
    try:
        yield database
    finally:
        await database.close()


async def clean(url: str) -> None:
    async with pool(url) as database:
        await oauth_expiry.remove_ended(database)


async def count(connection: Rows, table: str) -> int:
    return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


@pytest.mark.parametrize("what", AGES)
async def test_what_has_ended_goes_when_its_time_is_over(
    rows: Rows, database_url: str, what: str
) -> None:
    table, kept = AGES[what]
    await rows.execute(SAMPLES.format(age=kept).replace("now() -", "now() + interval '1 h' -"))
    await clean(database_url)
    assert await count(rows, table) == 1
    await forget_all(rows)
    await rows.execute(SAMPLES.format(age=kept).replace("now() -", "now() - interval '1 s' -"))
    await clean(database_url)
    assert await count(rows, table) == 0


async def test_a_grant_stays_as_long_as_a_refresh_token_does(rows: Rows, database_url: str) -> None:
    """A revoked one, and one that a worker of the release before has refreshed."""
    await rows.execute(SAMPLES.format(age="31 days"))
    await rows.execute("UPDATE oauth_refresh_tokens SET expire_time = now() + interval '1 h'")
    await clean(database_url)
    assert await count(rows, "oauth_grants") == 1


async def test_large_amounts_go_in_small_batches(
    rows: Rows, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth_cleaning, "BATCH", 3)
    for _ in range(10):
        await rows.execute(SAMPLES.format(age="31 days"))
    async with pool(database_url) as database:
        first = await database.transaction(
            DEFAULT_TENANT, lambda one: oauth_cleaning.remove_some(one, DEFAULT_TENANT)
        )
        assert first <= 3 * len(AGES)
        assert await count(rows, "oauth_codes") == 7
        await oauth_expiry.remove_ended(database)
    for table, _ in AGES.values():
        assert await count(rows, table) == 0


async def test_one_worker_at_a_time_removes(rows: Rows, database_url: str) -> None:
    await rows.execute(SAMPLES.format(age="31 days"))
    async with pool(database_url) as database, rows.transaction():
        assert await oauth_cleaning.take_turn(rows)
        await oauth_expiry.remove_ended(database)
        assert await count(rows, "oauth_codes") == 1
    await asyncio.gather(*(clean(database_url) for _ in range(3)))
    assert await count(rows, "oauth_codes") == 0


async def test_what_somebody_holds_is_left_for_the_next_time(rows: Rows, database_url: str) -> None:
    await rows.execute(SAMPLES.format(age="31 days"))
    async with rows.transaction():
        await rows.execute("SELECT FROM oauth_codes FOR NO KEY UPDATE")
        await asyncio.wait_for(clean(database_url), timeout=20)
        assert await count(rows, "oauth_codes") == 1
        assert await count(rows, "sign_ins") == 0


async def test_a_worker_cleans_by_itself(
    rows: Rows, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "CLEANING_INTERVAL", 0.05)
    await rows.execute(SAMPLES.format(age="31 days"))
    async with running_service(database_url), asyncio.timeout(20):
        while await count(rows, "oauth_grants"):  # noqa: ASYNC110 - another task's doing
            await asyncio.sleep(0.05)


async def end_codes(rows: Rows, seconds: int) -> None:
    await rows.execute(
        "UPDATE oauth_codes SET expire_time = now() - make_interval(secs => $1)", seconds
    )


async def test_the_second_use_of_a_code_is_noticed_for_a_day(
    rows: Rows, database_url: str, oauth: OAuth
) -> None:
    client = await oauth.register()
    async with Browser.open(oauth.url) as browser:
        code = await browser.consent(client)
    tokens = (await oauth.redeem(client, code)).json
    await end_codes(rows, 86_000)
    await clean(database_url)
    assert (await oauth.redeem(client, code)).error == "400 invalid_grant"
    assert await oauth.scim(tokens["access_token"]) == 401


async def test_the_second_use_of_a_refresh_token_is_noticed_as_long_as_it_would_be_valid(
    rows: Rows, database_url: str, oauth: OAuth
) -> None:
    client = await oauth.register(refresh_grace=0)
    tokens = await oauth.tokens_for(client)
    renewed = (await oauth.refresh(client, tokens["refresh_token"])).json
    await rows.execute("UPDATE oauth_refresh_tokens SET expire_time = now() + interval '1 h'")
    await clean(database_url)
    assert (await oauth.refresh(client, tokens["refresh_token"])).error == "400 invalid_grant"
    assert await oauth.scim(renewed["access_token"]) == 401


async def test_an_assertion_is_remembered_as_long_as_it_is_valid(
    rows: Rows, database_url: str, oauth: OAuth
) -> None:
    del rows
    client: dict[str, Any] = await oauth.register(
        authentication="private_key_jwt",
        jwks={"keys": [KEY.as_dict(private=False)]},
        client_credentials=True,
    )
    assertion = signed(claims(oauth, client), key=KEY)
    assert await ask(oauth, assertion) == "200"
    await clean(database_url)
    assert await ask(oauth, assertion) == "401 invalid_client"
