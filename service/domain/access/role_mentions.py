"""Whether a write is about the roles of a resource, and the types of roles that it mentions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from rollbook.attributes import ResourceType
    from rollbook.v1.filter_pb2 import Filter
    from rollbook.v1.patch_pb2 import PatchOperation

_ROLES: Final = "roles"

NOTHING: Final[frozenset[str]] = frozenset()


def has_roles(resource_type: ResourceType) -> bool:
    """Whether resources of a type have roles."""
    return resource_type.schema.attribute(_ROLES) is not None


def of_resource(resource: Any) -> frozenset[str]:
    """The types of the roles of a resource, which may be of a type that has none."""
    return frozenset(element.type for element in getattr(resource, _ROLES, ()))


def in_update(
    before: Any, resource: Any, mask: Collection[str], resource_type: ResourceType
) -> frozenset[str] | None:
    """The types that an update mentions; None when it leaves the roles alone."""
    if not has_roles(resource_type) or not _is_named(before, resource, mask):
        return None
    return of_resource(resource)


def _is_named(before: Any, resource: Any, mask: Collection[str]) -> bool:
    """Whether an update replaces roles by others; none by none is no change."""
    if "*" in mask:
        return bool(before.roles or resource.roles)
    return _ROLES in mask or (not mask and bool(resource.roles))


def in_patch(
    operations: Iterable[PatchOperation], resource_type: ResourceType
) -> frozenset[str] | None:
    """The types that a patch mentions; None when it leaves the roles alone."""
    if not has_roles(resource_type):
        return None
    about = [each for each in operations if is_about_roles(each, resource_type)]
    return frozenset(text for each in about for text in _mentioned(each)) if about else None


def is_about_roles(operation: PatchOperation, resource_type: ResourceType) -> bool:
    """Whether the path of an operation leads to the roles."""
    path = operation.path.attribute
    is_core = path.schema.lower() in {"", resource_type.schema.urn.lower()}
    return is_core and path.attribute.lower() == _ROLES


def _mentioned(operation: PatchOperation) -> Iterator[str]:
    kind = operation.WhichOneof("value")
    if kind is not None:
        yield from of_resource(getattr(operation, kind))
    yield from _operands(operation.path.filter)


def _operands(condition: Filter) -> Iterator[str]:
    """Every text in a filter: an element may be made of what it demands."""
    kind = condition.WhichOneof("kind")
    if kind in {"and", "or"}:
        for part in getattr(condition, kind).filters:
            yield from _operands(part)
    elif kind == "not":
        yield from _operands(getattr(condition, "not"))
    elif kind == "comparison":
        yield condition.comparison.value.string
