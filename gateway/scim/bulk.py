"""Bulk requests (RFC 7644 §3.7) ↔ operations of one call: what each operation asks is read by the
same functions as a request of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from google.rpc.code_pb2 import INVALID_ARGUMENT

from gateway.scim.assignment import refuse_duplicates
from gateway.scim.bulk_paths import Target, target_of
from gateway.scim.dialects import Reading, Tolerance
from gateway.scim.errors import ScimError, from_reason, invalid_syntax, invalid_value
from gateway.scim.patch import operations_from_scim
from gateway.scim.translation import resource_from_scim
from gateway.scim.values import kind_of
from rollbook.limits import MAX_BULK_OPERATIONS
from rollbook.schema_sets import DEFAULT, transfer
from rollbook.v1.directory_service_pb2 import BulkOperation, OperationError
from rollbook.v1.error_reason_pb2 import ErrorReason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.scim.dialects import Dialect
    from rollbook.schema_sets import SchemaSet
    from rollbook.v1.directory_service_pb2 import BulkResult

BULK_REQUEST_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

MAX_BULK_PAYLOAD: Final = 4 * 1024 * 1024
"""How large a bulk request is, in bytes; the service takes more than that in one call."""

_VERBS: Final[Mapping[str, str]] = {
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_STATUS: Final[Mapping[str, int]] = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}

_MAX_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class BulkBody:
    """A bulk request whose operations are yet to be read; `fail_on_errors` is 0 for no limit."""

    operations: Sequence[object]
    fail_on_errors: int


@dataclass(slots=True)
class Operation:
    """One operation: the message for the call, and what its result is answered with. `error` is
    why it could not be read; it takes part all the same, as one that fails."""

    method: str = ""
    target: Target | None = None
    message: BulkOperation = field(default_factory=BulkOperation)
    error: ScimError | None = None


def payload_too_large() -> ScimError:
    """413: the body is over the limit, which has to be named (RFC 7644 §3.7.4)."""
    return ScimError(
        413,
        "The size of the bulk request exceeds the maxPayloadSize"
        f" ({MAX_BULK_PAYLOAD}); send the operations in several requests.",
    )


def bulk_from_scim(body: object, reading: Reading) -> BulkBody:
    """What the body of a bulk request says of it as a whole.

    Raises ScimError 413 when there are too many operations, else 400 invalidSyntax or
    invalidValue.
    """
    if not isinstance(body, dict):
        raise invalid_syntax(f"The body must be a JSON object, not {kind_of(body)}.")
    members = _by_lower_case_name(body)
    _check_schemas(members.get("schemas"), reading)
    operations = members.get("operations")
    if not isinstance(operations, list) or not operations:
        raise invalid_syntax("Operations must be an array with at least one operation.")
    if len(operations) > MAX_BULK_OPERATIONS:
        raise ScimError(
            413,
            f"The bulk request has {len(operations)} operations, which exceeds the maxOperations"
            f" ({MAX_BULK_OPERATIONS}); send them in several requests.",
        )
    return BulkBody(operations, _fail_on_errors(members.get("failonerrors"), reading))


def operation_from_scim(value: object, dialect: Dialect, schemas: SchemaSet = DEFAULT) -> Operation:
    """One operation of a bulk request; never raises."""
    operation = Operation()
    reading = Reading(dialect, schemas=schemas)
    try:
        _read(value, operation, reading)
    except ScimError as error:
        operation.error = error
        operation.message.refused.CopyFrom(
            OperationError(
                code=INVALID_ARGUMENT,
                reason=ErrorReason.ERROR_REASON_INVALID_SYNTAX,
                message=error.detail,
            )
        )
    operation.message.tolerances.extend(sorted(each.name for each in reading.met))
    return operation


def bulk_response(
    operations: Sequence[Operation], results: Sequence[BulkResult], base_url: str
) -> dict[str, object]:
    """The answer: what became of the operations that were begun, in the order of the request."""
    return {
        "schemas": [BULK_RESPONSE_SCHEMA],
        "Operations": [_result(operations[each.index], each, base_url) for each in results],
    }


def _by_lower_case_name(message: dict[str, object]) -> dict[str, object]:
    """The members of a JSON object, whose names have no case (RFC 7643 §2.1)."""
    refuse_duplicates(message, "")
    return {name.lower(): value for name, value in message.items()}


def _check_schemas(schemas: object, reading: Reading) -> None:
    listed = schemas if isinstance(schemas, list) else ()
    wanted = BULK_REQUEST_SCHEMA.lower()
    if any(isinstance(urn, str) and urn.lower() == wanted for urn in listed):
        return
    if not reading.tolerates(Tolerance.MISSING_SCHEMAS):
        raise invalid_syntax(f"schemas must contain {BULK_REQUEST_SCHEMA}.")


def _fail_on_errors(value: object, reading: Reading) -> int:
    """More errors than there can be operations are no limit."""
    if value is None:
        return 0
    if isinstance(value, str) and reading.tolerates(Tolerance.STRING_NUMBER):
        is_number = value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS
        value = int(value) if is_number else value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise invalid_value("failOnErrors must be an integer that is not negative.")
    return value if value <= MAX_BULK_OPERATIONS else 0


def _read(value: object, operation: Operation, reading: Reading) -> None:
    """Fills an operation as far as it can be understood; raises ScimError where it cannot."""
    if not isinstance(value, dict):
        raise invalid_syntax(f"An operation must be a JSON object, not {kind_of(value)}.")
    members = _by_lower_case_name(value)
    method = _text("method", members)
    operation.method = method
    operation.message.bulk_id = _text("bulkId", members)
    if method not in _VERBS:
        raise invalid_syntax(f"method must be POST, PUT, PATCH or DELETE, not {method[:80]!r}.")
    target = operation.target = target_of(_text("path", members), method)
    if method == "POST" and not operation.message.bulk_id:
        raise invalid_syntax("POST needs a bulkId.")
    if method != "DELETE" and members.get("data") is None:
        raise invalid_syntax(f"{method} needs data.")
    _fill(operation, target, members, reading)


def _fill(
    operation: Operation, target: Target, members: Mapping[str, object], reading: Reading
) -> None:
    """Puts the request of the operation's own kind into its message."""
    kind = reading.schemas.resource_type(target.resource_type.name)
    data = members.get("data")
    name = kind.field
    request: Any = getattr(operation.message, f"{_VERBS[operation.method]}_{name}")
    request.SetInParent()
    if operation.method != "POST":
        request.etag = _text("version", members)
    if operation.method in {"POST", "PUT"}:
        transfer(resource_from_scim(kind, data, reading), getattr(request, name))
    if operation.method == "PUT":
        getattr(request, name).id = target.id
        request.update_mask.paths.append("*")
    elif operation.method != "POST":
        request.id = target.id
    if operation.method == "PATCH":
        request.operations.extend(operations_from_scim(data, kind, reading))


def _text(name: str, members: Mapping[str, object]) -> str:
    value = members.get(name.lower())
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid_syntax(f"{name} must be a string, not {kind_of(value)}.")
    return value


def _result(operation: Operation, result: BulkResult, base_url: str) -> dict[str, object]:
    """One element of the answer (RFC 7644 §3.7.3); `status` is a string."""
    error = operation.error
    if error is None and result.HasField("error"):
        error = from_reason(_reason_name(result.error), result.error.message)
    shown: dict[str, object] = {}
    if operation.target and (result.id or operation.target.id):
        shown["location"] = operation.target.location(base_url, result.id)
    shown["method"] = operation.method
    if operation.message.bulk_id:
        shown["bulkId"] = operation.message.bulk_id
    if result.etag:
        shown["version"] = result.etag
    shown["status"] = str(error.status if error else _STATUS[operation.method])
    if error:
        shown["response"] = error.body()
    return shown


def _reason_name(error: OperationError) -> str:
    """The reason without its prefix; empty for one that only a newer service knows."""
    known = ErrorReason.DESCRIPTOR.values_by_number.get(error.reason)
    return known.name.removeprefix("ERROR_REASON_") if known else ""
