"""Which answers are packed."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiohttp import ClientSession

from rollbook.v1 import user_service_pb2 as users
from tests.harness.samples import ADA, ID

if TYPE_CHECKING:
    from tests.harness.fake_service import FakeService
    from tests.harness.gateway import Client

LARGE: Final = "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"


async def fetch(
    client: Client, path: str, method: str = "GET", **headers: str
) -> tuple[dict[str, str], bytes]:
    """Head and body as they were sent."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        ClientSession(auto_decompress=False, skip_auto_headers=("Accept-Encoding",)) as session,
        session.request(method, f"{client.url}/scim/v2{path}", headers=fields) as response,
    ):
        return dict(response.headers), await response.read()


async def test_a_large_answer_is_packed_for_a_client_that_accepts_it(client: Client) -> None:
    plain_head, plain = await fetch(client, LARGE)
    head, packed = await fetch(client, LARGE, Accept_Encoding="gzip,deflate")
    assert "Content-Encoding" not in plain_head
    assert head["Content-Encoding"] == "gzip"
    assert int(head["Content-Length"]) == len(packed) < len(plain) / 3
    assert gzip.decompress(packed) == plain
    assert head["Content-Type"] == plain_head["Content-Type"]


@pytest.mark.parametrize("accepted", ["deflate", "gzip;q=0", "identity"])
async def test_no_client_gets_what_it_does_not_accept(client: Client, accepted: str) -> None:
    head, body = await fetch(client, LARGE, Accept_Encoding=accepted)
    assert "Content-Encoding" not in head
    assert json.loads(body)["name"] == "User"


async def test_a_small_answer_is_sent_as_it_is(client: Client) -> None:
    head, body = await fetch(client, f"/Users/{ID}", Accept_Encoding="gzip")
    assert len(body) < 1024
    assert "Content-Encoding" not in head


async def test_a_very_large_answer_is_packed_too(client: Client, fake: FakeService) -> None:
    fake.answers["ListUsers"] = users.ListUsersResponse(users=[ADA] * 1000, total_size=1000)
    head, body = await fetch(client, "/Users", Accept_Encoding="gzip")
    assert head["Content-Encoding"] == "gzip"
    answer: dict[str, Any] = json.loads(gzip.decompress(body))
    assert len(gzip.decompress(body)) > 200_000
    assert len(answer["Resources"]) == 1000


async def test_head_tells_of_the_packed_answer(client: Client) -> None:
    get, _ = await fetch(client, LARGE, Accept_Encoding="gzip")
    head, body = await fetch(client, LARGE, "HEAD", Accept_Encoding="gzip")
    assert body == b""
    for name in ("Content-Encoding", "Content-Length", "Content-Type"):
        assert head[name] == get[name]


@pytest.mark.parametrize("path", [LARGE, f"/Users/{ID}", "/Nothing"])
async def test_every_answer_says_what_its_form_depends_on(client: Client, path: str) -> None:
    head, _ = await fetch(client, path)
    assert head["Vary"] == "Accept, Accept-Encoding"
