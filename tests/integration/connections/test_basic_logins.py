"""User names with passwords: for one connection of one tenant, until they are deleted."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rollbook.client import RollbookClient
from rollbook.errors import (
    AlreadyExistsError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from tests.harness.instance import BASIC_USER
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from tests.harness.connections import Provisioning

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PASSWORD = "correct horse: battery staple"


def basic(user_name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user_name}:{password}".encode()).decode()


def unused(what: str = "idp") -> str:
    return f"{what}-{uuid4().hex[:8]}"


async def status(rollbook: Provisioning, authorization: str, path: str = "/Users?count=0") -> int:
    async with ScimClient(rollbook.url, "") as client:
        return (await client.get(path, Authorization=authorization)).status


async def test_a_login_comes_by_its_connection(rollbook: Provisioning) -> None:
    connection, _ = await rollbook.connect(unused("ping"))
    name = unused()
    made = await rollbook.admin.basic_logins.create(name, connection_id=connection.id)
    authorization = basic(name, made.password)
    async with ScimClient(rollbook.url, "") as client:
        body = {"schemas": [USER], "userName": unused("ada")}
        created = await client.post("/Users", body, Authorization=authorization)
    assert created.status == 201
    stored = await rollbook.admin.users.get(created.body["id"])
    assert stored.origin.connection_name == connection.name
    await rollbook.change(connection, enabled=False)
    assert await status(rollbook, authorization) == 403
    await rollbook.change(connection, enabled=True)
    assert await status(rollbook, authorization) == 200
    await rollbook.admin.connections.delete(connection.id)
    assert await status(rollbook, authorization) == 401


async def test_a_login_ends_at_once(rollbook: Provisioning) -> None:
    name = unused()
    made = await rollbook.admin.basic_logins.create(name, PASSWORD)
    assert made.password == ""
    assert await status(rollbook, basic(name, PASSWORD)) == 200
    assert await status(rollbook, basic(name, PASSWORD + "r")) == 401
    assert await status(rollbook, basic(name.upper(), PASSWORD)) == 401
    await rollbook.admin.basic_logins.delete(made.login.id)
    assert await status(rollbook, basic(name, PASSWORD)) == 401
    with pytest.raises(NotFoundError):
        await rollbook.admin.basic_logins.delete(made.login.id)


async def test_a_name_means_somebody_else_in_another_tenant(rollbook: Provisioning) -> None:
    name, tenant = unused(), await rollbook.admin.tenants.create(unused("acme"))
    ours = await rollbook.admin.basic_logins.create(name)
    async with rollbook.admin.acting_in(tenant.id) as inside:
        theirs = await inside.basic_logins.create(name)
        assert [login.user_name async for login in inside.basic_logins.list()] == [name]
    root = rollbook.url.removesuffix("/scim/v2")
    for base_url, right, wrong in (
        (rollbook.url, ours.password, theirs.password),
        (f"{root}/t/{tenant.name}/scim/v2", theirs.password, ours.password),
    ):
        async with ScimClient(base_url, "") as client:
            for password, expected in ((right, 200), (wrong, 401)):
                answer = await client.get("/Users?count=0", Authorization=basic(name, password))
                assert answer.status == expected


async def test_lists_show_no_passwords_and_where_logins_come_from(rollbook: Provisioning) -> None:
    names = [unused() for _ in range(3)]
    made = [await rollbook.admin.basic_logins.create(name) for name in names]
    listed = [login async for login in rollbook.admin.basic_logins.list(page_size=2)]
    assert [login.user_name for login in listed][:3] == names[::-1]
    assert not any(each.password in str(listed) for each in made)
    assert {login.user_name for login in listed if login.from_settings} == {BASIC_USER}
    rows = await rollbook.database.fetch(
        "SELECT message FROM changes WHERE resource_type = 'BasicLogin'"
    )
    assert len(rows) >= len(made)
    assert not any(
        each.password.encode() in bytes(row["message"] or b"") for each in made for row in rows
    )


async def test_a_login_is_good_for_its_scopes(rollbook: Provisioning) -> None:
    name = unused()
    made = await rollbook.admin.basic_logins.create(name, scopes=["directory.read"])
    async with RollbookClient(rollbook.address, basic=(name, made.password)) as client:
        caller = await client.tokens.describe_caller()
        assert (caller.name, list(caller.scopes)) == (name, ["directory.read"])
        with pytest.raises(PermissionDeniedError):
            await client.basic_logins.create(unused())
    assert await status(rollbook, basic(name, made.password)) == 403
    wrong = (name, "wrong")
    async with RollbookClient(rollbook.address, basic=wrong) as client:
        with pytest.raises(UnauthenticatedError):
            await client.tokens.describe_caller()


async def test_nobody_makes_a_login_that_may_more_than_they(rollbook: Provisioning) -> None:
    token = await rollbook.admin.tokens.create("minter", ["credentials", "scim"])
    async with RollbookClient(rollbook.address, token=token.secret) as minter:
        await minter.basic_logins.create(unused())
        with pytest.raises(PermissionDeniedError) as refused:
            await minter.basic_logins.create(unused(), scopes=["admin"])
    assert refused.value.reason == "SCOPE_MISSING"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"user_name": ""}, "user_name"),
        ({"user_name": "a:b"}, "user_name"),
        ({"user_name": "a\nb"}, "user_name"),
        ({"user_name": "a" * 201}, "user_name"),
        ({"user_name": "idp-x", "password": "too short"}, "password"),
        ({"user_name": "idp-x", "password": "x" * 1025}, "password"),
        ({"user_name": "idp-x", "password": "with\ncontrols in it"}, "password"),
        ({"user_name": "idp-x", "scopes": ["everything"]}, "scopes"),
    ],
)
async def test_what_cannot_be_a_login_is_refused(
    rollbook: Provisioning, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        await rollbook.admin.basic_logins.create(**arguments)
    assert refused.value.reason == "INVALID_VALUE"
    assert refused.value.field == field


async def test_a_taken_name_and_an_unknown_connection_are_refused(rollbook: Provisioning) -> None:
    name = unused()
    await rollbook.admin.basic_logins.create(name)
    with pytest.raises(AlreadyExistsError):
        await rollbook.admin.basic_logins.create(name, PASSWORD)
    with pytest.raises(AlreadyExistsError):
        await rollbook.admin.basic_logins.create(BASIC_USER)
    with pytest.raises(NotFoundError):
        await rollbook.admin.basic_logins.create(unused(), connection_id=str(uuid4()))
