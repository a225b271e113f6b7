"""Bulk requests over HTTP: one request is one call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import grpc
import pytest

from rollbook.v1.directory_service_pb2 import BulkResponse, BulkResult
from tests.harness.fake_service import Failure
from tests.harness.gateway import assert_error
from tests.harness.samples import CREATE, ID

if TYPE_CHECKING:
    from tests.harness.fake_service import FakeService
    from tests.harness.gateway import Client

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
CREATION: Final = {"method": "POST", "path": "/Users", "bulkId": "u", "data": CREATE}
LIMIT: Final = 4 * 1024 * 1024


def body(*operations: Any, **more: Any) -> dict[str, Any]:
    return {"schemas": [SCHEMA], "Operations": list(operations), **more}


async def test_a_bulk_is_one_call(client: Client, fake: FakeService) -> None:
    results = [BulkResult(index=0, id=ID, etag='W/"1"'), BulkResult(index=1, id=ID)]
    fake.answers["Bulk"] = BulkResponse(results=results)
    key = "8c3dd1a0-3bd1-4b8a-8f5e-3e1d9d7a6f10"
    answer = await client.send(
        "POST",
        "/Bulk",
        body(CREATION, {"method": "DELETE", "path": f"/Users/{ID}"}, failOnErrors=2),
        Authorization="Bearer t",
        Idempotency_Key=key,
    )
    assert answer.status == 200
    assert [each["status"] for each in answer.json["Operations"]] == ["201", "204"]
    assert answer.json["Operations"][0]["location"] == f"{client.url}/scim/v2/Users/{ID}"
    call = fake.only_call
    assert (call.method, call.request.fail_on_errors, call.request.request_id) == ("Bulk", 2, key)
    assert call.metadata["authorization"] == "Bearer t"
    assert "rollbook-tolerances" not in call.metadata


async def test_habits_are_told_of_the_operation_that_has_them(
    client: Client, fake: FakeService
) -> None:
    odd = {**CREATION, "bulkId": "v", "data": {**CREATE, "active": "True"}}
    await client.send("POST", "/Bulk", {"Operations": [CREATION, odd]})
    call = fake.only_call
    assert call.metadata["rollbook-tolerances"] == "MISSING_SCHEMAS"
    assert [list(each.tolerances) for each in call.request.operations] == [[], ["STRING_BOOLEAN"]]


async def test_too_many_operations_are_413_by_the_name_of_the_limit(
    client: Client, fake: FakeService
) -> None:
    answer = await client.send("POST", "/Bulk", body(*[CREATION] * 1001))
    assert_error(answer, 413)
    assert "maxOperations (1000)" in answer.json["detail"]
    assert not fake.calls


async def test_a_body_up_to_the_limit_of_bulk_requests_is_taken(
    client: Client, fake: FakeService
) -> None:
    text = json.dumps(body(CREATION)).encode()
    answer = await client.send("POST", "/Bulk", text + b" " * (LIMIT - len(text)))
    assert answer.status == 200
    assert fake.only_call.method == "Bulk"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_larger_body_is_413_by_the_name_of_the_limit(
    client: Client, fake: FakeService, chunked: bool
) -> None:
    text = json.dumps(body(CREATION)).encode()
    large = text + b" " * (LIMIT - len(text) + 1)

    async def pieces() -> Any:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    answer = await client.send("POST", "/Bulk", pieces() if chunked else large)
    assert_error(answer, 413)
    assert f"maxPayloadSize ({LIMIT})" in answer.json["detail"]
    assert not fake.calls


async def test_a_failed_call_is_the_answer(client: Client, fake: FakeService) -> None:
    fake.answers["Bulk"] = Failure(
        grpc.StatusCode.INVALID_ARGUMENT, "INVALID_SYNTAX", "The bulkId 'u' is given twice."
    )
    assert_error(await client.send("POST", "/Bulk", body(CREATION)), 400, "invalidSyntax")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_nothing_but_post_is_possible(client: Client, method: str) -> None:
    answer = await client.send(method, "/Bulk")
    assert_error(answer, 405)
    assert answer.headers["Allow"] == "POST, OPTIONS"


async def test_a_bulk_may_take_longer_than_other_requests(
    client: Client, fake: FakeService
) -> None:
    await client.send("POST", "/Bulk", body(CREATION))
    await client.send("GET", "/Users")
    bulk, listing = fake.calls
    assert bulk.time_remaining > listing.time_remaining + 10
