"""What the service believes of a gateway, and what of others; and how often passwords are tried."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import grpc
import pytest

from rollbook.access import Scope
from rollbook.client import RollbookClient
from rollbook.metadata import CHANNEL, CLIENT, GATEWAY, SCIM, TOLERANCES
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest, ListUsersRequest
from rollbook.v1.user_service_pb2_grpc import UserServiceStub
from service.rpc.gate.attempts import PAIR_LIMIT
from tests.harness.drivers import failure_of
from tests.harness.instance import (
    BASIC_CREDENTIALS,
    BASIC_PASSWORD,
    BASIC_USER,
    GATEWAY_SECRET,
    TOKEN,
    running_gateway,
    running_service,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import asyncpg

    from tests.harness.database import DatabaseServer

BASIC = f"Basic {BASIC_CREDENTIALS}"
FROM_GATEWAY = ((CHANNEL, SCIM), (GATEWAY, GATEWAY_SECRET))


async def get(base_url: str, authorization: str, **headers: str) -> tuple[int, Any, Any]:
    """Status, body and headers of GET /Users."""
    async with (
        aiohttp.ClientSession(headers={"Authorization": authorization, **headers}) as session,
        session.get(f"{base_url}/Users") as response,
    ):
        return response.status, await response.json(content_type=None), response.headers


async def failure(
    channel: grpc.aio.Channel, authorization: str, *metadata: tuple[str, str]
) -> grpc.aio.AioRpcError:
    call = UserServiceStub(channel).ListUsers
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(ListUsersRequest(), metadata=(("authorization", authorization), *metadata))
    return caught.value


@pytest.fixture
async def scim_token(service: str) -> str:
    """What an identity provider gets: the scope for SCIM and no other."""
    async with RollbookClient(service, token=TOKEN) as rollbook:
        return (await rollbook.tokens.create("identity provider", [Scope.SCIM])).secret


async def test_a_gateway_without_the_secret_is_told_what_to_do(
    service: str, scim_token: str
) -> None:
    for secret in (None, "not-the-one-that-the-service-has"):
        async with running_gateway(service, gateway_secret=secret) as url:
            status, body, _ = await get(url, f"Bearer {scim_token}")
            assert (status, "ROLLBOOK_GATEWAY_SECRET" in body["detail"]) == (403, True)
            # Who may do everything may do so without being SCIM's.
            assert (await get(url, f"Bearer {TOKEN}"))[0] == 200


async def test_a_gateway_on_the_socket_needs_no_secret(database_url: str, tmp_path: Path) -> None:
    socket = tmp_path / "grpc"
    settings = {"grpc_socket": str(socket), "gateway_secret": None}
    async with (
        running_service(database_url, **settings),
        running_gateway(f"unix:{socket}.0", gateway_secret=None) as url,
    ):
        assert (await get(url, BASIC))[0] == 200


async def test_credentials_for_scim_are_told_so_over_grpc(
    channel: grpc.aio.Channel, scim_token: str
) -> None:
    error = await failure(channel, f"Bearer {scim_token}")
    assert failure_of(error).reason == "SCOPE_MISSING"
    assert "for SCIM" in (error.details() or "")
    assert "directory.read" in (error.details() or "")


async def test_who_lacks_a_scope_is_told_which(channel: grpc.aio.Channel, service: str) -> None:
    async with RollbookClient(service, token=TOKEN) as rollbook:
        made = await rollbook.tokens.create("x", [Scope.ADMIN])
    direct = await failure(channel, made.secret)
    assert "directory.read or directory.write" in (direct.details() or "")
    over_scim = await failure(channel, made.secret, *FROM_GATEWAY)
    assert "takes scim" in (over_scim.details() or "")


@pytest.mark.parametrize("metadata", [(), FROM_GATEWAY[1:]], ids=["stranger", "gateway"])
async def test_only_a_gateway_says_what_it_has_put_right(
    metadata: tuple[tuple[str, str], ...],
    channel: grpc.aio.Channel,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    sent = (("authorization", TOKEN), (TOLERANCES, "STRING_BOOLEAN"), *metadata)
    request = CreateUserRequest(user=User(user_name="ada"))
    await UserServiceStub(channel).CreateUser(request, metadata=sent)
    noted = await database.fetchval("SELECT tolerances FROM changes")
    assert noted == (["STRING_BOOLEAN"] if metadata else [])


# Passwords


@asynccontextmanager
async def fresh(database_server: DatabaseServer) -> AsyncIterator[tuple[str, str]]:
    """A service that nobody has called yet, and a gateway that believes X-Forwarded-For."""
    async with (
        database_server.database() as database,
        running_service(database) as service,
        running_gateway(service, http_trust_forwarded=True) as url,
    ):
        yield service, url


def basic(user_name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user_name}:{password}".encode()).decode()


@pytest.mark.parametrize("user_name", [BASIC_USER, "nobody"])
async def test_wrong_passwords_are_limited_for_each_client(
    database_server: DatabaseServer, user_name: str
) -> None:
    async with fresh(database_server) as (_, url):
        for number in range(PAIR_LIMIT):
            status, body, _ = await get(url, basic(user_name, f"wrong {number}"))
            assert (status, body["detail"][:29]) == (401, "The credentials are not valid")
        status, body, headers = await get(url, basic(user_name, "wrong again"))
        assert (status, body["status"]) == (429, "429")
        assert 0 < int(headers["Retry-After"]) <= 60
        elsewhere = {"X-Forwarded-For": "192.0.2.1"}
        assert (await get(url, basic(user_name, "wrong"), **elsewhere))[0] == 401
        assert (await get(url, basic(BASIC_USER, BASIC_PASSWORD), **elsewhere))[0] == 200
        assert (await get(url, f"Bearer {TOKEN}"))[0] == 200


async def test_a_password_that_was_right_is_not_kept_waiting(
    database_server: DatabaseServer,
) -> None:
    async with fresh(database_server) as (_, url):
        right = basic(BASIC_USER, BASIC_PASSWORD)
        assert (await get(url, right))[0] == 200
        for number in range(PAIR_LIMIT + 1):
            await get(url, basic(BASIC_USER, f"wrong {number}"))
        assert (await get(url, basic(BASIC_USER, "wrong")))[0] == 429
        assert (await get(url, right))[0] == 200


async def test_many_calls_at_once_with_one_password_check_it_once(
    database_server: DatabaseServer,
) -> None:
    async with fresh(database_server) as (_, url):
        right, wrong = basic(BASIC_USER, BASIC_PASSWORD), basic(BASIC_USER, "wrong")
        answers = await asyncio.gather(*(get(url, right) for _ in range(5 * PAIR_LIMIT)))
        assert {status for status, _, _ in answers} == {200}
        answers = await asyncio.gather(*(get(url, wrong) for _ in range(PAIR_LIMIT)))
        assert {status for status, _, _ in answers} == {401}


async def test_a_client_that_names_another_is_counted_as_itself(
    database_server: DatabaseServer,
) -> None:
    async with (
        fresh(database_server) as (service, _),
        grpc.aio.insecure_channel(service) as channel,
    ):
        reasons = [
            failure_of(
                await failure(channel, basic(BASIC_USER, f"wrong {n}"), (CLIENT, f"192.0.2.{n}"))
            ).reason
            for n in range(PAIR_LIMIT + 1)
        ]
    assert reasons == ["CREDENTIALS_INVALID"] * PAIR_LIMIT + ["RATE_LIMITED"]
