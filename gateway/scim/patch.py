"""SCIM PATCH bodies → `PatchOperation`s (RFC 7644 §3.5.2): the structure of the body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.scim.assignment import refuse_duplicates
from gateway.scim.dialects import Restriction, Tolerance
from gateway.scim.errors import (
    ScimError,
    invalid_path,
    invalid_syntax,
    invalid_value,
    no_target,
)
from gateway.scim.patch_values import Change
from gateway.scim.paths import read_path
from gateway.scim.values import kind_of
from rollbook.v1.patch_pb2 import PatchOp, PatchOperation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.scim.dialects import Reading
    from gateway.scim.paths import Path
    from rollbook.attributes import ResourceType

PATCH_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

MAX_OPERATIONS: Final = 1000
"""How many operations a request may have, counting each member of a path-less one."""

MAX_PATH_TEXT: Final = 256 * 1024
"""How many characters all paths of a request may have: each takes a microsecond to read."""

_OPS: Final[Mapping[str, PatchOp.ValueType]] = {
    "add": PatchOp.PATCH_OP_ADD,
    "replace": PatchOp.PATCH_OP_REPLACE,
    "remove": PatchOp.PATCH_OP_REMOVE,
}


def operations_from_scim(
    body: object, resource_type: ResourceType, reading: Reading
) -> list[PatchOperation]:
    """What the body of a PATCH asks for, in order; empty when all of it is tolerated nonsense.

    Raises ScimError as RFC 7644 §3.5.2 and table 9 have it, naming the operation at fault.
    """
    result: list[PatchOperation] = []
    paths: set[bytes] = set()
    for index, operation in enumerate(_operations(body, reading)):
        try:
            result += _read(operation, resource_type, reading, paths)
        except ScimError as error:
            detail = f"Operations[{index}]: {error.detail}"
            raise ScimError(error.status, detail, error.scim_type) from None
        _check_count(len(result))
    return result


def _operations(body: object, reading: Reading) -> list[object]:
    if not isinstance(body, dict):
        raise invalid_syntax(f"The body must be a JSON object, not {kind_of(body)}.")
    message = _by_lower_case_name(body)
    _check_schemas(message.get("schemas"), reading)
    operations = message.get("operations")
    if not isinstance(operations, list) or not operations:
        raise invalid_syntax("Operations must be an array with at least one operation.")
    _check_count(len(operations))
    _check_path_text(operations)
    return operations


def _by_lower_case_name(message: dict[str, object]) -> dict[str, object]:
    """The members of a JSON object, whose names have no case (RFC 7643 §2.1)."""
    refuse_duplicates(message, "")
    return {name.lower(): value for name, value in message.items()}


def _check_schemas(schemas: object, reading: Reading) -> None:
    listed = schemas if isinstance(schemas, list) else ()
    if any(isinstance(urn, str) and urn.lower() == PATCH_SCHEMA.lower() for urn in listed):
        return
    if not reading.tolerates(Tolerance.MISSING_SCHEMAS):
        raise invalid_syntax(f"schemas must contain {PATCH_SCHEMA}.")


def _check_count(count: int) -> None:
    if count > MAX_OPERATIONS:
        raise invalid_value(f"A PATCH may have at most {MAX_OPERATIONS} operations.")


def _check_path_text(operations: list[object]) -> None:
    length = sum(
        len(text) for each in operations if isinstance(each, dict) for text in _texts(each)
    )
    if length > MAX_PATH_TEXT:
        raise invalid_path(
            f"The paths of a PATCH may have {MAX_PATH_TEXT} characters in all, not {length}."
        )


def _texts(operation: dict[str, object]) -> Iterator[str]:
    """The path, or the members of the value, which may be paths."""
    for name, member in operation.items():
        if isinstance(member, str) and name.lower() == "path":
            yield member
        elif isinstance(member, dict):
            yield from member


def _read(
    operation: object, resource_type: ResourceType, reading: Reading, paths: set[bytes]
) -> Iterator[PatchOperation]:
    """One operation of the body as operations that each have a path; `paths` are those that the
    operations before it have, and then its own too."""
    if not isinstance(operation, dict):
        raise invalid_syntax(f"An operation must be a JSON object, not {kind_of(operation)}.")
    members = _by_lower_case_name(operation)
    op = _op(members.get("op"), reading)
    text = _path_text(members.get("path"), reading)
    if text is None and reading.dialect.restricts(Restriction.PATH):
        raise invalid_syntax("An operation needs a path.")
    change = Change(op, resource_type, reading)
    if op == PatchOp.PATCH_OP_REMOVE:
        if text is None:
            raise no_target("remove needs a path.")
    elif "value" not in members:
        raise invalid_value("add and replace need a value.")
    value = members.get("value")
    if text is None:
        yield from change.members(value)
    elif path := read_path(text, resource_type, reading):
        if reading.dialect.restricts(Restriction.UNIQUE_PATH):
            _add_unique(path, paths)
        yield from change.at(path, value)
    else:
        change.set_aside(text, value)
    yield from change.set_aside_so_far()


def _add_unique(path: Path, paths: set[bytes]) -> None:
    """Remembers a path, however it is written. Raises invalidSyntax for one that was there."""
    key = path.message().SerializeToString(deterministic=True)
    if key in paths:
        raise invalid_syntax(f"Another operation has the path {path.name} too; one may.")
    paths.add(key)


def _op(value: object, reading: Reading) -> PatchOp.ValueType:
    if not isinstance(value, str) or value.lower() not in _OPS:
        shown = repr(value[:80]) if isinstance(value, str) else kind_of(value)
        raise invalid_syntax(f"op must be add, remove or replace, not {shown}.")
    if value not in _OPS and not reading.tolerates(Tolerance.OPERATION_CASE):
        raise invalid_syntax(f"op must be {value.lower()}, not {value}.")
    return _OPS[value.lower()]


def _path_text(value: object, reading: Reading) -> str | None:
    """The path; None when the operation is about the resource itself."""
    if value is None or (value == "" and reading.tolerates(Tolerance.EMPTY_PATH)):
        return None
    if not isinstance(value, str):
        raise invalid_path(f"path must be a string, not {kind_of(value)}.")
    return value
