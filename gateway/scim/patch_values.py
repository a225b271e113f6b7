"""The value of one SCIM PATCH operation → operations on single targets (RFC 7644 §3.5.2).

A value assigns, and what it leaves empty it removes: so `replace name {"givenName": null,
"familyName": "King"}` is one removal and one replacement, and the members of a value without a
path are one operation each. What an operation means is for the service to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.scim.assignment import is_derived, refuse_duplicates, unwrapped
from gateway.scim.dialects import Restriction, Tolerance
from gateway.scim.errors import ScimError, invalid_path, invalid_syntax, invalid_value
from gateway.scim.notation import SCHEMAS, MalformedNameError, UnknownAttributeError
from gateway.scim.paths import Path, look_up_path
from gateway.scim.translation import set_from_scim
from gateway.scim.unmapped import operations_on, set_aside
from gateway.scim.values import is_unassigned, kind_of
from rollbook.attributes import Mutability
from rollbook.schema_sets import transfer
from rollbook.v1.patch_pb2 import PatchOp, PatchOperation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from gateway.scim.dialects import Reading
    from rollbook.attributes import Attribute, ResourceType

_ADD = PatchOp.PATCH_OP_ADD
_REPLACE = PatchOp.PATCH_OP_REPLACE
_REMOVE = PatchOp.PATCH_OP_REMOVE


@dataclass(frozen=True, slots=True)
class Change:
    """What an operation of a request does, apart from its path and value."""

    op: PatchOp.ValueType
    resource_type: ResourceType
    reading: Reading

    def members(self, value: object, urn: str = "") -> Iterator[PatchOperation]:
        """What is asked for by a value without a path, or by that of the extension `urn`: its
        members, each like an operation of its own. Raises ScimError."""
        if not isinstance(value, dict):
            place = urn or "the value of an operation without a path"
            raise invalid_value(f"{place} must be an object, not {kind_of(value)}.")
        refuse_duplicates(value, urn)
        for key, member in value.items():
            path = self._member_path(key, urn, member)
            if path is not None:
                yield from self.at(path, member)

    def at(self, path: Path, value: object) -> Iterator[PatchOperation]:
        """What is asked for by a path and a value; None is no value. Raises ScimError."""
        attribute = path.name.attribute
        self._check_part(path)
        if attribute is SCHEMAS:
            self._check_schemas_stay()
        elif _is_read_only(path):
            # The service refuses it (RFC 7644 §3.5.2), whatever the value is.
            yield self._operation(self.op, path)
        elif attribute is None:
            yield from self._at_extension(path, value)
        elif self.op == _REMOVE:
            yield from self._removal(path, value)
        elif path.selects_all and attribute.multi_valued:
            yield from self._elements(path, attribute, value)
        else:
            yield from self._single(path, attribute, unwrapped(value, self.reading))

    def set_aside(self, text: str, value: object) -> None:
        """Passes over a target that no schema has; raises ScimError if that is an error."""
        set_aside(text, None if self.op == _REMOVE else value, self.reading)

    def set_aside_so_far(self) -> Iterator[PatchOperation]:
        """What becomes of targets that were passed over, where they are kept."""
        if self.reading.unmapped:
            yield from operations_on(self.resource_type, self.reading)

    def _member_path(self, key: str, urn: str, value: object) -> Path | None:
        """The target that a member of a value means; None when the member is passed over."""
        text = f"{urn}:{key}" if urn else key
        try:
            path = look_up_path(text, self.resource_type, self.reading)
        except (MalformedNameError, UnknownAttributeError):
            self.set_aside(text, value)
            return None
        if not _is_member_name(path, key) and not self.reading.tolerates(Tolerance.PATH_AS_KEY):
            raise invalid_syntax(f"{key} is a path and not the name of an attribute.")
        if _is_read_only(path) and self.reading.tolerates(Tolerance.READ_ONLY_IN_VALUE):
            return None
        return path

    def _check_part(self, path: Path) -> None:
        if self.op == _REMOVE or path.condition is None or path.name.part is not None:
            return
        if self._restricts(Restriction.PART_OF_ELEMENT):
            raise invalid_path(f"A sub-attribute has to follow the filter: {path.name}[…].value.")

    def _check_schemas_stay(self) -> None:
        """`schemas` follows from what is assigned, so there is nothing to add or replace."""
        if self.op == _REMOVE:
            raise ScimError(400, "schemas is required and cannot be removed.", "mutability")

    def _at_extension(self, path: Path, value: object) -> Iterator[PatchOperation]:
        value = unwrapped(value, self.reading)
        if value is None or (is_unassigned(value) and self.op != _REMOVE):
            yield self._operation(_REMOVE, path)
        else:
            yield from self.members(value, path.name.schema)

    def _removal(self, path: Path, value: object) -> Iterator[PatchOperation]:
        """A removal that lists elements removes these and must never empty the attribute."""
        if value is None:
            yield self._operation(_REMOVE, path)
            return
        if not self.reading.tolerates(Tolerance.REMOVE_WITH_VALUE):
            raise invalid_value("remove takes no value; select elements by attribute[filter].")
        attribute = path.name.attribute
        if attribute is None or not attribute.multi_valued or not path.selects_all:
            yield self._operation(_REMOVE, path)
        elif _is_blank(value, attribute):
            return
        elif operation := self._elements_operation(path, attribute, value):
            yield operation

    def _elements(
        self, path: Path, attribute: Attribute, value: object
    ) -> Iterator[PatchOperation]:
        """Elements to add, or to replace all there are."""
        operation = None
        if not is_unassigned(value):
            operation = self._elements_operation(path, attribute, value)
        if operation:
            yield operation
        elif self.op != _ADD:
            yield self._operation(_REMOVE, path)

    def _elements_operation(
        self, path: Path, attribute: Attribute, value: object
    ) -> PatchOperation | None:
        """The operation on the elements of a value; None when the value means that there are
        none. Every element is read first: what does not fit must not count as nothing."""
        operation = self._operation(self.op, path, value)
        if self._assigns(operation):
            return operation
        if not _is_blank(value, attribute):
            raise invalid_value(f"The value of {path.name} has no attribute that can be set.")
        return None

    def _single(self, path: Path, attribute: Attribute, value: object) -> Iterator[PatchOperation]:
        """One value: of a single attribute, of a part, or of the elements that a filter selects."""
        if isinstance(value, dict) and attribute.sub_attributes and path.name.part is None:
            yield from self._parts(path, attribute, value)
        elif not is_unassigned(value):
            yield self._operation(self.op, path, value)
        elif self.op != _ADD or path.condition is None or path.name.part:
            yield self._operation(_REMOVE, path)

    def _parts(
        self, path: Path, attribute: Attribute, value: dict[str, object]
    ) -> Iterator[PatchOperation]:
        """An object is merged (RFC 7644 §3.5.2.3): empty parts are removed, others set. Only an
        element that a filter selects is replaced as a whole, so that they are gone anyway."""
        operation = self._operation(self.op, path, value)
        assigns = self._assigns(operation)
        if operation.full_replacement:
            yield operation if assigns else self._operation(_REMOVE, path)
            return
        if self.op == _ADD or path.condition is None or not assigns:
            for name, part_value in value.items():
                part = attribute.sub_attribute(name)
                if part and is_unassigned(part_value) and not is_derived(part):
                    yield self._operation(_REMOVE, path.with_part(part))
        if assigns:
            yield operation

    def _operation(self, op: PatchOp.ValueType, path: Path, value: object = None) -> PatchOperation:
        operation = PatchOperation(
            op=op,
            path=path.message(),
            target_required=self._is_target_required(op, path),
            single_target=path.condition is not None
            and self._restricts(Restriction.SINGLE_ELEMENT),
            full_replacement=op == _REPLACE and self._restricts(Restriction.FULL_REPLACEMENT),
        )
        if op == _REMOVE and value is None:
            return operation
        resource = self.resource_type.message()
        set_from_scim(
            self.resource_type,
            resource,
            path.name.path(),
            value,
            self.reading,
            into_element=path.condition is not None,
        )
        target = self._resource_of(operation)
        target.SetInParent()
        transfer(resource, target)
        return operation

    def _restricts(self, restriction: Restriction) -> bool:
        return self.reading.dialect.restricts(restriction)

    def _resource_of(self, operation: PatchOperation) -> Message:
        resource: Message = getattr(operation, self.resource_type.field)
        return resource

    def _assigns(self, operation: PatchOperation) -> bool:
        return self._resource_of(operation).ByteSize() > 0

    def _is_target_required(self, op: PatchOp.ValueType, path: Path) -> bool:
        """RFC 7644 §3.5.2.3 wants noTarget; the removal of a member that is none succeeds in
        §3.5.2.2."""
        if path.condition is None or self.reading.dialect.grants(Tolerance.VALUE_PATH_CREATES):
            return False
        attribute = path.name.attribute
        refers = attribute is not None and attribute.sub_attribute("$ref") is not None
        return op != _REMOVE or not refers


def _is_read_only(path: Path) -> bool:
    return any(
        attribute is not None and attribute.mutability is Mutability.READ_ONLY
        for attribute in (path.name.attribute, path.name.part)
    )


def _is_member_name(path: Path, key: str) -> bool:
    """Whether it names an attribute or extension as members of a resource do, without dots,
    brackets or a URN in front."""
    if path.name.attribute is None:
        return True
    return path.name.part is None and path.condition is None and ":" not in key


def _is_blank(value: object, attribute: Attribute) -> bool:
    """Whether a value of a multi-valued attribute has nothing in any element."""
    if isinstance(value, list):
        return all(_is_blank(each, attribute) for each in value)
    if isinstance(value, dict):
        return all(attribute.sub_attribute(name) is not None for name in value) and all(
            map(is_unassigned, value.values())
        )
    return is_unassigned(value)
