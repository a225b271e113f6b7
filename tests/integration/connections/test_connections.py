"""SCIM connections as administrators make and change them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from rollbook.client import RollbookClient
from rollbook.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    RollbookError,
    UnauthenticatedError,
)
from rollbook.v1.connection_pb2 import AdoptionPolicy, Connection
from tests.harness.instance import TOKEN, running_service

if TYPE_CHECKING:
    from tests.harness.connections import Provisioning
    from tests.harness.database import DatabaseServer


def name() -> str:
    return f"okta-{uuid4().hex[:8]}"


async def test_a_tenant_has_a_default_connection_from_its_beginning(
    rollbook: Provisioning,
) -> None:
    first = (await rollbook.admin.connections.list())[0]
    assert (first.name, first.is_default, first.enabled) == ("default", True, True)
    assert first.dialect == ""
    assert first.adoption == AdoptionPolicy.ADOPTION_POLICY_REFUSE


async def test_what_is_created_is_what_is_read(rollbook: Provisioning) -> None:
    given = Connection(
        name=f" {name()} ",
        dialect="entra",
        require_email_user_names=True,
        adoption=AdoptionPolicy.ADOPTION_POLICY_LINK,
        lock_synced=True,
        ip_allow_list=["192.0.2.1", "2001:db8::/32", "192.0.2.1/32"],
        redirect_uris=["https://system-admin.okta.com/callback", "http://127.0.0.1:8400/"],
    )
    made = await rollbook.admin.connections.create(given)
    assert made.name == given.name.strip()
    assert made.enabled
    assert list(made.ip_allow_list) == ["192.0.2.1/32", "2001:db8::/32"]
    assert list(made.redirect_uris) == list(given.redirect_uris)
    assert await rollbook.admin.connections.get(made.id) == made
    assert made in await rollbook.admin.connections.list()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"dialect": "klingon"}, "dialect"),
        ({"ip_allow_list": ["192.0.2.1/24"]}, "ip_allow_list"),
        ({"ip_allow_list": ["example.com"]}, "ip_allow_list"),
        ({"ip_allow_list": ["::/0"] * 101}, "ip_allow_list"),
        ({"redirect_uris": ["http://idp.example/"]}, "redirect_uris"),
        ({"redirect_uris": ["https://idp.example/#x"]}, "redirect_uris"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_uris"),
        ({"redirect_uris": ["https://[::1"]}, "redirect_uris"),
        ({"adoption": 7}, "adoption"),
    ],
)
async def test_what_is_wrong_is_named(
    rollbook: Provisioning, fields: dict[str, object], field: str
) -> None:
    given = Connection(**{"name": name(), **fields})  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError) as caught:
        await rollbook.admin.connections.create(given)
    assert (caught.value.reason, caught.value.field) == ("INVALID_VALUE", field)


async def test_names_are_unique(rollbook: Provisioning) -> None:
    taken = name()
    await rollbook.connect(taken)
    other, _ = await rollbook.connect(name())
    with pytest.raises(AlreadyExistsError):
        await rollbook.connect(taken)
    with pytest.raises(AlreadyExistsError):
        await rollbook.change(other, name=taken)


async def test_an_update_changes_what_its_mask_names(rollbook: Provisioning) -> None:
    made, _ = await rollbook.connect(name(), dialect="okta", ip_allow_list=["::/0"])
    update = rollbook.admin.connections.update
    changed = await update(
        Connection(id=made.id, name="not named", enabled=False), mask=["enabled"]
    )
    assert (changed.name, changed.enabled, changed.dialect) == (made.name, False, "okta")
    assert changed.etag != made.etag
    emptied = await update(Connection(id=made.id), mask=["dialect", "ip_allow_list"])
    assert (emptied.dialect, list(emptied.ip_allow_list)) == ("", [])
    set_now = await update(Connection(id=made.id, dialect="strict"))
    assert (set_now.dialect, set_now.enabled) == ("strict", False)
    whole = await update(Connection(id=made.id, name=made.name), mask=["*"])
    assert (whole.dialect, whole.enabled) == ("", True)
    same = await update(Connection(id=made.id, enabled=True), mask=["enabled"])
    assert same.etag == whole.etag


async def test_an_update_is_refused_that_cannot_be_made(rollbook: Provisioning) -> None:
    made, _ = await rollbook.connect(name())
    update = rollbook.admin.connections.update
    with pytest.raises(InvalidRequestError) as caught:
        await update(Connection(id=made.id), mask=["is_default"])
    assert caught.value.reason == "INVALID_PATH"
    with pytest.raises(ConflictError):
        await update(Connection(id=made.id, enabled=False), etag='W/"7"')
    for unknown in ("", "nonsense", str(uuid4())):
        with pytest.raises(NotFoundError) as missing:
            await update(Connection(id=unknown, enabled=False))
        assert missing.value.reason == "CONNECTION_NOT_FOUND"
    assert await rollbook.admin.connections.get(made.id) == made


async def test_validation_alone_writes_nothing(rollbook: Provisioning) -> None:
    before = await rollbook.admin.connections.list()
    await rollbook.admin.connections.create(Connection(name=name()), validate_only=True)
    assert await rollbook.admin.connections.list() == before


async def test_with_a_connection_its_tokens_go(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    assert (await client.get("/Users")).status == 200
    await rollbook.admin.connections.delete(made.id)
    assert (await client.get("/Users")).status == 401
    with pytest.raises(NotFoundError):
        await rollbook.admin.connections.get(made.id)
    tokens = [token async for token in rollbook.admin.tokens.list(show_ended=True)]
    assert next(each for each in tokens if each.name == made.name).HasField("revoke_time")


async def test_the_default_connection_stays(rollbook: Provisioning) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await rollbook.admin.connections.delete((await rollbook.default()).id)
    assert caught.value.reason == "CONNECTION_IS_DEFAULT"


async def test_a_token_names_a_connection_that_there_is(rollbook: Provisioning) -> None:
    with pytest.raises(NotFoundError):
        await rollbook.admin.tokens.create("x", ["scim"], connection_id=str(uuid4()))
    made, _ = await rollbook.connect(name())
    token = (await rollbook.admin.tokens.create("x", ["scim"], connection_id=made.id)).token
    assert token.connection_id == made.id
    rotated = await rollbook.admin.tokens.rotate(token.id)
    assert rotated.token.connection_id == made.id


async def test_what_an_administrator_switches_outlives_a_restart_but_no_change_of_settings(
    database_server: DatabaseServer,
) -> None:
    async def enabled_after(url: str, setting: bool | None, switch: bool | None = None) -> bool:
        scim = {} if setting is None else {"enabled": setting}
        async with (
            running_service(url, scim=scim) as address,
            RollbookClient(address, token=TOKEN) as admin,
        ):
            default = (await admin.connections.list())[0]
            if switch is not None:
                changed = Connection(id=default.id, enabled=switch)
                await admin.connections.update(changed, mask=["enabled"])
            return default.enabled

    async with database_server.database() as url:
        assert await enabled_after(url, None, switch=False)
        assert not await enabled_after(url, None)
        assert await enabled_after(url, setting=True, switch=False)
        assert not await enabled_after(url, setting=True)
        assert not await enabled_after(url, setting=False, switch=True)
        assert await enabled_after(url, setting=False)
        assert await enabled_after(url, None)


async def test_the_base_url_is_the_public_one(database_server: DatabaseServer) -> None:
    public = {"http_public_url": "https://id.acme.example", "http_prefix": "/api/scim/v2"}
    async with (
        database_server.database() as url,
        running_service(url, **public) as address,
        RollbookClient(address, token=TOKEN) as admin,
    ):
        (default,) = await admin.connections.list()
        assert default.base_url == "https://id.acme.example/api/scim/v2"


async def test_one_without_the_scope_sees_none(rollbook: Provisioning) -> None:
    made = await rollbook.admin.tokens.create("reader", ["directory.read"])
    async with RollbookClient(rollbook.address, token=made.secret) as reader:
        with pytest.raises(RollbookError) as caught:
            await reader.connections.list()
    assert caught.value.reason == "SCOPE_MISSING"
    async with RollbookClient(rollbook.address, token="rbk_nonsense") as nobody:
        with pytest.raises(UnauthenticatedError):
            await nobody.connections.list()
