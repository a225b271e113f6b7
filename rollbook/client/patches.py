"""Operations of a patch, built from SCIM names and Python values.

replace("displayName", "Ada")
replace("emails.value", "ada@acme.example", where=where("type") == "work")
add("emails", Email(value="ada@home.example", type="home"))
replace("department", "Research", schema=ENTERPRISE)
remove("phoneNumbers", where=where("type") == "fax")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook.client.filters import filter_of
from rollbook.client.partial import Value, set_attribute
from rollbook.client.paths import attribute_path
from rollbook.v1.patch_pb2 import (
    PATCH_OP_ADD,
    PATCH_OP_REMOVE,
    PATCH_OP_REPLACE,
    PatchOp,
    PatchOperation,
    PatchPath,
)

if TYPE_CHECKING:
    from rollbook.attributes import ResourceType
    from rollbook.client.filters import Condition


@dataclass(frozen=True, slots=True)
class Change:
    """One operation of a patch, not yet bound to a type of resource."""

    op: PatchOp.ValueType
    path: PatchPath
    value: Value | None
    target_required: bool

    def operation(self, resource_type: ResourceType) -> PatchOperation:
        """The message for a resource of that type. Raises ValueError when the type has no such
        attribute, TypeError when the attribute does not take the value."""
        operation = PatchOperation(op=self.op, path=self.path, target_required=self.target_required)
        if self.value is not None:
            partial = getattr(operation, resource_type.field)
            set_attribute(partial, resource_type, self.path.attribute, self.value)
        return operation


def add(
    name: str,
    value: Value,
    *,
    where: Condition | None = None,
    schema: str = "",
    target_required: bool = False,
) -> Change:
    """Add elements to a multi-valued attribute, or set a single value. `where` chooses the
    elements whose part is set; when none meets it, one is made from its equality terms, or, if
    `target_required`, the patch fails with NO_TARGET."""
    return Change(PATCH_OP_ADD, _path(name, schema, where), value, target_required)


def replace(
    name: str,
    value: Value,
    *,
    where: Condition | None = None,
    schema: str = "",
    target_required: bool = False,
) -> Change:
    """Replace a value: all elements of a multi-valued attribute, or those that meet `where`. A
    complex value is merged. When no element meets `where`, as `add`."""
    return Change(PATCH_OP_REPLACE, _path(name, schema, where), value, target_required)


def remove(
    name: str,
    value: Value | None = None,
    *,
    where: Condition | None = None,
    schema: str = "",
    target_required: bool = False,
) -> Change:
    """Remove an attribute; of a multi-valued one only the elements listed in `value`, or those
    that meet `where`."""
    return Change(PATCH_OP_REMOVE, _path(name, schema, where), value, target_required)


def operation_of(change: Change | PatchOperation, resource_type: ResourceType) -> PatchOperation:
    """The message of an operation on a resource of that type."""
    return change.operation(resource_type) if isinstance(change, Change) else change


def _path(name: str, schema: str, where: Condition | None) -> PatchPath:
    return PatchPath(attribute=attribute_path(name, schema), filter=filter_of(where))
