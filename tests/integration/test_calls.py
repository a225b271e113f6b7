"""How the service takes calls: credentials, malformed and oversize messages, deadlines, health,
reflection, and the end."""

from __future__ import annotations

import asyncio
import base64
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest, ListUsersRequest
from tests.harness.calls import Calls
from tests.harness.drivers import failure_of
from tests.harness.instance import (
    BASIC_CREDENTIALS,
    TOKEN,
    running_gateway,
    running_service,
)
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.database import DatabaseServer

LIST = "/rollbook.v1.UserService/ListUsers"
DESCRIBE_CALLER = "/rollbook.v1.CredentialService/DescribeCaller"


async def _failure(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value).reason


def _raw(channel: grpc.aio.Channel, method: str, body: bytes, credentials: str | None) -> Any:
    send: Any = channel.unary_unary(method)
    metadata = () if credentials is None else (("authorization", credentials),)
    return send(body, metadata=metadata)


@pytest.mark.parametrize(
    "credentials",
    [
        f"Bearer {TOKEN}",
        f"bearer {TOKEN}",
        TOKEN,
        f"Basic {BASIC_CREDENTIALS}",
        f"BASIC {BASIC_CREDENTIALS}",
    ],
    ids=["bearer", "in other case", "without scheme", "basic", "basic in other case"],
)
async def test_who_has_credentials_is_let_in(credentials: str, channel: grpc.aio.Channel) -> None:
    await _raw(channel, DESCRIBE_CALLER, b"", credentials)


@pytest.mark.parametrize("others", [f"Bearer {TOKEN}", "Bearer wrong", "", f"Basic {TOKEN}"])
async def test_several_credentials_are_wrong_ones(others: str, channel: grpc.aio.Channel) -> None:
    send: Any = channel.unary_unary(DESCRIBE_CALLER)
    for credentials in ((f"Bearer {TOKEN}", others), (others, f"Bearer {TOKEN}")):
        metadata = tuple(("authorization", text) for text in credentials)
        assert await _failure(send(b"", metadata=metadata)) == "CREDENTIALS_INVALID"


