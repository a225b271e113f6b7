"""The ids that a write holds, and references in their place to what other writes of a bulk create
(RFC 7644 §3.7.2).

Where an id is expected, `bulkId:` and the name of a creation may stand: found by the attribute
tables, so that extensions are treated like the core schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import (
    RESOURCE_TYPES,
    TYPES_BY_FIELD,
    Attribute,
    Mutability,
    ResourceType,
    made_once,
)
from rollbook.schema_sets import DEFAULT
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rollbook.schema_sets import SchemaSet
    from rollbook.v1.directory_service_pb2 import BulkOperation
    from rollbook.v1.filter_pb2 import Filter
    from rollbook.v1.patch_pb2 import PatchOperation

    Change = Callable[[str], str]

PREFIX: Final = "bulkId:"

_TYPE_NAMES: Final = frozenset(kind.name for kind in RESOURCE_TYPES)


@dataclass(frozen=True, slots=True)
class Footprint:
    """What an operation is about: ids, or references in their place.

    `target` is the resource created, changed or deleted, empty for a creation without a bulk_id;
    `mentions` are the resources that it names besides.
    """

    target: str
    mentions: frozenset[str]
    creates: bool = False
    deletes: bool = False


def resource_type_of(operation: BulkOperation, schemas: SchemaSet) -> ResourceType | None:
    """The type of resource that an operation writes; None when it is no write."""
    verb = operation.WhichOneof("operation") or ""
    kind = TYPES_BY_FIELD.get(verb.partition("_")[2])
    return schemas.resource_type(kind.name) if kind else None


def footprint(operation: BulkOperation, schemas: SchemaSet = DEFAULT) -> Footprint:
    """What an operation of a tenant that has these schemas is about."""
    verb = operation.WhichOneof("operation") or ""
    creates = verb.startswith("create_")
    ids: list[str] = []

    def note(text: str) -> str:
        ids.append(text)
        return text

    map_ids(operation, note, schemas)
    if creates:
        target = PREFIX + operation.bulk_id if operation.bulk_id else ""
    else:
        target = ids.pop(0) if ids else ""
    return Footprint(target, frozenset(ids), creates, deletes=verb.startswith("delete_"))


def map_ids(operation: BulkOperation, change: Change, schemas: SchemaSet = DEFAULT) -> None:
    """Put what `change` makes of it in the place of every id in an operation, that of the
    resource to update, patch or delete first."""
    verb = operation.WhichOneof("operation") or ""
    resource_type = resource_type_of(operation, schemas)
    if resource_type is None:
        return
    request: Any = getattr(operation, verb)
    match verb.partition("_")[0]:
        case "create":
            _map_resource(getattr(request, resource_type.field), resource_type, change)
        case "update":
            resource = getattr(request, resource_type.field)
            resource.id = change(resource.id)
            _map_resource(resource, resource_type, change)
        case "patch":
            request.id = change(request.id)
            for patch_operation in request.operations:
                _map_patch(patch_operation, resource_type, change)
        case "delete":
            request.id = change(request.id)


def unresolved(reference: str, *, known: bool) -> DomainError:
    """BULK_REFERENCE: what a reference means does not exist; `known` when the bulk has an
    operation of that name."""
    name = reference.removeprefix(PREFIX)[:100]
    message = (
        f"{PREFIX}{name} was not created, so nothing can refer to it."
        if known
        else f"No operation of the bulk creates {PREFIX}{name}."
    )
    return DomainError(ErrorReason.ERROR_REASON_BULK_REFERENCE, message, metadata={"bulkId": name})


@made_once
def _references(resource_type: ResourceType) -> tuple[tuple[str, Attribute], ...]:
    """The attributes whose values refer to resources, with the fields of their extensions."""
    owners = [("", resource_type.schema)]
    owners += [(extension.field, extension.schema) for extension in resource_type.extensions]
    return tuple(
        (field, attribute)
        for field, schema in owners
        for attribute in schema.attributes
        if _is_reference(attribute)
    )


def _is_reference(attribute: Attribute) -> bool:
    address = attribute.sub_attribute("$ref")
    return (
        address is not None
        and attribute.mutability is not Mutability.READ_ONLY
        and not _TYPE_NAMES.isdisjoint(address.reference_types)
    )


def _map_resource(resource: Any, resource_type: ResourceType, change: Change) -> None:
    for field, attribute in _references(resource_type):
        if field and not resource.HasField(field):
            continue
        container = getattr(resource, field) if field else resource
        for value in _values(container, attribute):
            if value.value:
                value.value = change(value.value)


def _values(container: Any, attribute: Attribute) -> Iterable[Any]:
    if attribute.multi_valued:
        elements: Iterable[Any] = getattr(container, attribute.field)
        return elements
    return (getattr(container, attribute.field),) if container.HasField(attribute.field) else ()


def _map_patch(operation: PatchOperation, resource_type: ResourceType, change: Change) -> None:
    if operation.WhichOneof("value") == resource_type.field:
        value = getattr(operation, resource_type.field)
        _map_resource(value, resource_type, change)
    path = operation.path.attribute
    attribute = resource_type.attribute(path.attribute, path.schema)
    if operation.path.HasField("filter") and attribute and _is_reference(attribute):
        _map_filter(operation.path.filter, change)


def _map_filter(condition: Filter, change: Change) -> None:
    """Ids in a filter are what the `value` of an element is compared with."""
    match condition.WhichOneof("kind"):
        case "and" | "or" as kind:
            for part in getattr(condition, kind).filters:
                _map_filter(part, change)
        case "not":
            _map_filter(getattr(condition, "not"), change)
        case "comparison":
            comparison = condition.comparison
            name = comparison.path.sub_attribute or comparison.path.attribute
            if name.lower() == "value" and comparison.value.WhichOneof("kind") == "string":
                comparison.value.string = change(comparison.value.string)
