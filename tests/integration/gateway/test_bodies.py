"""What bodies are taken, and how large ones and slow ones are refused."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.harness.gateway import assert_error, running_gateway
from tests.harness.samples import CREATE, ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.harness.fake_service import FakeService
    from tests.harness.gateway import Client

PACKED: Final = gzip.compress(b"{}")


def packed(body: bytes) -> bytes:
    """As small as gzip can make it."""
    return gzip.compress(body, 9)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/scim+json",
        "application/json",
        "text/json",
        "Application/SCIM+JSON; Charset=UTF-8",
        'application/json;charset="utf-8"; x=y',
    ],
)
async def test_json_is_taken_under_its_various_names(client: Client, media_type: str) -> None:
    answer = await client.send("POST", "/Users", CREATE, Content_Type=media_type)
    assert answer.status == 201


async def test_a_body_without_a_type_is_taken_for_json(client: Client) -> None:
    body = json.dumps(CREATE).encode()
    head = f"POST /scim/v2/Users HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n"
    answer = await client.raw(head.encode() + b"Connection: close\r\n\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 201")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=iso-8859-1"},
    ],
)
async def test_what_is_no_json_in_utf_8_is_415(
    client: Client, fake: FakeService, headers: dict[str, str]
) -> None:
    assert_error(await client.send("POST", "/Users", CREATE, **headers), 415)
    assert fake.was_asked_who_calls


@pytest.mark.parametrize("coding", ["deflate", "br", "compress", "gzip, gzip", "nonsense"])
async def test_a_body_that_is_packed_in_another_way_than_gzip_is_415(
    client: Client, fake: FakeService, coding: str
) -> None:
    answer = await client.send("POST", "/Users", CREATE, Content_Encoding=coding)
    assert_error(answer, 415)
    assert coding in answer.json["detail"]
    assert answer.headers["Accept-Encoding"] == "gzip"
    assert fake.was_asked_who_calls


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'{"a":1,"a":2}', b"\xff", b"NaN"])
async def test_a_malformed_body_is_invalid_syntax(
    client: Client, fake: FakeService, body: bytes
) -> None:
    for method, path in [("POST", "/Users"), ("PUT", f"/Users/{ID}"), ("PATCH", f"/Groups/{ID}")]:
        assert_error(await client.send(method, path, body), 400, "invalidSyntax")
    assert fake.was_asked_who_calls


async def test_a_body_over_the_limit_is_413_that_names_the_limit(
    client: Client, fake: FakeService
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 1024

    for body in (b" " * 4097, chunks()):
        answer = await client.send("POST", "/Users", body)
        assert_error(answer, 413)
        assert "4096" in answer.json["detail"]
    assert not fake.calls


@pytest.mark.parametrize("size", [4097, 1_000_000, 100_000_000])
async def test_a_body_that_grows_over_the_limit_when_unpacked_is_413(
    client: Client, fake: FakeService, size: int
) -> None:
    answer = await client.send("POST", "/Users", packed(b" " * size), Content_Encoding="gzip")
    assert_error(answer, 413)
    assert "4096" in answer.json["detail"]
    assert not fake.calls


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
async def test_a_packed_body_is_unpacked(client: Client, coding: str) -> None:
    body = gzip.compress(json.dumps(CREATE).encode())

    async def bytewise() -> AsyncIterator[bytes]:
        for number in body:
            yield bytes([number])

    for sent in (body, bytewise()):
        answer = await client.send("POST", "/Users", sent, Content_Encoding=coding)
        assert answer.status == 201


async def test_the_coding_identity_is_none(client: Client) -> None:
    answer = await client.send("POST", "/Users", CREATE, Content_Encoding="identity")
    assert answer.status == 201


@pytest.mark.parametrize(
    "body",
    [b"{}", b"", PACKED[:-1], PACKED + b"x", PACKED + PACKED, PACKED[:-8] + b"\0" * 8],
    ids=["plain", "empty", "cut short", "with more", "twice", "of another checksum"],
)
async def test_a_body_that_is_not_packed_as_said_is_invalid_syntax(
    client: Client, body: bytes
) -> None:
    answer = await client.send("POST", "/Users", body, Content_Encoding="gzip")
    assert_error(answer, 400, "invalidSyntax")
    assert "gzip" in answer.json["detail"]


async def test_a_client_that_waits_to_send_is_told_to_go_on(client: Client) -> None:
    assert (await client.send("POST", "/Users", CREATE, Expect="100-continue")).status == 201


async def test_a_client_that_waits_is_not_asked_for_a_body_too_large(client: Client) -> None:
    head = b"POST /scim/v2/Users HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
    reader, writer = await asyncio.open_connection(*client.url.removeprefix("http://").split(":"))
    writer.write(head + b"Content-Length: 5000\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_another_expectation_is_417(client: Client) -> None:
    assert_error(await client.send("POST", "/Users", CREATE, Expect="miracles"), 417)


async def test_a_client_too_slow_to_send_its_body_is_408(fake: FakeService) -> None:
    async with running_gateway(fake.address, http_body_timeout=0.1) as client:
        head = b"POST /scim/v2/Users HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n{"
        host, port = client.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(head)
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 408")
        writer.close()