@pytest.mark.parametrize(
    ("credentials", "reason"),
    [
        (None, "CREDENTIALS_MISSING"),
        ("", "CREDENTIALS_MISSING"),
        ("Bearer", "CREDENTIALS_INVALID"),
        ("Bearer wrong", "CREDENTIALS_INVALID"),
        (f"Bearer {TOKEN[:-1]}", "CREDENTIALS_INVALID"),
        (f"Bearer {TOKEN}x", "CREDENTIALS_INVALID"),
        (f"Bearer {TOKEN.upper()}", "CREDENTIALS_INVALID"),
        (f"Basic {TOKEN}", "CREDENTIALS_INVALID"),
        ("Basic", "CREDENTIALS_INVALID"),
        ("Basic %%%", "CREDENTIALS_INVALID"),
        ("Basic " + base64.b64encode(b"idp").decode(), "CREDENTIALS_INVALID"),
        ("Basic " + base64.b64encode(b"idp:wrong").decode(), "CREDENTIALS_INVALID"),
        ("Basic " + base64.b64encode(b":correct horse battery staple").decode(), None),
        ("Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(), "CREDENTIALS_INVALID"),
        ("Negotiate YII=", "CREDENTIALS_INVALID"),
    ],
    ids=str,
)
async def test_who_has_none_is_not(
    credentials: str | None, reason: str | None, channel: grpc.aio.Channel
) -> None:
    found = await _failure(_raw(channel, LIST, b"", credentials))
    assert found == (reason or "CREDENTIALS_INVALID")


async def test_who_has_none_does_not_learn_what_is_wrong_with_the_request(
    channel: grpc.aio.Channel,
) -> None:
    assert await _failure(_raw(channel, LIST, b"\xff\xff", "Bearer x")) == "CREDENTIALS_INVALID"


async def test_no_secret_is_stored_or_said(
    channel: grpc.aio.Channel, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    rows = await database.fetch("SELECT c::text AS text FROM credentials AS c")
    assert rows
    assert not any(TOKEN in row["text"] for row in rows)
    assert not any("horse battery" in row["text"] for row in rows)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _raw(channel, LIST, b"", "Bearer a-secret-of-someone")
    assert "a-secret" not in str(caught.value)


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\xff", b"\x00" * 10, b"{}"])
async def test_what_is_no_message_is_a_syntax_error(body: bytes, channel: grpc.aio.Channel) -> None:
    call = _raw(channel, "/rollbook.v1.UserService/CreateUser", body, f"Bearer {TOKEN}")
    assert await _failure(call) == "INVALID_SYNTAX"


async def test_text_that_is_no_utf_8_is_a_syntax_error(channel: grpc.aio.Channel) -> None:
    user = b"\x22\x01\xff"  # user_name = 4
    body = b"\x0a" + bytes([len(user)]) + user
    call = _raw(channel, "/rollbook.v1.UserService/CreateUser", body, f"Bearer {TOKEN}")
    assert await _failure(call) == "INVALID_SYNTAX"


async def test_unknown_fields_are_passed_over(calls: Calls) -> None:
    request = CreateUserRequest(user=User(user_name="ada"))
    request.MergeFromString(b"\xf8\x7f\x01")
    assert (await calls(request)).user.user_name == "ada"


@pytest.mark.parametrize(
    "method", ["/rollbook.v1.UserService/Nope", "/rollbook.v1.Nope/ListUsers", "/x"]
)
async def test_unknown_methods_are_unimplemented(method: str, channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _raw(channel, method, b"", f"Bearer {TOKEN}")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_message_has_a_limit(database_url: str) -> None:
    async with (
        running_service(database_url, max_request_bytes=65_536) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        user = User(user_name="ada", title="x" * 70_000)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await Calls(channel, TOKEN)(CreateUserRequest(user=user))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_deadline_that_has_passed_is_honoured(
    channel: grpc.aio.Channel, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    """While another transaction holds what the call waits for."""
    send: Any = channel.unary_unary("/rollbook.v1.UserService/CreateUser")
    body = CreateUserRequest(user=User(user_name="ada")).SerializeToString()
    async with database.transaction():
        await database.execute("LOCK TABLE resources IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await send(body, metadata=(("authorization", f"Bearer {TOKEN}"),), timeout=0.3)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.sleep(0.3)
        waiting = await database.fetchval(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
        )
        assert waiting == 0, "the statement of the call goes on"
    assert await database.fetchval("SELECT count(*) FROM resources") == 0


async def test_health_is_told_without_credentials(channel: grpc.aio.Channel) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    for name in ("", "rollbook.v1.UserService", "rollbook.v1.GroupService"):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_services_are_told_by_reflection(channel: grpc.aio.Channel) -> None:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async for answer in stub.ServerReflectionInfo(iter([request])):
        names = {each.name for each in answer.list_services_response.service}
        assert {"rollbook.v1.UserService", "rollbook.v1.GroupService"} <= names


async def test_scim_switched_off_is_403_and_grpc_goes_on(database_server: DatabaseServer) -> None:
    async with (
        database_server.database() as url_of_its_own,
        running_service(url_of_its_own, scim={"enabled": False}) as address,
        running_gateway(address) as url,
        ScimClient(url, TOKEN) as scim,
        grpc.aio.insecure_channel(address) as channel,
    ):
        answer = await scim.get("/Users")
        assert answer.status == 403
        assert "SCIM" in answer.body["detail"]
        await Calls(channel, TOKEN)(ListUsersRequest())


async def test_a_call_that_runs_is_finished_when_the_service_stops(
    database_url: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with AsyncExitStack() as running:
        address = await running.enter_async_context(running_service(database_url))
        async with grpc.aio.insecure_channel(address) as channel:
            async with database.transaction():
                await database.execute("LOCK TABLE resources IN SHARE MODE")
                request = CreateUserRequest(user=User(user_name="ada"))
                call = asyncio.create_task(Calls(channel, TOKEN)(request))
                await asyncio.sleep(0.3)
                stopping = asyncio.create_task(running.aclose())
                await asyncio.sleep(0.2)
                assert not call.done()
                assert not stopping.done()
            assert (await call).user.user_name == "ada"
            await stopping
