"""What the body of a bulk request asks for, and how its results are shown."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from gateway.scim.bulk import (
    BULK_REQUEST_SCHEMA,
    bulk_from_scim,
    bulk_response,
    operation_from_scim,
)
from gateway.scim.dialects import LENIENT, STRICT, Reading
from gateway.scim.errors import ScimError
from rollbook.v1.directory_service_pb2 import BulkOperation, BulkResult, OperationError
from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.group_pb2 import Group
from rollbook.v1.group_service_pb2 import UpdateGroupRequest
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest, DeleteUserRequest

BASE = "https://id.acme.example/scim/v2"
USER = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"}
GROUP = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Staff"}
CREATION: dict[str, Any] = {"method": "POST", "path": "/Users", "bulkId": "u", "data": USER}


def request_with(*operations: Any, **more: Any) -> dict[str, Any]:
    return {"schemas": [BULK_REQUEST_SCHEMA], "Operations": list(operations), **more}


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (
            CREATION,
            BulkOperation(bulk_id="u", create_user=CreateUserRequest(user=User(user_name="ada"))),
        ),
        (
            {"METHOD": "PUT", "Path": "/Groups/7", "version": 'W/"3"', "data": GROUP},
            BulkOperation(
                update_group=UpdateGroupRequest(
                    group=Group(id="7", display_name="Staff"),
                    update_mask=FieldMask(paths=["*"]),
                    etag='W/"3"',
                )
            ),
        ),
        (
            {"method": "DELETE", "path": "Users/bulkId:u/", "bulkId": "d", "data": None},
            BulkOperation(bulk_id="d", delete_user=DeleteUserRequest(id="bulkId:u")),
        ),
        (
            {"method": "DELETE", "path": "/Users/a%2Fb"},
            BulkOperation(delete_user=DeleteUserRequest(id="a/b")),
        ),
    ],
)
def test_an_operation_is_a_message(operation: dict[str, Any], message: BulkOperation) -> None:
    read = operation_from_scim(operation, STRICT)
    assert read.error is None
    assert read.message == message


def test_a_patch_is_read_like_one_of_its_own() -> None:
    data = {"Operations": [{"op": "Add", "path": "nickName", "value": "Dee"}]}
    read = operation_from_scim({"method": "PATCH", "path": "/Users/7", "data": data}, LENIENT)
    (operation,) = read.message.patch_user.operations
    assert operation.user.nick_name == "Dee"
    assert list(read.message.tolerances) == ["MISSING_SCHEMAS", "OPERATION_CASE"]


@pytest.mark.parametrize(
    ("operation", "status", "words"),
    [
        (7, 400, "JSON object"),
        ({}, 400, "method"),
        ({**CREATION, "method": "GET"}, 400, "'GET'"),
        ({**CREATION, "method": "post"}, 400, "'post'"),
        ({**CREATION, "method": None}, 400, "method"),
        ({**CREATION, "method": ["POST"]}, 400, "method must be a string"),
        ({**CREATION, "METHOD": "POST"}, 400, "occurs twice"),
        ({**CREATION, "bulkId": None}, 400, "bulkId"),
        ({**CREATION, "bulkId": ""}, 400, "bulkId"),
        ({**CREATION, "bulkId": 7}, 400, "bulkId must be a string"),
        ({**CREATION, "path": None}, 400, "path"),
        ({**CREATION, "path": "/"}, 404, "'/'"),
        ({**CREATION, "path": "/Nope"}, 404, "'/Nope'"),
        ({**CREATION, "path": "/Users/1/2"}, 404, "'/Users/1/2'"),
        ({**CREATION, "path": "/Users/7"}, 400, "without an id"),
        ({**CREATION, "path": "/Bulk"}, 400, "another one"),
        ({**CREATION, "method": "DELETE"}, 400, "/Users/ and its id"),
        ({**CREATION, "data": None}, 400, "POST needs data"),
        ({**CREATION, "data": []}, 400, "JSON object"),
        ({**CREATION, "data": {**USER, "active": "x"}}, 400, "active"),
        ({"method": "PATCH", "path": "/Users/7", "data": {}}, 400, "Operations"),
        ({"method": "DELETE", "path": "/Users/7", "version": 3}, 400, "version"),
    ],
)
def test_what_cannot_be_read_fails_in_its_turn(operation: Any, status: int, words: str) -> None:
    read = operation_from_scim(operation, LENIENT)
    assert read.error is not None
    assert (read.error.status, read.message.WhichOneof("operation")) == (status, "refused")
    assert words in read.error.detail
    assert words in read.message.refused.message


@pytest.mark.parametrize(
    ("more", "limit"),
    [
        ({}, 0),
        ({"failOnErrors": None}, 0),
        ({"failonerrors": 3}, 3),
        ({"failOnErrors": "3"}, 3),
        ({"failOnErrors": 0}, 0),
        ({"failOnErrors": 10**30}, 0),
    ],
)
def test_the_number_of_errors_may_be_limited(more: dict[str, Any], limit: int) -> None:
    body = bulk_from_scim(request_with(CREATION, **more), Reading(LENIENT))
    assert (body.operations, body.fail_on_errors) == ([CREATION], limit)


@pytest.mark.parametrize(
    ("body", "status", "scim_type", "words"),
    [
        ([], 400, "invalidSyntax", "JSON object"),
        ({"schemas": [BULK_REQUEST_SCHEMA]}, 400, "invalidSyntax", "Operations"),
        (request_with(), 400, "invalidSyntax", "Operations"),
        (request_with(CREATION, operations=[]), 400, "invalidSyntax", "occurs twice"),
        (request_with(*[CREATION] * 1001), 413, None, "maxOperations (1000)"),
        (request_with(CREATION, failOnErrors=-1), 400, "invalidValue", "failOnErrors"),
        (request_with(CREATION, failOnErrors=True), 400, "invalidValue", "failOnErrors"),
        (request_with(CREATION, failOnErrors=1.5), 400, "invalidValue", "failOnErrors"),
        (request_with(CREATION, failOnErrors="two"), 400, "invalidValue", "failOnErrors"),
        (request_with(CREATION, failOnErrors="9" * 5000), 400, "invalidValue", "failOnErrors"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    body: Any, status: int, scim_type: str | None, words: str
) -> None:
    with pytest.raises(ScimError) as refused:
        bulk_from_scim(body, Reading(LENIENT))
    assert (refused.value.status, refused.value.scim_type) == (status, scim_type)
    assert words in refused.value.detail


@pytest.mark.parametrize(
    "body", [{"Operations": [CREATION]}, request_with(CREATION, failOnErrors="3")]
)
def test_habits_are_not_tolerated_by_the_strict(body: dict[str, Any]) -> None:
    with pytest.raises(ScimError):
        bulk_from_scim(body, Reading(STRICT))


def shown(operation: dict[str, Any], **result: Any) -> Any:
    read = operation_from_scim(operation, LENIENT)
    body: Any = bulk_response([read], [BulkResult(**result)], BASE)
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]
    (element,) = body["Operations"]
    return element


DELETION = {"method": "DELETE", "path": "/Users/bulkId:u", "bulkId": "d"}
TAKEN = OperationError(reason=ErrorReason.ERROR_REASON_UNIQUENESS, message="It is taken.")


def test_what_was_created_is_shown_with_its_address() -> None:
    assert shown(CREATION, id="7", etag='W/"1"') == {
        "location": f"{BASE}/Users/7",
        "method": "POST",
        "bulkId": "u",
        "version": 'W/"1"',
        "status": "201",
    }


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"method": "PUT", "path": "/Users/7", "data": USER}, "200"),
        ({"method": "PATCH", "path": "/Groups/7", "data": {"Operations": [{"op": "add"}]}}, "400"),
        (DELETION, "204"),
    ],
)
def test_every_method_has_its_status(operation: dict[str, Any], status: str) -> None:
    assert shown(operation, id="7")["status"] == status


def test_a_failed_creation_has_no_address() -> None:
    assert shown(CREATION, error=TAKEN) == {
        "method": "POST",
        "bulkId": "u",
        "status": "409",
        "response": {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "409",
            "scimType": "uniqueness",
            "detail": "It is taken.",
        },
    }


def test_the_address_of_a_reference_that_led_nowhere_is_the_path() -> None:
    element = shown(DELETION, error=OperationError(reason=ErrorReason.ERROR_REASON_BULK_REFERENCE))
    assert (element["location"], element["status"]) == (f"{BASE}/Users/bulkId:u", "409")
    assert shown(DELETION, id="7")["location"] == f"{BASE}/Users/7"


def test_what_could_not_be_read_is_answered_with_the_reason() -> None:
    element = shown({**CREATION, "path": "/Nope"}, error=OperationError(message="Refused."))
    assert (element["status"], element["method"], element["bulkId"]) == ("404", "POST", "u")
    assert "'/Nope'" in element["response"]["detail"]


def test_a_reason_of_a_newer_service_is_500() -> None:
    newer: Any = 4711
    assert shown(CREATION, error=OperationError(reason=newer))["status"] == "500"
