"""Every method and route × every credential × every way in, against the table of scopes.

No cell is written by hand: what is expected follows from `rollbook.access` and from what each
credential is. The body of every call is malformed, so that who is let in gets INVALID_SYNTAX and
changes nothing, and who is not never gets that far (AIP-211).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final
from unittest import mock

import argon2
import grpc
import pytest
from aiohttp import ClientSession

from rollbook.access import ROUTES, RPCS, Rule
from rollbook.client import RollbookClient
from tests.harness.access_matrix import (
    AT_ONCE,
    BY_RULE,
    MAIN_WAYS,
    MALFORMED,
    WAYS,
    assert_answers,
)
from tests.harness.credentials import Given, Minted
from tests.harness.foreign_credentials import of_issuer, of_oauth_clients
from tests.harness.instance import TOKEN, running_gateway, running_service
from tests.harness.issuer import running_issuer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tests.harness.database import DatabaseServer

NOT_NOW: Final = 'W/"999"'
"""An etag that nothing has: whoever is let in changes nothing."""

UNKNOWN: Final = "00000000-0000-7000-8000-00000000dead"


@pytest.fixture(scope="module")
async def rollbook(database_server: DatabaseServer) -> AsyncIterator[tuple[str, Minted]]:
    """A service of the module's own, that checks passwords cheaply and does not limit attempts."""
    cheap = partial(argon2.PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    with (
        mock.patch("argon2.PasswordHasher", cheap),
        mock.patch.multiple("service.rpc.gate.attempts", LIMIT=10**9, PAIR_LIMIT=10**9),
        mock.patch("service.passwords.MAX_WAITING", 10**9),
    ):
        async with (
            database_server.database() as url,
            running_service(url, issuer_reach="local") as address,
            running_gateway(address) as scim_url,
            running_issuer() as issuer,
            RollbookClient(address, token=TOKEN) as client,
        ):
            others = [given async for given in of_oauth_clients(scim_url)]
            others += [given async for given in of_issuer(client, issuer)]
            yield address, await Minted.by(address, url, others)


@pytest.fixture(scope="module")
async def channel(rollbook: tuple[str, Minted]) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(rollbook[0]) as channel:
        yield channel


@pytest.mark.parametrize("method", sorted(RPCS))
async def test_a_method_admits_whom_the_table_admits(
    method: str, rollbook: tuple[str, Minted], channel: grpc.aio.Channel
) -> None:
    ways = WAYS if method in BY_RULE.values() else MAIN_WAYS
    await assert_answers(channel, method, rollbook[1].all(), ways)


@pytest.mark.parametrize("kind", ["truncated", "flipped"])
async def test_nothing_near_a_token_is_one(
    kind: str, rollbook: tuple[str, Minted], channel: grpc.aio.Channel
) -> None:
    method = "rollbook.v1.CredentialService/DescribeCaller"
    await assert_answers(channel, method, getattr(rollbook[1], kind)(), WAYS[:2])


BODIES: Final[dict[str, bytes]] = {
    "POST /oauth2/clients": b'{"name": ""}',
    "POST .search": b'{"filter": "userName pr"}',
    "POST Bulk": b'{"Operations": [{"method": "DELETE", "path": "/Users/%s"}]}' % UNKNOWN.encode(),
    "POST Users/.search": b"{}",
    "POST Groups/.search": b"{}",
    "POST ServiceAccounts/.search": b"{}",
    "POST Users": b'{"userName": "%s"}' % (b"x" * 2_000),
    "POST Groups": b'{"displayName": "%s"}' % (b"x" * 2_000),
    "POST ServiceAccounts": b'{"displayName": "%s"}' % (b"x" * 2_000),
    "PUT Me": b'{"userName": "ada"}',
    "PATCH Me": b'{"Operations": [{"op": "remove", "path": "title"}]}',
    "PUT Users/{id}": b'{"userName": "ada"}',
    "PUT Groups/{id}": b'{"displayName": "staff"}',
    "PUT ServiceAccounts/{id}": b'{"displayName": "bot"}',
    "PATCH Users/{id}": b'{"Operations": [{"op": "remove", "path": "title"}]}',
    "PATCH Groups/{id}": b'{"Operations": [{"op": "remove", "path": "externalId"}]}',
    "PATCH ServiceAccounts/{id}": b'{"Operations": [{"op": "remove", "path": "description"}]}',
}
"""Bodies of requests that the gateway passes on and that change nothing."""

QUERIES: Final = {"GET ": "?filter=userName%20pr"}
"""Queries without which the gateway would refuse a request."""


SCIM_ROUTES: Final = tuple(route for route in ROUTES if not route.partition(" ")[2].startswith("/"))
ROUTE_BY_RULE: Final = {ROUTES[route]: route for route in SCIM_ROUTES}


def expected_status(rule: Rule, given: Given, tenant: str) -> int | None:
    """The status of a refusal at a URL that names a tenant, or none; None when the request gets
    further."""
    if rule.public or (rule.optional and given.header is None):
        return None
    if given.refusal or tenant not in {"", given.tenant}:
        return 401
    if given.is_suspended:
        return 403
    refused = rule.over_scim and (given.scim or given.scim_after)
    return 403 if refused or not rule.admits(given.scopes, over_scim=rule.over_scim) else None


@pytest.fixture(scope="module")
async def http(rollbook: tuple[str, Minted]) -> AsyncIterator[tuple[ClientSession, str]]:
    async with running_gateway(rollbook[0], scim_roles=True) as url, ClientSession() as session:
        yield session, url


async def status(
    http: tuple[ClientSession, str], route: str, given: Given, tenant: str, body: bytes | None
) -> int:
    session, base = http
    method, _, name = route.partition(" ")
    path = name.replace("{id}", UNKNOWN).replace("{name}", "User").replace("{urn}", "x")
    path += QUERIES.get(route, "")
    root = base.removesuffix("/scim/v2")
    if tenant:
        base = f"{root}/t/{tenant}/scim/v2"
    headers = {} if given.header is None else {"Authorization": given.header}
    async with session.request(
        method,
        root + path if path.startswith("/") else f"{base}/{path}",
        headers={**headers, "Content-Type": "application/scim+json", "If-Match": NOT_NOW},
        data=body,
    ) as response:
        if response.status in {401, 403}:
            answer = await response.json(content_type=None)
            assert answer["status"] == str(response.status)
            assert ("WWW-Authenticate" in response.headers) is (response.status == 401)
        return response.status


async def assert_routes(
    http: tuple[ClientSession, str],
    route: str,
    credentials: Iterable[Given],
    tenant: str = "",
    body: bytes | None = None,
) -> None:
    sent = BODIES.get(route) if body is None else body
    turn = asyncio.Semaphore(AT_ONCE)

    async def cell(given: Given) -> tuple[str, int | None]:
        async with turn:
            got = await status(http, route, given, tenant, sent)
        assert got < 500 or got == 501, (route, given.title)
        return given.title, got if got in {401, 403} else None

    tried = list(credentials)
    got = await asyncio.gather(*map(cell, tried))
    rule = ROUTES[route]
    assert got == [(given.title, expected_status(rule, given, tenant)) for given in tried]


@pytest.mark.parametrize("route", sorted(ROUTES))
async def test_a_route_admits_whom_the_table_admits(
    route: str, rollbook: tuple[str, Minted], http: tuple[ClientSession, str]
) -> None:
    await assert_routes(http, route, rollbook[1].all())


@pytest.mark.parametrize("route", BODIES)
async def test_who_may_is_decided_before_what_is_asked(
    route: str, rollbook: tuple[str, Minted], http: tuple[ClientSession, str]
) -> None:
    """AIP-211: whoever may not call is told that, not what is wrong with the body."""
    await assert_routes(http, route, rollbook[1].all(), body=MALFORMED)


@pytest.mark.parametrize("tenant", ["default", "other", "gone", "nobodys"])
async def test_a_url_of_a_tenant_admits_its_own_alone(
    tenant: str, rollbook: tuple[str, Minted], http: tuple[ClientSession, str]
) -> None:
    for route in SCIM_ROUTES if tenant == "other" else ROUTE_BY_RULE.values():
        await assert_routes(http, route, rollbook[1].all(), tenant)


@pytest.mark.parametrize("kind", ["truncated", "flipped"])
async def test_nothing_near_a_token_is_one_over_http(
    kind: str, rollbook: tuple[str, Minted], http: tuple[ClientSession, str]
) -> None:
    await assert_routes(http, "GET Users", getattr(rollbook[1], kind)())


async def test_the_matrix_leaves_nothing_behind(rollbook: tuple[str, Minted]) -> None:
    """Whoever was let in changed nothing: the users are those that have tokens."""
    async with RollbookClient(rollbook[0], token=TOKEN) as client:
        etags = {user.user_name: user.meta.etag async for user in client.users.list()}
        assert etags == {
            **dict.fromkeys(("ada", "bob", "root"), 'W/"1"'),
            **dict.fromkeys(("deactivated", "former"), 'W/"2"'),
            "reactivated": 'W/"3"',
        }
        assert await client.groups.count() == 0
