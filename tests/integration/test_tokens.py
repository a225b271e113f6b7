"""API tokens against the real service: made, listed, replaced, revoked, and what they leave."""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from pydantic import SecretStr

from rollbook import errors
from rollbook.access import EVERY_SCOPE, Scope
from rollbook.client import RollbookClient
from rollbook.tokens import is_well_formed, new_token
from service import bootstrap
from service.settings import Settings
from tests.harness.instance import TOKEN, connect_as_tenant, running_service
from tests.harness.tenants import new_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.database import DatabaseServer

ADMIN = [Scope.CREDENTIALS, Scope.DIRECTORY_READ]


@pytest.fixture
async def rollbook(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    """An administrator's client; tokens of the tests before are gone."""
    await database.execute("DELETE FROM credentials WHERE name NOT IN ('bootstrap', 'scim.auth')")
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


@asynccontextmanager
async def client_with(service: str, token: str) -> AsyncIterator[RollbookClient]:
    async with RollbookClient(service, token=token) as client:
        yield client


async def refusal(service: str, token: str) -> str:
    """Why a token is refused; empty when it is not."""
    async with client_with(service, token) as client:
        return await refusal_of(client)


async def refusal_of(client: RollbookClient) -> str:
    try:
        await client.tokens.describe_caller()
    except errors.UnauthenticatedError as error:
        return error.reason
    return ""


async def test_a_token_is_what_was_asked_for(rollbook: RollbookClient, service: str) -> None:
    before = datetime.now(UTC)
    made = await rollbook.tokens.create(" Okta ", ["scim", "scim"], lifetime=timedelta(days=90))
    assert is_well_formed(made.secret)
    assert made.token.name == "Okta"
    assert list(made.token.scopes) == ["scim"]
    assert made.token.hint == made.secret[-4:]
    ends = made.token.expire_time.ToDatetime(UTC)
    assert abs(ends - before - timedelta(days=90)) < timedelta(minutes=1)
    async with client_with(service, made.secret) as okta:
        caller = await okta.tokens.describe_caller()
    assert (caller.name, caller.tenant_name, list(caller.scopes)) == ("Okta", "default", ["scim"])
    assert caller.expire_time == made.token.expire_time


async def test_the_database_has_no_secret(
    rollbook: RollbookClient, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    made = await rollbook.tokens.create("x", ["scim"])
    other = await rollbook.tokens.rotate(made.token.id)
    rows = await database.fetch("SELECT c::text AS text FROM credentials AS c")
    rows += await database.fetch("SELECT c::text AS text FROM changes AS c")
    rows += await database.fetch("SELECT r::text AS text FROM requests AS r")
    text = "".join(row["text"] for row in rows)
    for secret in (made.secret, other.secret):
        assert hashlib.sha256(secret.encode()).hexdigest() in text
        assert secret[4:-6] not in text
        assert secret[4:-6].encode().hex() not in text


async def test_every_change_leaves_a_trace(
    rollbook: RollbookClient, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    made = await rollbook.tokens.create("x", ["scim"])
    await rollbook.tokens.rotate(made.token.id)
    await rollbook.tokens.revoke(made.token.id)
    await rollbook.tokens.revoke(made.token.id)
    rows = await database.fetch("SELECT * FROM changes ORDER BY revision")
    assert [
        (row["action"], row["version"], row["actor"], row["resource_type"]) for row in rows
    ] == [
        ("create", 1, "bootstrap", "Token"),
        ("update", 2, "bootstrap", "Token"),
        ("create", 1, "bootstrap", "Token"),
        ("update", 3, "bootstrap", "Token"),
    ]


async def test_nobody_makes_a_token_of_wider_scope(rollbook: RollbookClient, service: str) -> None:
    minter = await rollbook.tokens.create("minter", ADMIN)
    wide = await rollbook.tokens.create("wide", [Scope.ADMIN])
    async with client_with(service, minter.secret) as client:
        assert (await client.tokens.create("narrow", [Scope.DIRECTORY_READ])).secret
        for scope in EVERY_SCOPE - set(ADMIN):
            with pytest.raises(errors.PermissionDeniedError) as refused:
                await client.tokens.create("wider", [Scope.DIRECTORY_READ, scope])
            assert refused.value.reason == "SCOPE_MISSING"
            assert refused.value.metadata["scope"] == scope
        with pytest.raises(errors.PermissionDeniedError):
            await client.tokens.rotate(wide.token.id)
        assert await refusal(service, wide.secret) == ""
        # Whoever may revoke may revoke everything: a leak cannot wait for the one who has more.
        await client.tokens.revoke(wide.token.id)
    assert await refusal(service, wide.secret) == "CREDENTIALS_INVALID"


async def test_a_replaced_token_stays_valid_for_a_while(
    rollbook: RollbookClient, service: str
) -> None:
    old = await rollbook.tokens.create("okta", ["scim"], lifetime=timedelta(days=90))
    new = await rollbook.tokens.rotate(old.token.id)
    assert (new.token.name, new.token.scopes) == (old.token.name, old.token.scopes)
    assert new.token.id != old.token.id
    assert (await refusal(service, old.secret), await refusal(service, new.secret)) == ("", "")
    ends = {token.id: token.expire_time.ToDatetime() async for token in rollbook.tokens.list()}
    assert ends[new.token.id] - ends[old.token.id] > timedelta(days=88)
    third = await rollbook.tokens.rotate(new.token.id, overlap=timedelta(0))
    assert await refusal(service, new.secret) == "CREDENTIALS_INVALID"
    # The lifetime is that of the first, not what an overlap has left of it.
    assert third.token.expire_time.ToDatetime() > ends[new.token.id]
    assert [token.name async for token in rollbook.tokens.list()].count("okta") == 2


async def test_an_overlap_does_not_prolong(rollbook: RollbookClient) -> None:
    old = await rollbook.tokens.create("okta", ["scim"], lifetime=timedelta(hours=1))
    await rollbook.tokens.rotate(old.token.id, overlap=timedelta(days=30))
    ends = {token.id: token.expire_time async for token in rollbook.tokens.list()}
    assert ends[old.token.id] == old.token.expire_time


async def test_what_has_ended_is_not_replaced(rollbook: RollbookClient) -> None:
    made = await rollbook.tokens.create("okta", ["scim"])
    await rollbook.tokens.revoke(made.token.id)
    with pytest.raises(errors.NotFoundError) as refused:
        await rollbook.tokens.rotate(made.token.id)
    assert refused.value.reason == "CREDENTIAL_NOT_FOUND"
    assert [token.id async for token in rollbook.tokens.list() if token.name == "okta"] == []


@pytest.mark.parametrize(
    "token_id", ["", "nonsense", "00000000-0000-7000-8000-00000000dead", "\0", "x" * 10_000]
)
async def test_what_is_not_there_is_told(rollbook: RollbookClient, token_id: str) -> None:
    for call in (rollbook.tokens.revoke(token_id), rollbook.tokens.rotate(token_id)):
        with pytest.raises(errors.NotFoundError) as refused:
            await call
        assert refused.value.reason == "CREDENTIAL_NOT_FOUND"


async def test_tokens_are_of_one_tenant(
    rollbook: RollbookClient, service: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    mine = await rollbook.tokens.create("mine", ["scim"])
    async with client_with(service, await new_tenant(database)) as other:
        for call in (other.tokens.revoke(mine.token.id), other.tokens.rotate(mine.token.id)):
            with pytest.raises(errors.NotFoundError):
                await call
        assert mine.token.id not in [token.id async for token in other.tokens.list(show_ended=True)]
    assert await refusal(service, mine.secret) == ""


async def test_basic_credentials_are_no_tokens(
    rollbook: RollbookClient, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    identifier = str(await database.fetchval("SELECT id FROM credentials WHERE kind = 'basic'"))
    with pytest.raises(errors.NotFoundError):
        await rollbook.tokens.revoke(identifier)
    assert identifier not in [token.id async for token in rollbook.tokens.list()]


async def test_lists_have_pages(rollbook: RollbookClient) -> None:
    made = [(await rollbook.tokens.create(f"t{n}", ["scim"])).token.id for n in range(7)]
    await rollbook.tokens.revoke(made[3])
    valid = [
        token.id async for token in rollbook.tokens.list(page_size=2) if token.name != "bootstrap"
    ]
    assert valid == [one for one in reversed(made) if one != made[3]]
    every = [token.id async for token in rollbook.tokens.list(page_size=3, show_ended=True)]
    assert [one for one in every if one in made] == made[::-1]
    pages = [page async for page in rollbook.tokens.list(page_size=5).pages()]
    assert [len(page.tokens) for page in pages] == [5, 2]


async def test_a_page_token_is_of_one_list(rollbook: RollbookClient) -> None:
    for number in range(3):
        await rollbook.tokens.create(f"t{number}", ["scim"])
    page = await anext(rollbook.tokens.list(page_size=1).pages())
    for listing in (rollbook.tokens.list(page_size=1, show_ended=True), rollbook.tokens.list()):
        with pytest.raises(errors.InvalidRequestError) as refused:
            await listing._fetch(page.next_page_token)
        assert refused.value.reason in {"INVALID_PAGE_TOKEN", "INVALID_PAGE_SIZE"}


async def test_a_token_ends_on_time_however_often_it_is_used(
    rollbook: RollbookClient, service: str
) -> None:
    made = await rollbook.tokens.create("brief", ["scim"], lifetime=timedelta(seconds=1.5))
    ends = made.token.expire_time.ToNanoseconds() / 1e9
    async with client_with(service, made.secret) as client:
        last = 0.0
        while not await refusal_of(client):
            last = time.time()
    assert ends - 0.05 <= time.time() <= ends + 1
    assert last <= ends + 0.05


async def test_uses_are_noted_to_the_minute_and_once(database_server: DatabaseServer) -> None:
    with mock.patch("service.rpc.gate.last_uses.INTERVAL", 0.05):
        async with (
            database_server.database() as url,
            running_service(url) as service,
            client_with(service, TOKEN) as client,
        ):
            made = await client.tokens.create("used", ["scim"])
            connection = await connect_as_tenant(url)
            before = datetime.now(UTC)
            written = set()
            async with client_with(service, made.secret) as used:
                for _ in range(25):
                    await used.tokens.describe_caller()
                    await asyncio.sleep(0.1)
                    row = await connection.fetchrow(
                        "SELECT xmin::text, last_use_time FROM credentials WHERE name = 'used'"
                    )
                    assert row is not None
                    if row["last_use_time"]:
                        written.add((row["xmin"], row["last_use_time"]))
            await connection.close()
    times = {time for _, time in written}
    assert len(written) == len(times) <= 2
    assert times
    assert all(time.second == time.microsecond == 0 for time in times)
    assert min(times) >= before.replace(second=0, microsecond=0)


async def test_uses_that_cannot_be_noted_fail_nothing(database_server: DatabaseServer) -> None:
    failing = mock.AsyncMock(side_effect=OSError("disk full"))
    with (
        mock.patch("service.rpc.gate.last_uses.INTERVAL", 0.01),
        mock.patch("service.storage.credentials.touch", failing),
    ):
        async with database_server.database() as url, running_service(url) as service:
            for _ in range(5):
                assert await refusal(service, TOKEN) == ""
                await asyncio.sleep(0.02)
    assert failing.await_count


async def test_a_revoked_first_token_stays_revoked_and_another_is_made(
    database_server: DatabaseServer,
) -> None:
    async with database_server.database() as url:
        async with running_service(url) as service, client_with(service, TOKEN) as client:
            (first,) = [token async for token in client.tokens.list()]
            await client.tokens.revoke(first.id)
            assert await refusal(service, TOKEN) == "CREDENTIALS_INVALID"
        async with running_service(url) as service:
            assert await refusal(service, TOKEN) == "CREDENTIALS_INVALID"
        settings = Settings.model_construct(database_url=SecretStr(url), bootstrap_token=None)
        made = await bootstrap.prepare(settings)
        assert made is not None
        assert is_well_formed(made)
        assert await bootstrap.prepare(settings) is None
        async with running_service(url) as service:
            assert await refusal(service, made) == ""


async def test_refusals_take_about_the_same_time(service: str) -> None:
    async def seconds(token: str) -> float:
        begin = time.perf_counter()
        assert await refusal(service, token) == "CREDENTIALS_INVALID"
        return time.perf_counter() - begin

    well_formed, mistyped = new_token(), new_token()[:-1]
    for token in (well_formed, mistyped, "other"):
        assert min([await seconds(token) for _ in range(5)]) >= 0.01
