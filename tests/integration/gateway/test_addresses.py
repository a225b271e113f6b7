"""Media types of answers, and the addresses in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.gateway import SCIM_JSON, assert_error, running_gateway
from tests.harness.samples import ID

if TYPE_CHECKING:
    from tests.harness.fake_service import FakeService
    from tests.harness.gateway import Client


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json", "application/json; charset=utf-8"),
        ("application/json;q=0.9, text/html", "application/json; charset=utf-8"),
        ("application/scim+json;q=0, application/json", "application/json; charset=utf-8"),
        ("application/json;q=0", SCIM_JSON),
        ("application/json, application/scim+json", SCIM_JSON),
        ("application/json, application/scim+json;q=0.1", SCIM_JSON),
        ("application/json, text/plain, */*", SCIM_JSON),
        ("text/html", SCIM_JSON),
        ("", SCIM_JSON),
    ],
)
async def test_plain_json_is_named_so_to_who_takes_nothing_else(
    client: Client, accept: str, media_type: str
) -> None:
    answer = await client.send("GET", f"/Users/{ID}", Accept=accept)
    assert answer.headers["Content-Type"] == media_type


@pytest.mark.parametrize(
    ("settings", "headers", "base_url"),
    [
        ({}, {"Host": "id.acme.example"}, "http://id.acme.example/scim/v2"),
        ({}, {"Host": "h", "X_Forwarded_Host": "evil"}, "http://h/scim/v2"),
        ({"http_public_url": "https://id"}, {"Host": "h"}, "https://id/scim/v2"),
        (
            {"http_trust_forwarded": True},
            {"X_Forwarded_Proto": "HTTPS, http", "X_Forwarded_Host": "id, h"},
            "https://id/scim/v2",
        ),
        (
            {"http_trust_forwarded": True},
            {"Host": "h", "X_Forwarded_Port": "8443", "X_Forwarded_Prefix": "/a/"},
            "http://h:8443/a/scim/v2",
        ),
        (
            {"http_trust_forwarded": True},
            {"Host": "h", "X_Forwarded_Proto": "https", "X_Forwarded_Port": "443"},
            "https://h/scim/v2",
        ),
    ],
)
async def test_addresses_begin_as_the_client_knows_them(
    fake: FakeService, settings: dict[str, Any], headers: dict[str, str], base_url: str
) -> None:
    async with running_gateway(fake.address, **settings) as client:
        answer = await client.send("GET", f"/Users/{ID}", **headers)
        assert answer.headers["Location"] == f"{base_url}/Users/{ID}"


async def test_the_prefix_can_be_another(fake: FakeService) -> None:
    async with running_gateway(fake.address, http_prefix="/id") as client:
        for prefix in ("/id", "/id/v2"):
            answer = await client.send("GET", f"/Users/{ID}", prefix=prefix)
            assert answer.headers["Location"] == f"{client.url}/id/Users/{ID}"


async def test_a_forwarded_host_that_is_none_is_refused(fake: FakeService) -> None:
    async with running_gateway(fake.address, http_trust_forwarded=True) as client:
        answer = await client.send("GET", f"/Users/{ID}", X_Forwarded_Host="a/b")
        assert_error(answer, 400, "invalidValue")
