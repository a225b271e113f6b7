"""One comparison of a filter: the name, operator and literal become a `Filter` message.

What is only a way of writing goes here: `emails eq` compares values, `eq null` is absence,
`$ref` is another way to say `value`, and an unknown attribute has no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.scim.dialects import Tolerance
from gateway.scim.errors import invalid_filter
from gateway.scim.notation import Name
from gateway.scim.operands import operand
from gateway.scim.references import reference_from_text
from rollbook.attributes import RESOURCE_TYPES, AttributeType
from rollbook.v1 import filter_pb2
from rollbook.v1.filter_pb2 import Comparison, Filter, FilterValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.scim.dialects import Reading
    from gateway.scim.lexer import Token
    from rollbook.attributes import ResourceType
    from rollbook.v1.filter_pb2 import ComparisonOperator

EQUAL: Final = "eq"
NOT_EQUAL: Final = "ne"
PRESENT: Final = "pr"

OPERATORS: Final[Mapping[str, ComparisonOperator.ValueType]] = {
    EQUAL: filter_pb2.COMPARISON_OPERATOR_EQUAL,
    NOT_EQUAL: filter_pb2.COMPARISON_OPERATOR_NOT_EQUAL,
    "co": filter_pb2.COMPARISON_OPERATOR_CONTAINS,
    "sw": filter_pb2.COMPARISON_OPERATOR_STARTS_WITH,
    "ew": filter_pb2.COMPARISON_OPERATOR_ENDS_WITH,
    "gt": filter_pb2.COMPARISON_OPERATOR_GREATER,
    "ge": filter_pb2.COMPARISON_OPERATOR_GREATER_OR_EQUAL,
    "lt": filter_pb2.COMPARISON_OPERATOR_LESS,
    "le": filter_pb2.COMPARISON_OPERATOR_LESS_OR_EQUAL,
    PRESENT: filter_pb2.COMPARISON_OPERATOR_PRESENT,
}
"""The operators of RFC 7644 table 3."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a filter is read for: resources of one type, or of all at the root of a server whose
    addresses begin with `base_url`."""

    resource_type: ResourceType | None
    reading: Reading
    base_url: str = ""


def negation(condition: Filter) -> Filter:
    """True when the condition is not."""
    result = Filter()
    getattr(result, "not").CopyFrom(condition)
    return result


def comparison(name: Name | None, operator: str, literal: Token | None, context: Context) -> Filter:
    """The condition that `name operator literal` states; without a literal the operator is `pr`.

    None is a name that has no value whatever the resource. Raises invalidFilter when the
    literal does not fit the attribute.
    """
    is_null = literal is not None and literal.is_word("null")
    if is_null and operator not in {EQUAL, NOT_EQUAL}:
        raise invalid_filter(f"{operator} cannot compare with null; only eq and ne can.")
    if name is None:
        return Filter(constant=_without_value(operator, is_null=is_null))
    _check_attribute(name)
    holder = _id_holder(name, context.resource_type)
    if literal is None:
        return _condition(holder or name, PRESENT, None)
    if is_null:
        return _null_comparison(holder or name, operator)
    compared = _comparable(name, operator, context.reading)
    assert compared.target is not None
    value = operand(compared.target.type, f"{compared} {operator}", literal, context.reading)
    if holder is not None and operator in {EQUAL, NOT_EQUAL}:
        return _address_comparison(name, holder, operator, value.string, context)
    return _condition(compared, operator, value)


def _without_value(operator: str, *, is_null: bool) -> bool:
    """How a comparison with a missing value comes out: logic is two-valued."""
    if is_null:
        return operator == EQUAL
    return operator == NOT_EQUAL


def _check_attribute(name: Name) -> None:
    if name.target is None:
        raise invalid_filter(f"{name} is a schema and no attribute; it cannot be compared.")


def _null_comparison(name: Name, operator: str) -> Filter:
    """`eq null` is true of an unassigned attribute (RFC 7643 §2.5), which of a complex one is a
    matter of all its parts and not of `value`."""
    if name.target and name.target.type is AttributeType.COMPLEX:
        present = _condition(name, PRESENT, None)
        return negation(present) if operator == EQUAL else present
    return _condition(name, operator, FilterValue(null=True))


def _comparable(name: Name, operator: str, reading: Reading) -> Name:
    """The name of something simple: a complex attribute is compared by its `value`, as the
    example `emails co` of RFC 7644 §3.4.2.2 is."""
    attribute = name.target
    if attribute is None or attribute.type is not AttributeType.COMPLEX:
        return name
    value = attribute.sub_attribute("value")
    if value is None:
        raise invalid_filter(f"{name} is complex; {operator} can compare one of its parts only.")
    if not attribute.multi_valued and not reading.tolerates(Tolerance.COMPLEX_FILTER_BY_VALUE):
        raise invalid_filter(f"{name} is complex; did you mean {name}.value?")
    return name.with_part(value)


def _condition(name: Name, operator: str, value: FilterValue | None) -> Filter:
    return Filter(
        comparison=Comparison(path=name.path(), operator=OPERATORS[operator], value=value)
    )


def _id_holder(name: Name, resource_type: ResourceType | None) -> Name | None:
    """Of `$ref` and `meta.location`, the attribute that has the id which the address ends in:
    addresses are made by the gateway, so the service could not compare them."""
    if name.attribute is None or name.part is None:
        return None
    if name.part.name == "$ref":
        value = name.attribute.sub_attribute("value")
        return name.with_part(value) if value else None
    if (name.attribute.name, name.part.name) == ("meta", "location"):
        return Name("", (resource_type or RESOURCE_TYPES[0]).attribute("id"))
    return None


def _address_comparison(
    name: Name, holder: Name, operator: str, address: str, context: Context
) -> Filter:
    """An address of something else is no value's."""
    reference = reference_from_text(address, context.base_url)
    if reference is None or reference.endpoint not in _endpoints(name, context.resource_type):
        return Filter(constant=operator == NOT_EQUAL)
    return _condition(holder, operator, FilterValue(string=reference.id))


def _endpoints(name: Name, resource_type: ResourceType | None) -> set[str]:
    """The endpoints that the addresses in an attribute lead to."""
    names = name.target.reference_types if name.target else ()
    if name.target and name.target.name == "location":
        kinds = (resource_type,) if resource_type else RESOURCE_TYPES
        names = tuple(kind.name for kind in kinds)
    return {kind.endpoint for kind in RESOURCE_TYPES if kind.name in names}
