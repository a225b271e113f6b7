"""What a patch does to a resource (RFC 7644 §3.5.2): the result table of each operation.

`apply` changes a working copy of a stored resource in place. Every operation is a path and a
partial resource that holds the new value under that path. Members of groups are not handled
here: they are rows, and `domain.membership` says what becomes of them.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook.attributes import Attribute, AttributeType, Extension, Mutability, ResourceType
from rollbook.v1 import filter_pb2
from rollbook.v1.patch_pb2 import PatchOp
from service.domain.errors import (
    ambiguous_target,
    invalid_path,
    invalid_value,
    mutability,
    no_target,
)
from service.domain.multivalued import (
    append_missing,
    drop_empty,
    keep_one_primary,
    merge,
    remove_listed,
)
from service.domain.patch_cost import Visits
from service.domain.search import filters
from service.domain.search.comparison import copy_of
from service.domain.search.operands import standard_base64

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from google.protobuf.message import Message

    from rollbook.v1.filter_pb2 import AttributePath, Filter
    from rollbook.v1.patch_pb2 import PatchOperation

_REMOVE = PatchOp.PATCH_OP_REMOVE
_ADD = PatchOp.PATCH_OP_ADD


@dataclass(frozen=True, slots=True)
class Target:
    """What the path of an operation names.

    Without an attribute it is the extension as a whole; `filter` is None when every element is
    meant; `text` is the path as a client would write it, for messages.
    """

    text: str
    extension: Extension | None
    attribute: Attribute | None
    part: Attribute | None
    filter: Filter | None


def resolve_target(operation: PatchOperation, resource_type: ResourceType) -> Target:
    """Find what an operation is about. Raises INVALID_PATH when there is no such attribute."""
    path = operation.path.attribute
    text = path_text(path)
    extension = resource_type.extension(path.schema) if path.schema else None
    value_filter = operation.path.filter if operation.path.HasField("filter") else None
    if not path.attribute:
        if extension is None or path.sub_attribute or value_filter is not None:
            raise invalid_path(text, f"The path {text!r} names no attribute.")
        return Target(text, extension, None, None, None)
    attribute = resource_type.attribute(path.attribute, path.schema)
    if attribute is None:
        raise invalid_path(text, f"A {resource_type.name} has no attribute {text}.")
    part = None
    if path.sub_attribute:
        part = attribute.sub_attribute(path.sub_attribute)
        if part is None:
            raise invalid_path(text, f"{attribute.name} has no sub-attribute {path.sub_attribute}.")
    if value_filter is not None and not attribute.multi_valued:
        raise invalid_path(text, f"{attribute.name} has one value only; it takes no filter.")
    return Target(text, extension, attribute, part, value_filter)


def path_text(path: AttributePath) -> str:
    """An attribute path as SCIM writes it."""
    name = path.attribute + (f".{path.sub_attribute}" if path.sub_attribute else "")
    return ":".join(filter(None, (path.schema, name)))


def apply(
    resource: Message, operations: Sequence[PatchOperation], resource_type: ResourceType
) -> bool:
    """Run operations in order on a working copy, changing it in place. Returns whether the filter
    of a path selected nothing, so that an element was created.

    Raises INVALID_PATH, INVALID_FILTER, INVALID_VALUE, MUTABILITY or NO_TARGET naming the
    path, TOO_MANY where it would take too long; the copy is then worthless.
    """
    visits, has_created = Visits(), False
    for operation in operations:
        target = resolve_target(operation, resource_type)
        visits.add(resource, target.extension, target.attribute, target.filter)
        before = _count_filtered(resource, target)
        _apply_one(resource, operation, target, resource_type)
        has_created = has_created or _count_filtered(resource, target) > before
    return has_created


def _count_filtered(resource: Message, target: Target) -> int:
    """How many elements the attribute has that the path filters; 0 without a filter."""
    if target.filter is None or target.attribute is None:
        return 0
    container = getattr(resource, target.extension.field) if target.extension else resource
    return len(getattr(container, target.attribute.field))


def _apply_one(
    resource: Message, operation: PatchOperation, target: Target, resource_type: ResourceType
) -> None:
    if operation.op not in (_ADD, PatchOp.PATCH_OP_REPLACE, _REMOVE):
        raise invalid_value(target.text, "op must be add, replace or remove.")
    check_mutability(target, operation.op)
    source = _source(operation, resource_type)
    if target.attribute is None:
        _apply_to_extension(resource, source, operation, target)
        return
    container = resource
    if target.extension is not None:
        if operation.op == _REMOVE and not resource.HasField(target.extension.field):
            return
        container = getattr(resource, target.extension.field)
        source = None if source is None else getattr(source, target.extension.field)
    _apply_to_attribute(container, source, operation, target)


def _source(operation: PatchOperation, resource_type: ResourceType) -> Any:
    """The partial resource of an operation; None when a removal carries no value."""
    kind = operation.WhichOneof("value")
    if kind is None:
        if operation.op == _REMOVE:
            return None
        raise invalid_value(path_text(operation.path.attribute), "An add or replace needs a value.")
    if kind != resource_type.field:
        raise invalid_value(kind, f"The value of this operation must be a {resource_type.name}.")
    return getattr(operation, kind)


def check_mutability(target: Target, op: int) -> None:
    """Refuse to touch what only the service sets, and to remove what is required.

    Raises MUTABILITY (RFC 7644 §3.5.2.2, §3.5.2.3).
    """
    for attribute in (target.attribute, target.part):
        if attribute is not None and attribute.mutability is Mutability.READ_ONLY:
            raise mutability(target.text, f"{target.text} is read-only.")
    if op == _REMOVE and target.attribute is not None and target.filter is None:
        named = target.part or target.attribute
        if named.required:
            raise mutability(target.text, f"{target.text} is required and cannot be removed.")


def _apply_to_extension(
    resource: Message, source: Any, operation: PatchOperation, target: Target
) -> None:
    extension = target.extension
    assert extension is not None
    if operation.op == _REMOVE:
        _remove_extension(resource, extension, target)
        return
    container, values = getattr(resource, extension.field), getattr(source, extension.field)
    for attribute in extension.schema.attributes:
        if not _is_set(values, attribute) or attribute.mutability is Mutability.READ_ONLY:
            continue
        within = Target(f"{target.text}:{attribute.name}", extension, attribute, None, None)
        _apply_to_attribute(container, values, operation, within)


def _remove_extension(resource: Message, extension: Extension, target: Target) -> None:
    """Remove all that is in it, save what the caller may not set."""
    if not resource.HasField(extension.field):
        return
    container = getattr(resource, extension.field)
    for attribute in extension.schema.attributes:
        if attribute.mutability is not Mutability.READ_ONLY:
            _clear(container, attribute, target)
    if not container.ListFields():
        resource.ClearField(extension.field)


def _is_set(container: Any, attribute: Attribute) -> bool:
    if attribute.multi_valued:
        return len(getattr(container, attribute.field)) > 0
    return bool(container.HasField(attribute.field))


def _apply_to_attribute(
    container: Any, source: Any, operation: PatchOperation, target: Target
) -> None:
    attribute = target.attribute
    assert attribute is not None
    if attribute.mutability is not Mutability.IMMUTABLE or not _is_set(container, attribute):
        _change_attribute(container, source, operation, target)
        return
    before = copy_of(container)
    _change_attribute(container, source, operation, target)
    if getattr(before, attribute.field) != getattr(container, attribute.field):
        raise mutability(target.text, f"{target.text} is immutable: it already has a value.")


def _change_attribute(
    container: Any, source: Any, operation: PatchOperation, target: Target
) -> None:
    attribute = target.attribute
    assert attribute is not None
    if attribute.multi_valued:
        _apply_to_elements(container, source, operation, target)
    elif target.part is not None:
        _apply_to_part(container, source, operation, target)
    elif operation.op == _REMOVE:
        _clear(container, attribute, target)
    else:
        _require_value(source, attribute, target)
        whole = operation.full_replacement and operation.op == PatchOp.PATCH_OP_REPLACE
        _set_single(container, source, attribute, target, whole=whole)


def _require_value(source: Any, attribute: Attribute, target: Target) -> None:
    if source is None or not _is_set(source, attribute):
        raise invalid_value(target.text, f"The value of the operation on {target.text} is missing.")


def _set_single(
    container: Any, source: Any, attribute: Attribute, target: Target, *, whole: bool = False
) -> None:
    """Set a singular attribute; a complex one is merged (RFC 7644 §3.5.2.3), unless `whole`."""
    value = getattr(source, attribute.field)
    if _is_set(container, attribute):
        _check_immutable(getattr(container, attribute.field), value, attribute, target)
    if attribute.sub_attributes:
        if whole:
            _clear_parts(getattr(container, attribute.field), attribute)
        merge(getattr(container, attribute.field), value, attribute)
    elif attribute.message is None and hasattr(value, "CopyFrom"):
        getattr(container, attribute.field).CopyFrom(value)
    else:
        setattr(container, attribute.field, value)


def _clear_parts(value: Any, attribute: Attribute) -> None:
    for part in attribute.sub_attributes:
        if part.mutability is not Mutability.READ_ONLY:
            value.ClearField(part.field)


def _check_immutable(old: Any, new: Any, attribute: Attribute, target: Target) -> None:
    if attribute.mutability is Mutability.IMMUTABLE and old != new:
        raise mutability(target.text, f"{target.text} is immutable: it already has a value.")


def _clear(container: Any, attribute: Attribute, target: Target) -> None:
    if attribute.mutability is Mutability.IMMUTABLE and _is_set(container, attribute):
        raise mutability(target.text, f"{target.text} is immutable and cannot be removed.")
    container.ClearField(attribute.field)


def _apply_to_part(container: Any, source: Any, operation: PatchOperation, target: Target) -> None:
    """Set or clear one sub-attribute of a singular complex attribute."""
    attribute, part = target.attribute, target.part
    assert attribute is not None
    assert part is not None
    if operation.op == _REMOVE:
        if container.HasField(attribute.field):
            parent = getattr(container, attribute.field)
            parent.ClearField(part.field)
            if not parent.ListFields():
                container.ClearField(attribute.field)
        return
    values = getattr(source, attribute.field)
    _require_value(values, part, target)
    _set_single(getattr(container, attribute.field), values, part, target)


def _apply_to_elements(
    container: Any, source: Any, operation: PatchOperation, target: Target
) -> None:
    attribute = target.attribute
    assert attribute is not None
    elements = getattr(container, attribute.field)
    values = getattr(source, attribute.field) if source is not None else ()
    if target.filter is not None or target.part is not None:
        changed = _apply_to_selected(elements, values, operation, target)
    else:
        changed = _apply_to_all(elements, values, operation, attribute)
    drop_empty(elements, attribute)
    keep_one_primary(elements, changed, attribute)


def _apply_to_all(
    elements: Any, values: Any, operation: PatchOperation, attribute: Attribute
) -> Sequence[Message]:
    """The whole attribute is meant. Returns the elements that were added or changed."""
    if operation.op == _ADD:
        return append_missing(elements, values, attribute)
    if operation.op == _REMOVE and len(values):
        remove_listed(elements, values, attribute)
        return ()
    del elements[:]
    return append_missing(elements, values, attribute) if operation.op != _REMOVE else ()


def _apply_to_selected(
    elements: Any, values: Any, operation: PatchOperation, target: Target
) -> Sequence[Message]:
    """Elements that meet a filter, or a sub-attribute of all, are meant."""
    attribute = target.attribute
    assert attribute is not None
    if not attribute.sub_attributes:
        raise invalid_path(target.text, f"The elements of {attribute.name} have no parts.")
    selected = _select(elements, target)
    if operation.single_target and target.filter is not None and len(selected) > 1:
        raise ambiguous_target(target.text, len(selected))
    if operation.op == _REMOVE:
        _remove_selected(elements, selected, operation, target)
        return ()
    if len(values) != 1:
        raise invalid_value(target.text, f"The operation on {target.text} takes one value.")
    value = values[0]
    if not selected:
        return [_create(elements, value, operation, target)]
    for index in selected:
        _change(elements[index], value, operation, target)
    return [elements[index] for index in selected]


def _select(elements: Any, target: Target) -> list[int]:
    attribute = target.attribute
    assert attribute is not None
    if target.filter is None:
        return list(range(len(elements)))
    condition = filters.resolve_element(target.filter, attribute)
    return [i for i, element in enumerate(elements) if filters.matches(condition, element)]


def _remove_selected(
    elements: Any, selected: list[int], operation: PatchOperation, target: Target
) -> None:
    if not selected and operation.target_required:
        raise no_target(target.text)
    for index in reversed(selected):
        if target.part is None:
            del elements[index]
        else:
            elements[index].ClearField(target.part.field)


def _change(element: Any, value: Any, operation: PatchOperation, target: Target) -> None:
    attribute, part = target.attribute, target.part
    assert attribute is not None
    if part is not None:
        _require_value(value, part, target)
        _set_single(element, value, part, target)
    elif operation.op == _ADD:
        merge(element, value, attribute)
    else:
        # RFC 7644 §3.5.2.3 replaces the values of the element. What the filter says of it
        # stays, or the next request with the same path would not find it any more.
        element.Clear()
        if target.filter is not None:
            _set_equality_terms(element, target.filter, attribute)
        merge(element, value, attribute)


def _create(elements: Any, value: Any, operation: PatchOperation, target: Target) -> Message:
    """No element is selected: make one from the filter's equality terms, as Entra ID expects
    (RFC Editor erratum 8097), unless the client wants NO_TARGET."""
    attribute = target.attribute
    assert attribute is not None
    if operation.target_required or target.filter is None:
        raise no_target(target.text)
    element = attribute.message() if attribute.message else None
    assert element is not None
    if not _set_equality_terms(element, target.filter, attribute):
        raise no_target(target.text)
    merge(element, value, attribute)
    elements.append(element)
    created: Message = elements[-1]
    return created


def _set_equality_terms(element: Any, condition: Filter, attribute: Attribute) -> bool:
    """Set on an element what the filter demands by `eq` and `and`; False when the filter says
    anything else, so that no element could be made from it."""
    kind = condition.WhichOneof("kind")
    if kind == "and":
        terms = getattr(condition, "and").filters
        settled = [_set_equality_terms(element, term, attribute) for term in terms]
        return all(settled)
    if kind != "comparison":
        return False
    comparison = condition.comparison
    part = attribute.sub_attribute(comparison.path.sub_attribute or comparison.path.attribute)
    operand = comparison.value.WhichOneof("kind")
    equal = filter_pb2.COMPARISON_OPERATOR_EQUAL
    if part is None or comparison.operator != equal or operand in (None, "null", "date_time"):
        return False
    if part.mutability is Mutability.READ_ONLY:
        return False
    setattr(element, part.field, _value_of(getattr(comparison.value, operand), part))
    return True


def _value_of(operand: Any, part: Attribute) -> Any:
    """An operand that `filters.resolve_element` let pass as a value of the attribute."""
    match part.type:
        case AttributeType.BINARY:
            return b64decode(standard_base64(operand, part.name))
        case AttributeType.INTEGER:
            return int(operand)
        case AttributeType.DECIMAL:
            return float(operand)
    return operand
