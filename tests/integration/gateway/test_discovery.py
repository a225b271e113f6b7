"""Discovery, health, and where the calls go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from grpc_health.v1 import health_pb2

from tests.harness.fake_service import running_fake_service
from tests.harness.gateway import assert_error, running_gateway
from tests.harness.samples import ID, USER_SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.fake_service import FakeService
    from tests.harness.gateway import Client


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/ServiceProviderConfig", "ServiceProviderConfig"),
        ("/ServiceProviderConfigs", "ServiceProviderConfig"),
        ("/serviceConfiguration", "ServiceProviderConfig"),
        ("/ResourceTypes/User", "ResourceType"),
        (f"/Schemas/{USER_SCHEMA}", "Schema"),
        (f"/Schemas/{USER_SCHEMA.upper().replace(':', '%3A')}", "Schema"),
    ],
)
async def test_discovery_needs_no_credentials_and_no_service(
    client: Client, fake: FakeService, path: str, kind: str
) -> None:
    answer = await client.send("GET", path)
    assert answer.status == 200
    assert answer.json["meta"]["resourceType"] == kind
    assert answer.json["meta"]["location"].startswith(f"{client.url}/scim/v2/{kind}")
    for name in ("Location", "Content-Location"):
        assert answer.headers[name] == answer.json["meta"]["location"]
    assert not fake.calls


@pytest.mark.parametrize("path", ["/ResourceTypes", "/Schemas"])
async def test_discovery_lists(client: Client, path: str) -> None:
    answer = await client.send("GET", path)
    assert answer.json["totalResults"] == len(answer.json["Resources"]) >= 2


@pytest.mark.parametrize(
    "path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/ResourceTypes/User"]
)
async def test_discovery_cannot_be_filtered(client: Client, path: str) -> None:
    assert_error(await client.send("GET", f"{path}?Filter=name+pr"), 403)


async def test_health_and_readiness(client: Client, fake: FakeService) -> None:
    alive = await client.send("GET", "/healthz", prefix="")
    assert (alive.status, alive.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert (await client.send("GET", "/readyz", prefix="")).status == 200
    await fake.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    try:
        assert (await client.send("GET", "/readyz", prefix="")).status == 503
    finally:
        await fake.health.set("", health_pb2.HealthCheckResponse.SERVING)
    client.gateway.draining = True
    try:
        assert (await client.send("GET", "/readyz", prefix="")).status == 503
        assert (await client.send("GET", "/healthz", prefix="")).status == 200
    finally:
        client.gateway.draining = False


async def test_the_root_says_where_scim_is(client: Client) -> None:
    answer = await client.send("GET", "/", prefix="")
    assert answer.json["scim"] == f"{client.url}/scim/v2"


async def test_calls_go_to_all_addresses_of_the_service(tmp_path: Path) -> None:
    first, second = (f"unix:{tmp_path}/{number}" for number in range(2))
    async with (
        running_fake_service(first) as one,
        running_fake_service(second) as two,
        running_gateway(f"{first}, {second}") as client,
    ):
        for _ in range(20):
            await client.send("DELETE", f"/Users/{ID}")
        assert one.calls
        assert two.calls
        await one.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        await asyncio.sleep(0.1)
        one.calls.clear()
        for _ in range(10):
            assert (await client.send("DELETE", f"/Users/{ID}")).status == 204
        assert not one.calls
