"""Where an id may stand in a write, a reference to a creation may."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format

from rollbook.v1.directory_service_pb2 import BulkOperation, BulkRequest
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain import bulk
from service.domain.bulk import Plan, Progress
from service.domain.bulk_references import Footprint, footprint, map_ids
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from google.protobuf.message import Message

ANN = "bulkId:ann"
MANAGED = {"enterprise": {"manager": {"value": ANN}}}
VALUE_IS_ANN = {
    "comparison": {
        "path": {"attribute": "value"},
        "operator": "COMPARISON_OPERATOR_EQUAL",
        "value": {"string": ANN},
    }
}


def parsed(content: dict[str, Any]) -> BulkOperation:
    return json_format.ParseDict(content, BulkOperation())


def shown(message: Message) -> dict[str, Any]:
    return json_format.MessageToDict(message)


def patch(attribute: str, **operation: Any) -> dict[str, Any]:
    path = {"attribute": {"attribute": attribute}, **operation.pop("path", {})}
    return {"id": "X", "operations": [{"op": "PATCH_OP_ADD", "path": path, **operation}]}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"createUser": {"user": {"userName": "u", **MANAGED}}}, id="manager"),
        pytest.param({"createGroup": {"group": {"members": [{"value": ANN}]}}}, id="member"),
        pytest.param({"updateUser": {"user": {"id": "X", **MANAGED}}}, id="manager of an update"),
        pytest.param({"updateGroup": {"group": {"id": ANN, "displayName": "g"}}}, id="update"),
        pytest.param({"patchUser": {"id": ANN}}, id="patch"),
        pytest.param({"deleteGroup": {"id": ANN}}, id="delete"),
        pytest.param({"patchUser": patch("manager", user=MANAGED)}, id="manager of a patch"),
        pytest.param(
            {"patchGroup": patch("members", group={"members": [{"value": ANN}]})},
            id="member of a patch",
        ),
        pytest.param(
            {"patchGroup": patch("members", path={"filter": VALUE_IS_ANN})}, id="filter of a patch"
        ),
        pytest.param(
            {"patchGroup": patch("members", path={"filter": {"not": VALUE_IS_ANN}})},
            id="negation in a filter",
        ),
        pytest.param(
            {"patchGroup": patch("members", path={"filter": {"or": {"filters": [VALUE_IS_ANN]}}})},
            id="disjunction in a filter",
        ),
    ],
)
def test_references_are_replaced(content: dict[str, Any]) -> None:
    operation = parsed(content)
    seen = footprint(operation)
    assert ANN in seen.mentions | {seen.target}
    map_ids(operation, lambda text: text.replace(ANN, "the-id"))
    assert shown(operation) == shown(parsed(json.loads(json.dumps(content).replace(ANN, "the-id"))))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"createUser": {"user": {"userName": ANN, "externalId": ANN}}}, id="user"),
        pytest.param({"createUser": {"user": {"groups": [{"value": ANN}]}}}, id="read-only"),
        pytest.param({"createUser": {"user": {"emails": [{"value": ANN}]}}}, id="e-mail"),
        pytest.param(
            {"patchUser": patch("emails", path={"filter": VALUE_IS_ANN})}, id="filter of e-mails"
        ),
        pytest.param({"refused": {"message": ANN}}, id="refused"),
        pytest.param({}, id="nothing"),
    ],
)
def test_other_texts_are_left_alone(content: dict[str, Any]) -> None:
    operation = parsed(content)
    assert ANN not in footprint(operation).mentions
    map_ids(operation, lambda text: text.replace(ANN, "the-id"))
    assert operation == parsed(content)


def test_a_footprint_tells_what_an_operation_is_about() -> None:
    creation = parsed({"bulkId": "g", "createGroup": {"group": {"members": [{"value": "M"}]}}})
    assert footprint(creation) == Footprint("bulkId:g", frozenset({"M"}), creates=True)
    assert footprint(parsed({"deleteUser": {"id": "X"}})) == Footprint(
        "X", frozenset(), deletes=True
    )
    assert footprint(parsed({"createUser": {}})) == Footprint("", frozenset(), creates=True)


def progress_of(*operations: dict[str, Any]) -> Progress:
    request = BulkRequest(operations=map(parsed, operations))
    bulk.check(request)
    return Progress(Plan.of(request))


@pytest.mark.parametrize(
    ("operation", "reason", "words"),
    [
        ({"deleteUser": {"id": ANN}}, "BULK_REFERENCE", "bulkId:ann was not created"),
        ({"deleteUser": {"id": "bulkId:bob"}}, "BULK_REFERENCE", "No operation"),
        ({}, "INVALID_VALUE", "does not say what to do"),
        ({"createUser": {"validateOnly": True}}, "INVALID_VALUE", "validate_only"),
        ({"createUser": {"requestId": "x"}}, "INVALID_VALUE", "request_id"),
        ({"createUser": {"readMask": "id"}}, "INVALID_VALUE", "read_mask"),
        ({"createUser": {}, "tolerances": ["a\0b"]}, "INVALID_VALUE", "tolerances"),
        ({"createUser": {}, "tolerances": ["A"] * 51}, "INVALID_VALUE", "tolerances"),
        (
            {"refused": {"reason": "ERROR_REASON_INVALID_PATH", "message": "No such path."}},
            "INVALID_PATH",
            "No such path.",
        ),
        ({"refused": {"reason": 4711, "message": "New."}}, "INVALID_SYNTAX", "New."),
        ({"refused": {"message": "Why?"}}, "INVALID_SYNTAX", "Why?"),
    ],
)
def test_what_cannot_be_done_is_told(operation: dict[str, Any], reason: str, words: str) -> None:
    progress = progress_of({"bulkId": "ann", "createUser": {}}, operation)
    with pytest.raises(DomainError) as refused:
        progress.resolved(1)
    assert refused.value.reason == ErrorReason.Value(f"ERROR_REASON_{reason}")
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"operations": [{}] * 1001}, "TOO_MANY"),
        ({"operations": [{"bulkId": "a"}, {"bulkId": "b"}, {"bulkId": "a"}]}, "INVALID_SYNTAX"),
        ({"failOnErrors": -1}, "INVALID_VALUE"),
    ],
)
def test_what_makes_no_sense_as_a_whole_is_refused(request_: dict[str, Any], reason: str) -> None:
    with pytest.raises(DomainError) as refused:
        bulk.check(json_format.ParseDict(request_, BulkRequest()))
    assert refused.value.reason == ErrorReason.Value(f"ERROR_REASON_{reason}")


def test_operations_without_a_name_do_not_clash() -> None:
    bulk.check(BulkRequest(operations=[BulkOperation()] * 1000))
