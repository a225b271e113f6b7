"""How a registered schema may change: it grows, and what is there stays what it is.

Attributes have the numbers of protobuf fields, which stored values are kept under: a number is
never given to another attribute, and no attribute gets another type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from service.domain.errors import invalid_value, mutability

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook.v1.schema_pb2 import AttributeDefinition, SchemaDefinition

_FIXED: Final = {
    "type": "type",
    "multi_valued": "multiValued",
    "case_exact": "caseExact",
    "mutability": "mutability",
    "returned": "returned",
    "uniqueness": "uniqueness",
    "reference_types": "referenceTypes",
}
"""Characteristics that stay, with the names that messages use."""


def number_attributes(definition: SchemaDefinition) -> None:
    """Give the attributes of a new schema their numbers, in place."""
    _number(definition.attributes, {})


def check_change(before: SchemaDefinition, after: SchemaDefinition) -> None:
    """Check a changed definition against the one of before, and give its attributes the numbers
    that they have, or new ones, in place.

    Raises MUTABILITY for an attribute that goes or changes, INVALID_VALUE for a new one that is
    required: resources are there without it.
    """
    _check(before.attributes, after.attributes, "")


def _check(
    before: Iterable[AttributeDefinition], after: Sequence[AttributeDefinition], prefix: str
) -> None:
    old = {attribute.name: attribute for attribute in before}
    new = {attribute.name: attribute for attribute in after}
    for name, attribute in old.items():
        if name not in new:
            raise mutability(f"{prefix}{name}", f"The attribute {prefix}{name} cannot go.")
        _check_same(attribute, new[name], prefix)
    for name, attribute in new.items():
        if name not in old and attribute.required:
            path = f"{prefix}{name}"
            raise invalid_value(path, f"{path} cannot be required: resources are without it.")
    _number(after, {name: attribute.field_number for name, attribute in old.items()})


def _check_same(old: AttributeDefinition, new: AttributeDefinition, prefix: str) -> None:
    path = f"{prefix}{old.name}"
    for field, shown in _FIXED.items():
        if getattr(old, field) != getattr(new, field):
            raise mutability(path, f"The {shown} of {path} cannot change.")
    if new.required and not old.required:
        raise mutability(path, f"{path} cannot become required: resources are without it.")
    if old.sub_attributes:
        _check(old.sub_attributes, new.sub_attributes, f"{path}.")


def _number(attributes: Sequence[AttributeDefinition], known: dict[str, int]) -> None:
    last = max(known.values(), default=0)
    for attribute in attributes:
        if attribute.name in known:
            attribute.field_number = known[attribute.name]
            continue
        last += 1
        attribute.field_number = last
        _number(attribute.sub_attributes, {})
