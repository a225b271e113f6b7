"""Passwords of users: how they come to be stored by every way to write, what shows of them, and
who is let in by them."""

from __future__ import annotations

import asyncio
import statistics
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

import argon2
import pytest

from rollbook import errors
from rollbook.client import RollbookClient, replace
from rollbook.v1.password_service_pb2 import VerifyPasswordRequest
from rollbook.v1.user_pb2 import User
from tests.harness.instance import (
    TOKEN,
    connect_as_tenant,
    empty_directory,
    running_gateway,
    running_service,
)
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.database import DatabaseServer

OLD: Final = "correct horse battery staple"
NEW: Final = "Tr0ub4dor&3 ünd mehr"
URN: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
COSTLY: Final = argon2.PasswordHasher
CHEAP: Final = partial(argon2.PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="module")
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    async with database_server.database() as url:
        yield url


@pytest.fixture(scope="module")
async def service(database_url: str) -> AsyncIterator[str]:
    """A service that hashes cheaply."""
    with mock.patch("argon2.PasswordHasher", CHEAP):
        async with running_service(database_url) as address:
            yield address


@pytest.fixture
async def database(
    database_url: str, service: str
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await connect_as_tenant(database_url)
    await empty_directory(connection)
    yield connection
    await connection.close()


@pytest.fixture
async def rollbook(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[RollbookClient]:
    async with RollbookClient(service, token=TOKEN) as client:
        yield client


@pytest.fixture
async def scim(
    service: str, database: asyncpg.Connection[asyncpg.Record]
) -> AsyncIterator[ScimClient]:
    async with running_gateway(service) as url, ScimClient(url, TOKEN) as client:
        yield client


async def ada_with(scim: ScimClient, password: str | None) -> str:
    answer = await scim.request("POST", "/Users", {"userName": "ada", "password": password})
    assert answer.status == 201
    return str(answer.body["id"])


def operation(op: str, path: str | None, value: Any = None) -> dict[str, Any]:
    said = {"op": op, "path": path, "value": value}
    return {name: each for name, each in said.items() if each is not None}


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(operations)}


SETTING: Final = {
    "PUT": ("PUT", {"userName": "ada", "password": NEW}),
    "replace": ("PATCH", patch(operation("replace", "password", NEW))),
    "add": ("PATCH", patch(operation("add", "password", NEW))),
    "in another case": ("PATCH", patch(operation("Replace", "PassWord", NEW))),
    "by its full name": ("PATCH", patch(operation("replace", f"{URN}:password", NEW))),
    "without a path": ("PATCH", patch(operation("replace", None, {"password": NEW}))),
    "the last of several": (
        "PATCH",
        patch(operation("replace", "password", "x" * 9), operation("add", "password", NEW)),
    ),
    "after it was removed": (
        "PATCH",
        patch(operation("remove", "password"), operation("add", "password", NEW)),
    ),
}
KEEPING: Final = {
    "PUT": ("PUT", {"userName": "ada", "title": "Countess"}),
    "PUT of nothing new": ("PUT", {"userName": "ada"}),
    "PUT of an empty text": ("PUT", {"userName": "ada", "password": ""}),
    "PATCH": ("PATCH", patch(operation("replace", "title", "Countess"))),
    "deactivation": ("PATCH", patch(operation("replace", "active", False))),
}
REMOVING: Final = {
    "PUT of null": ("PUT", {"userName": "ada", "password": None}),
    "remove": ("PATCH", patch(operation("remove", "password"))),
    "replace by null": (
        "PATCH",
        patch({"op": "replace", "path": "password", "value": None}),
    ),
    "null without a path": ("PATCH", patch(operation("replace", None, {"password": None}))),
    "replace by an empty text": ("PATCH", patch(operation("replace", "password", ""))),
    "set, then removed": (
        "PATCH",
        patch(operation("add", "password", NEW), operation("remove", "password")),
    ),
}


async def write(scim: ScimClient, user_id: str, method: str, body: Any, way: str) -> None:
    if way == "Bulk":
        bulk = {"method": method, "path": f"/Users/{user_id}", "data": body}
        answer = await scim.request("POST", "/Bulk", {"schemas": [BULK], "Operations": [bulk]})
        assert answer.body["Operations"][0]["status"] == "200", answer.body
    else:
        answer = await scim.request(method, f"/Users/{user_id}", body)
        assert answer.status == 200, answer.body
    assert "password" not in str(answer.body).lower()


async def versions(database: asyncpg.Connection[asyncpg.Record]) -> list[tuple[int, list[str]]]:
    rows = await database.fetch("SELECT version, attributes FROM changes ORDER BY revision")
    return [(row["version"], row["attributes"]) for row in rows]


@pytest.mark.parametrize("way", ["by itself", "Bulk"])
@pytest.mark.parametrize("title", SETTING)
async def test_every_way_to_write_sets_it(
    title: str, way: str, scim: ScimClient, rollbook: RollbookClient
) -> None:
    user_id = await ada_with(scim, OLD)
    await write(scim, user_id, *SETTING[title], way)
    assert await rollbook.passwords.verify(NEW, user_name="ada") == user_id
    assert await rollbook.passwords.verify(OLD, user_name="ada") is None


@pytest.mark.parametrize("way", ["by itself", "Bulk"])
@pytest.mark.parametrize("title", KEEPING)
async def test_what_does_not_name_it_keeps_it(
    title: str, way: str, scim: ScimClient, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    user_id = await ada_with(scim, OLD)
    before = await database.fetch("SELECT * FROM passwords")
    await write(scim, user_id, *KEEPING[title], way)
    assert await database.fetch("SELECT * FROM passwords") == before
    assert all("password" not in names for _, names in (await versions(database))[1:])


@pytest.mark.parametrize("way", ["by itself", "Bulk"])
@pytest.mark.parametrize("title", REMOVING)
async def test_null_takes_it_away(
    title: str, way: str, scim: ScimClient, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    user_id = await ada_with(scim, OLD)
    await write(scim, user_id, *REMOVING[title], way)
    assert await database.fetch("SELECT * FROM passwords") == []
    assert (await versions(database))[1:] == [(2, ["password"])]
    await write(scim, user_id, *REMOVING[title], way)
    assert len(await versions(database)) == 2, "what is not there cannot be taken away"


async def test_the_password_of_another_is_not_touched(
    scim: ScimClient, rollbook: RollbookClient
) -> None:
    ada = await ada_with(scim, OLD)
    await rollbook.users.create(User(user_name="bob", password=NEW))
    boss = {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": ada}}
    await scim.request("POST", "/Users", {"userName": "eve", "password": OLD, **boss})
    await rollbook.users.delete(ada)
    assert await rollbook.passwords.verify(NEW, user_name="bob")
    assert await rollbook.passwords.verify(OLD, user_name="eve")
    assert await rollbook.passwords.verify(OLD, user_name="ada") is None


async def test_a_user_is_let_in_by_name_in_any_case_and_by_id(
    scim: ScimClient, rollbook: RollbookClient
) -> None:
    user_id = await ada_with(scim, NEW)
    verify = rollbook.passwords.verify
    assert await verify(NEW, user_name="ADA") == user_id
    assert await verify(NEW, user_id=user_id) == user_id
    # One letter may be written in two ways (RFC 8265 §4.2).
    assert await verify(NEW.replace("ü", "u\u0308"), user_name="ada") == user_id


async def test_whoever_is_not_let_in_looks_the_same(
    scim: ScimClient, rollbook: RollbookClient
) -> None:
    user_id = await ada_with(scim, OLD)
    await rollbook.users.create(User(user_name="none"))
    await rollbook.users.create(User(user_name="off", password=OLD, active=False))
    verify = rollbook.passwords._stub.VerifyPassword
    for named in (
        {"user_name": "ada", "password": OLD + "x"},
        {"user_name": "ada", "password": ""},
        {"user_name": "ada", "password": "x" * 5_000},
        {"user_id": user_id, "password": OLD[:-1]},
        *({"user_name": name, "password": OLD} for name in ("none", "off", "nobody", "x" * 9_999)),
        *({"user_name": name, "password": OLD} for name in ("a\0da", "ada\0", "%", "ada ")),
        *({"user_id": name, "password": OLD} for name in ("ada", "00000000-0000-0000-0000-0")),
    ):
        request = VerifyPasswordRequest(**named)
        answer = await verify(request, metadata=(("authorization", f"Bearer {TOKEN}"),))
        assert answer.SerializeToString() == b"", named


async def test_who_is_reactivated_logs_in_again(scim: ScimClient, rollbook: RollbookClient) -> None:
    user_id = await ada_with(scim, OLD)
    await rollbook.users.deactivate(user_id)
    assert await rollbook.passwords.verify(OLD, user_id=user_id) is None
    await rollbook.users.activate(user_id)
    assert await rollbook.passwords.verify(OLD, user_id=user_id) == user_id


async def test_a_hash_of_former_parameters_is_renewed(
    scim: ScimClient, rollbook: RollbookClient, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    user_id = await ada_with(scim, "another")
    former = CHEAP(memory_cost=16).hash(OLD)
    await database.execute("UPDATE passwords SET hash = $1", former)
    for _ in range(2):
        assert await rollbook.passwords.verify(OLD, user_id=user_id) == user_id
    renewed = await database.fetchval("SELECT hash FROM passwords")
    assert renewed != former
    assert "m=8," in renewed
    assert len(await versions(database)) == 1, "the password is what it was"


async def test_two_at_once_renew_it_and_both_get_in(
    scim: ScimClient, rollbook: RollbookClient, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    user_id = await ada_with(scim, "another")
    await database.execute("UPDATE passwords SET hash = $1", CHEAP(memory_cost=16).hash(OLD))
    tries = (rollbook.passwords.verify(OLD, user_id=user_id) for _ in range(8))
    assert set(await asyncio.gather(*tries)) == {user_id}


async def test_an_administrator_sets_it(scim: ScimClient, rollbook: RollbookClient) -> None:
    user_id = await ada_with(scim, None)
    answer = await rollbook.passwords.set(OLD, user_name="Ada")
    assert (answer.user_id, answer.etag) == (user_id, 'W/"2"')
    assert await rollbook.passwords.verify(OLD, user_id=user_id)
    await rollbook.passwords.set(None, user_id=user_id, etag=answer.etag)
    assert await rollbook.passwords.verify(OLD, user_id=user_id) is None
    with pytest.raises(errors.ConflictError):
        await rollbook.passwords.set(OLD, user_id=user_id, etag=answer.etag)


@pytest.mark.parametrize(
    ("password", "named", "reason"),
    [
        ("short", {"user_name": "ada"}, "INVALID_VALUE"),
        ("x" * 1_025, {"user_name": "ada"}, "INVALID_VALUE"),
        (OLD, {"user_name": "nobody"}, "USER_NOT_FOUND"),
        (OLD, {"user_name": "a\0"}, "USER_NOT_FOUND"),
        (OLD, {"user_id": "ada"}, "USER_NOT_FOUND"),
        (OLD, {"user_name": ""}, "INVALID_VALUE"),
    ],
)
async def test_what_cannot_be_set_is_refused(
    password: str, named: dict[str, Any], reason: str, scim: ScimClient, rollbook: RollbookClient
) -> None:
    await ada_with(scim, OLD)
    with pytest.raises(errors.RollbookError) as caught:
        await rollbook.passwords.set(password, **named)
    assert caught.value.reason == reason
    assert password not in str(caught.value)
    assert await rollbook.passwords.verify(OLD, user_name="ada")


async def test_wrong_ones_are_limited_by_user_and_client(
    scim: ScimClient, rollbook: RollbookClient
) -> None:
    await ada_with(scim, OLD)
    await rollbook.users.create(User(user_name="bob", password=OLD))

    async def tried(name: str, address: str, password: str = "wrong") -> str | None:
        return await rollbook.passwords.verify(password, user_name=name, client_address=address)

    for _ in range(10):
        assert await tried("ada", "192.0.2.1") is None
    with pytest.raises(errors.LimitExceededError) as caught:
        await tried("ADA", "192.0.2.1", OLD)
    assert caught.value.reason == "RATE_LIMITED"
    assert caught.value.retry_after
    assert await tried("ada", "192.0.2.2", OLD)
    assert await tried("bob", "192.0.2.1", OLD)
    with pytest.raises(errors.InvalidRequestError, match="IP address"):
        await tried("ada", "there")


async def test_a_password_of_a_user_is_no_key_to_the_service(
    scim: ScimClient, service: str
) -> None:
    await ada_with(scim, OLD)
    async with RollbookClient(service, basic=("ada", OLD)) as ada:
        with pytest.raises(errors.UnauthenticatedError):
            await ada.tokens.describe_caller()


@mock.patch("argon2.PasswordHasher", COSTLY)
async def test_the_time_does_not_tell_who_exists(database_server: DatabaseServer) -> None:
    """Medians of a few, since the machine has other things to do."""
    async with (
        database_server.database() as url,
        running_service(url) as address,
        RollbookClient(address, token=TOKEN) as rollbook,
    ):
        await rollbook.users.create(User(user_name="ada", password=OLD))
        times: dict[str, list[float]] = {"ada": [], "nobody": []}
        for _ in range(7):
            for name, taken in times.items():
                begun = time.perf_counter()
                await rollbook.passwords.verify("wrong", user_name=name)
                taken.append(time.perf_counter() - begun)
    known, unknown = (statistics.median(taken) for taken in times.values())
    assert known == pytest.approx(unknown, rel=0.5)
    assert min(known, unknown) > 0.01


async def test_a_patch_is_not_a_way_to_read_it(scim: ScimClient, rollbook: RollbookClient) -> None:
    user_id = await ada_with(scim, OLD)
    patched = await rollbook.users.patch(user_id, [replace("password", NEW)])
    assert not patched.HasField("password")
    for path in (f"/Users/{user_id}?attributes=password", f"/Users/{user_id}"):
        assert "password" not in (await scim.request("GET", path)).body
    answer = await scim.request("GET", "/Users?filter=password%20sw%20%22T%22")
    assert (answer.status, answer.scim_type) == (400, "invalidFilter")
