"""What goes wrong, in the form of RFC 7644 §3.12."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import grpc
import pytest

from tests.harness.fake_service import Failure
from tests.harness.gateway import ERROR, assert_error, running_gateway
from tests.harness.samples import CREATE, DEACTIVATE, ID

if TYPE_CHECKING:
    from tests.harness.fake_service import FakeService
    from tests.harness.gateway import Client


@pytest.mark.parametrize(
    ("failure", "status", "scim_type"),
    [
        (Failure(grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND", "No."), 404, None),
        (Failure(grpc.StatusCode.ALREADY_EXISTS, "UNIQUENESS", "No."), 409, "uniqueness"),
        (Failure(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", "No."), 412, None),
        (Failure(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_VALUE", "No."), 400, "invalidValue"),
        (Failure(grpc.StatusCode.FAILED_PRECONDITION, "NO_TARGET", "No."), 400, "noTarget"),
        (Failure(grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING", "No."), 403, None),
        (Failure(grpc.StatusCode.ABORTED, "CONFLICT", "No."), 503, None),
        (Failure(grpc.StatusCode.INTERNAL, "INTERNAL", "secret"), 500, None),
        (Failure(grpc.StatusCode.UNKNOWN, "", "secret"), 500, None),
        (Failure(grpc.StatusCode.INVALID_ARGUMENT, "NEVER_HEARD_OF", "secret"), 500, None),
        (Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "", "secret"), 504, None),
        (Failure(grpc.StatusCode.UNIMPLEMENTED, "UNIMPLEMENTED", "No."), 501, None),
    ],
)
async def test_a_failed_call_is_answered_by_its_reason(
    client: Client, fake: FakeService, failure: Failure, status: int, scim_type: str | None
) -> None:
    fake.answers["PatchUser"] = failure
    answer = await client.send("PATCH", f"/Users/{ID}", DEACTIVATE)
    assert_error(answer, status, scim_type)
    assert b"secret" not in answer.text
    assert answer.headers["X-Request-Id"]


async def test_missing_credentials_are_401_with_the_schemes_to_use(
    client: Client, fake: FakeService
) -> None:
    fake.answers["ListUsers"] = Failure(
        grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_MISSING", "The call has no credentials."
    )
    answer = await client.send("GET", "/Users")
    assert_error(answer, 401)
    assert "authorization" not in fake.only_call.metadata
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="rollbook", Basic realm=')


@pytest.mark.parametrize(("seconds", "retry_after"), [(0, "1"), (0.2, "1"), (7.5, "8")])
async def test_who_may_try_again_is_told_when_in_whole_seconds(
    client: Client, fake: FakeService, seconds: float, retry_after: str
) -> None:
    fake.answers["CreateUser"] = Failure(
        grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "No.", retry_seconds=seconds
    )
    answer = await client.send("POST", "/Users", CREATE)
    assert_error(answer, 503)
    assert answer.headers["Retry-After"] == retry_after


async def test_reads_are_tried_again_and_writes_are_not(client: Client, fake: FakeService) -> None:
    unavailable = Failure(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "No.")
    fake.answers.update(GetUser=unavailable, DeleteUser=unavailable)
    assert_error(await client.send("GET", f"/Users/{ID}"), 503)
    assert len(fake.calls) == 3
    fake.calls.clear()
    assert_error(await client.send("DELETE", f"/Users/{ID}"), 503)
    assert len(fake.calls) == 1


async def test_a_service_too_slow_is_504(fake: FakeService) -> None:
    fake.delay = 1
    async with running_gateway(fake.address, http_request_timeout=0.1) as client:
        assert_error(await client.send("GET", f"/Users/{ID}"), 504)


async def test_a_service_that_is_away_is_503(fake: FakeService) -> None:
    async with running_gateway("unix:/nowhere.sock") as client:
        answer = await client.send("GET", f"/Users/{ID}")
        assert_error(answer, 503)
        assert answer.headers["Retry-After"] == "1"
        assert b"nowhere" not in answer.text
        assert (await client.send("GET", "/readyz", prefix="")).status == 503


async def test_a_fault_of_the_gateway_is_500_without_its_text(
    client: Client, fake: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("gateway.handlers.resources.resource_to_scim", fail)
    answer = await client.send("GET", f"/Users/{ID}")
    assert_error(answer, 500)
    assert b"secret" not in answer.text


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ("filter=userName+eq", "invalidFilter"),
        ("startIndex=x", "invalidValue"),
        ("attributes=a&excludedAttributes=b", "invalidValue"),
        ("filter=%ff", "invalidValue"),
        ("&".join(f"a{n}=" for n in range(101)), "invalidValue"),
    ],
)
async def test_a_malformed_query_is_400(
    client: Client, fake: FakeService, query: str, scim_type: str
) -> None:
    assert_error(await client.send("GET", f"/Users?{query}"), 400, scim_type)
    assert fake.was_asked_who_calls


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/Users?filter=userName+eq", None),
        ("HEAD", "/Groups?startIndex=x", None),
        ("POST", "/Users", b"{"),
        ("PUT", f"/Users/{ID}", b"[]"),
        ("PATCH", f"/Groups/{ID}", b""),
        ("POST", "/Bulk", b"{}"),
        ("POST", "/.search", b"{"),
    ],
)
async def test_who_may_not_come_in_is_not_told_what_is_wrong_with_a_request(
    client: Client, fake: FakeService, method: str, path: str, body: bytes | None
) -> None:
    fake.answers["GetSchemaSet"] = Failure(
        grpc.StatusCode.UNAUTHENTICATED, "CREDENTIALS_INVALID", "No."
    )
    answer = await client.send(method, path, body)
    assert answer.status == 401
    assert "WWW-Authenticate" in answer.headers


async def test_a_url_too_long_is_414_and_a_header_field_too_long_is_431(client: Client) -> None:
    assert_error(await client.send("GET", "/Users?filter=" + "x" * 40_000), 414)
    assert_error(await client.send("GET", "/Users", Accept="x" * 9_000), 431)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET /scim/v2/Users HTTP/1.1\r\nHost: h\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST /scim/v2/Users HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
        b"FLY /scim/v2/Users HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /scim/v2/Users HTTP/1.1\r\nHost: h h\r\nConnection: close\r\n\r\n",
        b"GET /scim/v2/Users HTTP/1.0\r\n\r\n",
        b"GET /scim/v2/Users/\xff HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    ],
)
async def test_what_is_hardly_http_is_refused_in_scims_form(
    client: Client, fake: FakeService, request_bytes: bytes
) -> None:
    head, _, body = (await client.raw(request_bytes)).partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert b"application/scim+json" in head
    assert json.loads(body)["schemas"] == [ERROR]
