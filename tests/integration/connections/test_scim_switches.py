"""What a connection's settings do to its SCIM requests, from the moment they are changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

from tests.harness.connections import provisioning
from tests.harness.scim import ScimClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.connections import Provisioning
    from tests.harness.database import DatabaseServer

REQUESTS: Final[tuple[tuple[str, str, Any], ...]] = (
    ("GET", "/Users", None),
    ("POST", "/Users", {"userName": "ada"}),
    ("PATCH", "/Groups/x", {"Operations": [{"op": "remove", "path": "externalId"}]}),
    ("POST", "/Bulk", {"Operations": [{"method": "DELETE", "path": "/Users/x"}]}),
    ("POST", "/.search", {}),
    ("GET", "/Schemas", None),
    ("GET", "/ServiceProviderConfig", None),
)

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:User"


def name() -> str:
    return uuid4().hex


async def test_switched_off_it_answers_403_to_everything_at_once(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    _, other = await rollbook.connect(name())
    assert (await client.get("/Users")).status == 200
    await rollbook.change(made, enabled=False)
    for method, path, body in REQUESTS:
        answer = await client.request(method, path, body)
        assert answer.status == 403, (method, path, answer.body)
        assert made.name in answer.body["detail"]
    assert (await other.get("/Users")).status == 200
    await rollbook.change(made, enabled=True)
    assert (await client.get("/Users")).status == 200


async def test_switched_off_it_answers_401_to_who_is_nobody(rollbook: Provisioning) -> None:
    made, _ = await rollbook.connect(name())
    await rollbook.change(made, enabled=False)
    async with ScimClient(rollbook.url, "rbk_nonsense") as nobody:
        for method, path, body in REQUESTS:
            assert (await nobody.request(method, path, body)).status == 401


async def test_grpc_goes_on_while_scim_is_off(rollbook: Provisioning) -> None:
    default = await rollbook.default()
    await rollbook.change(default, enabled=False)
    try:
        assert await rollbook.admin.users.count() >= 0
    finally:
        await rollbook.change(default, enabled=True)


@pytest.mark.parametrize(
    ("networks", "status"),
    [
        (["127.0.0.1"], 200),
        (["192.0.2.0/24", "127.0.0.0/8"], 200),
        (["192.0.2.0/24", "::/0"], 403),
    ],
)
async def test_requests_come_from_the_networks_that_are_allowed(
    rollbook: Provisioning, networks: list[str], status: int
) -> None:
    made, client = await rollbook.connect(name())
    await rollbook.change(made, ip_allow_list=networks)
    answer = await client.get("/Users")
    assert answer.status == status
    if status == 403:
        assert "127.0.0.1" in answer.body["detail"]
        assert made.name in answer.body["detail"]


@pytest.fixture(scope="module")
async def behind_a_proxy(database_server: DatabaseServer) -> AsyncIterator[Provisioning]:
    async with provisioning(database_server, http_trust_forwarded=True) as running:
        yield running


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ("192.0.2.7", 200),
        ("203.0.113.1, 192.0.2.7", 200),
        ("192.0.2.7, 203.0.113.1", 403),
        ("::ffff:192.0.2.7", 200),
        ("2001:db8::1", 403),
        ("nonsense", 403),
    ],
)
async def test_behind_a_proxy_its_word_counts(
    behind_a_proxy: Provisioning, forwarded: str, status: int
) -> None:
    _, client = await behind_a_proxy.connect(name(), ip_allow_list=["192.0.2.0/24"])
    headers = {"X-Forwarded-For": forwarded}
    assert (await client.request("GET", "/Users", headers=headers)).status == status


async def active_sent_as_text(client: ScimClient) -> int:
    body = {"schemas": [CORE], "userName": name(), "active": "False"}
    return (await client.post("/Users", body)).status


async def test_each_connection_has_its_dialect_from_its_first_request(
    rollbook: Provisioning,
) -> None:
    _, entra = await rollbook.connect(name(), dialect="entra")
    _, okta = await rollbook.connect(name(), dialect="okta")
    _, by_default = await rollbook.connect(name())
    for _ in range(2):
        assert await active_sent_as_text(entra) == 201
        assert await active_sent_as_text(okta) == 400
        assert await active_sent_as_text(by_default) == 201


async def test_a_change_of_dialect_shows_with_the_next_request(rollbook: Provisioning) -> None:
    made, client = await rollbook.connect(name())
    for dialect, status in (("okta", 400), ("entra", 201), ("strict", 400), ("lenient", 201)):
        await rollbook.change(made, dialect=dialect)
        assert await active_sent_as_text(client) == status, dialect


async def test_what_a_strict_gateway_refuses_a_lenient_connection_may_send(
    database_server: DatabaseServer,
) -> None:
    async with provisioning(database_server, scim_dialect="strict") as strict:
        _, lenient = await strict.connect(name(), dialect="lenient")
        _, by_default = await strict.connect(name())
        assert await active_sent_as_text(lenient) == 201
        assert await active_sent_as_text(by_default) == 400


async def interop(client: ScimClient, *, with_credentials: bool = True) -> bool:
    headers = {"Authorization": f"Bearer {client.token}"} if with_credentials else {}
    headers["User-Agent"] = "tests/1.0"
    answer = await client.send("GET", "/ServiceProviderConfig", headers=headers)
    assert answer.status == 200
    return bool(answer.body.get("interopProfileConformant", False))


async def test_the_configuration_that_is_shown_is_that_of_the_connection(
    rollbook: Provisioning,
) -> None:
    made, strict = await rollbook.connect(name(), dialect="strict")
    assert await interop(strict)
    assert not await interop(strict, with_credentials=False)
    await rollbook.change(made, dialect="")
    assert not await interop(strict)
