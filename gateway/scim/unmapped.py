"""Attributes that no schema has: refused, passed over, or kept as they came.

What is kept is an extension of the resource like any other, with the values as JSON text, so that
nothing behind this module knows of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway.scim.dialects import Tolerance
from gateway.scim.errors import invalid_syntax
from gateway.scim.json_text import dumps
from gateway.scim.values import is_unassigned
from rollbook.v1.attribute_pb2 import schema
from rollbook.v1.filter_pb2 import (
    AttributePath,
    Comparison,
    ComparisonOperator,
    Filter,
    FilterValue,
)
from rollbook.v1.patch_pb2 import PatchOp, PatchOperation, PatchPath
from rollbook.v1.unmapped_attributes_pb2 import UnmappedAttributes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from gateway.scim.dialects import Reading
    from rollbook.attributes import ResourceType

_URN: Final = UnmappedAttributes.DESCRIPTOR.GetOptions().Extensions[schema].urn
_FIELD: Final = "unmapped"

_NAME: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+-]*:[^\s\[\]\"]+|[^\s\[\]\":]+)")
"""An attribute, a part of one, or a whole extension; not one among several elements, whose place
means nothing in the next request."""

_SECRET: Final = re.compile(r"passw|secret|token|credential|private.?key", re.IGNORECASE)
"""Names of what must not be shown to everyone who may read a user."""


def set_aside(path: str, value: object, reading: Reading) -> None:
    """Passes over a value that no attribute takes, or notes it in `reading` if such are kept.

    None means that there is to be none any more. Raises ScimError invalidSyntax when the dialect
    refuses unknown attributes.
    """
    if not reading.tolerates(Tolerance.UNKNOWN_ATTRIBUTE):
        raise invalid_syntax(f"There is no attribute {path[:200]}.")
    if reading.dialect.keeps_unmapped and _NAME.fullmatch(path) and not _SECRET.search(path):
        reading.unmapped[path] = None if is_unassigned(value) else value


def keep(resource: Message, reading: Reading) -> None:
    """Adds what was set aside to the resource that a body describes."""
    assigned = {name: value for name, value in reading.unmapped.items() if value is not None}
    if assigned:
        kept: Any = getattr(resource, _FIELD)
        for name, value in assigned.items():
            kept.attributes.add(name=name, json=dumps(value).decode())


def operations_on(resource_type: ResourceType, reading: Reading) -> Iterator[PatchOperation]:
    """The operations that make a resource have what was set aside since they were last asked
    for."""
    for name, value in reading.unmapped.items():
        operation = PatchOperation(path=_path(name), op=PatchOp.PATCH_OP_REMOVE)
        if value is not None:
            operation.op = PatchOp.PATCH_OP_REPLACE
            resource: Any = getattr(operation, resource_type.field)
            getattr(resource, _FIELD).attributes.add(name=name, json=dumps(value).decode())
        yield operation
    reading.unmapped.clear()


def _path(name: str) -> PatchPath:
    """The element of that name; replacing it makes it if there is none."""
    is_named = Comparison(
        path=AttributePath(attribute="name"),
        operator=ComparisonOperator.COMPARISON_OPERATOR_EQUAL,
        value=FilterValue(string=name),
    )
    return PatchPath(
        attribute=AttributePath(schema=_URN, attribute="attributes"),
        filter=Filter(comparison=is_named),
    )
