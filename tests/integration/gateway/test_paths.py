"""Paths and methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from yarl import URL

from tests.harness.gateway import assert_error
from tests.harness.samples import ID

if TYPE_CHECKING:
    from tests.harness.fake_service import FakeService
    from tests.harness.gateway import Client


@pytest.mark.parametrize(
    "path",
    [
        f"/scim/v2/Users/{ID}",
        f"/scim/v2/Users/{ID}/",
        f"//scim//v2//Users//{ID}",
        f"/scim/v2/Users/{ID}.scim",
        f"/scim/Users/{ID}",
        f"/scim/V2/Users/{ID}",
        f"/scim/v2/Users/{ID.replace('-', '%2D')}",
        f"/scim/v2/Users/{ID}?aadOptscim062020",
    ],
)
async def test_a_path_may_be_written_in_several_ways(
    client: Client, fake: FakeService, path: str
) -> None:
    async with client.session.get(URL(client.url + path, encoded=True)) as response:
        assert response.status == 200
        assert response.headers["Location"] == f"{client.url}/scim/v2/Users/{ID}"
    assert fake.only_call.request.id == ID


@pytest.mark.parametrize(
    "path", ["/Nothing", "/users", "/Users/a/b", "/Schemas/urn:nope", "/ResourceTypes/x", "/%ff"]
)
async def test_what_is_not_there_is_404_in_scims_form(client: Client, path: str) -> None:
    assert_error(await client.send("GET", path), 404)


async def test_a_path_outside_the_prefix_is_404_and_says_where_scim_is(client: Client) -> None:
    answer = await client.send("GET", "/elsewhere", prefix="")
    assert_error(answer, 404)
    assert "/scim/v2" in answer.json["detail"]


async def test_another_version_of_the_protocol_is_refused(client: Client) -> None:
    assert_error(await client.send("GET", "/Users", prefix="/scim/v1"), 400, "invalidVers")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/Users", "GET, POST, HEAD, OPTIONS"),
        ("POST", f"/Users/{ID}", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("GET", "/Users/.search", "POST, OPTIONS"),
        ("POST", "/Schemas", "GET, HEAD, OPTIONS"),
        ("PROPFIND", "/ServiceProviderConfig", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_method_that_an_endpoint_lacks_is_405_with_those_it_has(
    client: Client, fake: FakeService, method: str, path: str, allow: str
) -> None:
    answer = await client.send(method, path)
    assert_error(answer, 405)
    assert answer.headers["Allow"] == allow
    assert not fake.calls


async def test_options_of_the_server_as_a_whole_is_answered(client: Client) -> None:
    answer = await client.raw(b"OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 204")


async def test_options_tells_the_methods(client: Client) -> None:
    answer = await client.send("OPTIONS", "/Users")
    assert (answer.status, answer.headers["Allow"]) == (204, "GET, POST, HEAD, OPTIONS")


async def test_nobody_can_register(client: Client) -> None:
    assert_error(await client.send("POST", "/Me"), 501)
