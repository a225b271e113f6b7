"""Filters of /Roles: of the roles of one catalogue, which are at hand, so that nobody has to be
asked which of them meet a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateway.scim.errors import invalid_filter
from rollbook.v1 import filter_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rollbook.attributes import ResourceType
    from rollbook.v1.filter_pb2 import AttributePath, Comparison, Filter, FilterValue

_TESTS: Final[Mapping[int, Callable[[str, str], bool]]] = {
    filter_pb2.COMPARISON_OPERATOR_EQUAL: str.__eq__,
    filter_pb2.COMPARISON_OPERATOR_CONTAINS: lambda value, wanted: wanted in value,
    filter_pb2.COMPARISON_OPERATOR_STARTS_WITH: str.startswith,
    filter_pb2.COMPARISON_OPERATOR_ENDS_WITH: str.endswith,
}


def meets(condition: Filter, resource: Any, resource_type: ResourceType) -> bool:
    """Whether a resource meets a condition; text is compared without regard to case. Raises
    invalidFilter for what is not compared here: parts of attributes, and which comes first."""
    match condition.WhichOneof("kind"):
        case "and":
            # All of them, so that what is wrong with any is an error whatever the roles.
            met = [meets(e, resource, resource_type) for e in getattr(condition, "and").filters]
            return all(met)
        case "or":
            met = [meets(e, resource, resource_type) for e in getattr(condition, "or").filters]
            return any(met)
        case "not":
            return not meets(getattr(condition, "not"), resource, resource_type)
        case "constant":
            return condition.constant
        case "comparison":
            return _compares(condition.comparison, resource, resource_type)
    raise invalid_filter(f"{resource_type.endpoint} is not filtered by elements in brackets.")


def _compares(comparison: Comparison, resource: Any, resource_type: ResourceType) -> bool:
    values = _values(comparison.path, resource, resource_type)
    operator = comparison.operator
    if operator == filter_pb2.COMPARISON_OPERATOR_PRESENT:
        return bool(values)
    wanted = _text(comparison.value)
    if operator == filter_pb2.COMPARISON_OPERATOR_NOT_EQUAL:
        return wanted not in values if wanted is not None else bool(values)
    test = _TESTS.get(operator)
    if test is None:
        raise invalid_filter(f"{resource_type.endpoint} is filtered by eq, ne, co, sw, ew and pr.")
    if wanted is None:
        return not values
    return any(test(value, wanted) for value in values)


def _values(path: AttributePath, resource: Any, resource_type: ResourceType) -> list[str]:
    """The values of an attribute as they are compared; none when it is unassigned."""
    attribute = resource_type.schema.attribute(path.attribute)
    if attribute is None or path.sub_attribute or attribute.sub_attributes:
        raise invalid_filter(
            f"{resource_type.endpoint} is not filtered by {path.attribute[:100]!r} or parts of it."
        )
    if attribute.multi_valued:
        return [_folded(each) for each in getattr(resource, attribute.field)]
    if not resource.HasField(attribute.field):
        return []
    return [_folded(getattr(resource, attribute.field))]


def _text(value: FilterValue) -> str | None:
    kind = value.WhichOneof("kind")
    return None if kind in {None, "null"} else _folded(getattr(value, str(kind)))


def _folded(value: object) -> str:
    return str(value).casefold()
