"""What a schema that is registered at run time must satisfy (RFC 7643 §2, §7).

More narrow than the RFC where Rollbook could not keep what a definition promises: the errors say
so. Fields in errors are paths into the SCIM Schema document, e.g. `attributes[0].type`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.attributes import (
    COMMON_ATTRIBUTES,
    RESOURCE_TYPES,
    AttributeType,
    Mutability,
    Returned,
    Uniqueness,
)
from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.schema_pb2 import SchemaDefinition
from service.domain.errors import DomainError, invalid_value
from service.domain.schema_urns import check_urn

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from enum import StrEnum

    from rollbook.v1.schema_pb2 import AttributeDefinition

MAX_ATTRIBUTES: Final = 100
"""How many attributes a schema has, and how many parts one of them."""

MAX_ATTRIBUTES_OF_TENANT: Final = 2_000
"""How many the schemas of a tenant have together, parts counted: they are held in memory."""

MAX_BYTES: Final = 65_536
"""How large a definition is, in bytes of its protobuf form."""

MAX_NAME_LENGTH: Final = 64
MAX_TEXT_LENGTH: Final = 2_048
MAX_WORDS: Final = 200
"""How many canonical values an attribute has."""

MAX_WORD_LENGTH: Final = 256

# RFC 7643 §2.1; `$ref` is the one name that it has with a `$`.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")

_RESERVED: Final = frozenset({name.lower() for name in COMMON_ATTRIBUTES} | {"schemas"})

_REFERENCE: Final = "$ref"

_COMMON_PARTS: Final = {
    "value": frozenset(AttributeType) - {AttributeType.COMPLEX},
    "type": frozenset({AttributeType.STRING}),
    "primary": frozenset({AttributeType.BOOLEAN}),
    "display": frozenset({AttributeType.STRING}),
    _REFERENCE: frozenset({AttributeType.REFERENCE}),
}
"""The types of sub-attributes that mean the same everywhere (RFC 7643 §2.4)."""

_RESOURCES: Final = tuple(kind.name for kind in RESOURCE_TYPES)
_REFERENCE_TYPES: Final = frozenset({*_RESOURCES, "external", "uri"})

_CAN_BE_UNIQUE: Final = frozenset(
    {AttributeType.STRING, AttributeType.REFERENCE, AttributeType.INTEGER}
)


def completed(definition: SchemaDefinition) -> SchemaDefinition:
    """A copy with a word for every characteristic that the definition leaves to the RFC, without
    field numbers. Raises INVALID_VALUE and TOO_MANY, naming what is wrong with it."""
    if (size := definition.ByteSize()) > MAX_BYTES:
        raise invalid_value("", f"The schema has {size} bytes; {MAX_BYTES} are the most.")
    result = SchemaDefinition()
    result.CopyFrom(definition)
    check_urn(result.id)
    result.name = result.name or result.id
    _check_text(result.name, "name", MAX_WORD_LENGTH)
    _check_text(result.description, "description", MAX_TEXT_LENGTH)
    _complete(result.attributes, "attributes", None)
    return result


def count_attributes(definition: SchemaDefinition) -> int:
    """How many attributes and parts of attributes there are."""
    return sum(1 + len(attribute.sub_attributes) for attribute in definition.attributes)


@dataclass(frozen=True, slots=True)
class _Place:
    """An attribute within the document; `parent` is that of a sub-attribute."""

    path: str
    attribute: AttributeDefinition
    parent: AttributeDefinition | None
    siblings: Sequence[AttributeDefinition]

    @property
    def type(self) -> AttributeType:
        return AttributeType(self.attribute.type)

    def sibling(self, name: str) -> AttributeDefinition | None:
        return next((each for each in self.siblings if each.name == name), None)

    def error(self, field: str, problem: str) -> DomainError:
        return invalid_value(
            f"{self.path}.{field}", f"{self.path} ({self.attribute.name[:100]!r}): {problem}"
        )


def _complete(
    attributes: Sequence[AttributeDefinition], path: str, parent: AttributeDefinition | None
) -> None:
    if not attributes:
        raise invalid_value(path, f"{path} is empty: define at least one attribute.")
    if len(attributes) > MAX_ATTRIBUTES:
        raise DomainError(
            ErrorReason.ERROR_REASON_TOO_MANY,
            f"{path} has {len(attributes)} entries; {MAX_ATTRIBUTES} are the most.",
            field=path,
        )
    places = [
        _Place(f"{path}[{index}]", attribute, parent, attributes)
        for index, attribute in enumerate(attributes)
    ]
    for place in places:
        _check_name(place)
        _fill_in(place.attribute)
    _check_distinct(places)
    for place in places:
        for check in _CHECKS:
            check(place)
        if place.type is AttributeType.COMPLEX:
            _complete(
                place.attribute.sub_attributes, f"{place.path}.subAttributes", place.attribute
            )


def _fill_in(attribute: AttributeDefinition) -> None:
    """The defaults of RFC 7643 §2.2."""
    attribute.field_number = 0
    attribute.type = attribute.type or AttributeType.STRING
    attribute.mutability = attribute.mutability or Mutability.READ_WRITE
    hidden = attribute.mutability == Mutability.WRITE_ONLY
    attribute.returned = attribute.returned or (Returned.NEVER if hidden else Returned.DEFAULT)
    attribute.uniqueness = attribute.uniqueness or Uniqueness.NONE
    if attribute.type == AttributeType.REFERENCE and not attribute.reference_types:
        attribute.reference_types.append("uri")


def _check_name(place: _Place) -> None:
    name = place.attribute.name
    if len(name) > MAX_NAME_LENGTH:
        raise place.error("name", f"a name has at most {MAX_NAME_LENGTH} characters.")
    if place.parent is not None and name == _REFERENCE:
        return
    if not _NAME.fullmatch(name):
        raise place.error("name", "a name is a letter, then letters, digits, - and _.")
    if place.parent is None and name.lower() in _RESERVED:
        raise place.error("name", "every resource has an attribute of this name already.")
    if place.parent is not None and name.lower() in _COMMON_PARTS and name not in _COMMON_PARTS:
        raise place.error("name", f"write it as {name.lower()!r}.")


def _check_distinct(places: Iterable[_Place]) -> None:
    """Names differ in more than case (RFC 7643 §2.1), and in more than - and _ since gRPC clients
    see them in the form of protobuf's."""
    seen: dict[str, str] = {}
    for place in places:
        name = place.attribute.name
        key = re.sub(r"[$_-]", "", name).lower()
        if key in seen:
            raise place.error(
                "name", f"it differs from {seen[key]!r} in nothing but case, - and _."
            )
        seen[key] = name


def _check_type(place: _Place) -> None:
    attribute = place.attribute
    _check_word(place, "type", attribute.type, AttributeType)
    is_complex = place.type is AttributeType.COMPLEX
    if is_complex and place.parent is not None:
        raise place.error("type", "a sub-attribute cannot be complex (RFC 7643 §2.3.8).")
    if attribute.sub_attributes and not is_complex:
        raise place.error("subAttributes", "only a complex attribute has sub-attributes.")


def _check_part(place: _Place) -> None:
    """Rules for sub-attributes."""
    attribute, parent = place.attribute, place.parent
    if parent is None:
        return
    if attribute.multi_valued:
        raise place.error("multiValued", "a sub-attribute with several values is not supported.")
    allowed = _COMMON_PARTS.get(attribute.name)
    if allowed is not None and place.type not in allowed:
        raise place.error("type", f"{attribute.name} is a {' or '.join(sorted(allowed))}.")
    if attribute.name == _REFERENCE:
        _check_reference_part(place)
    elif attribute.mutability not in {Mutability.READ_WRITE, parent.mutability}:
        raise place.error(
            "mutability", f"it must be readWrite or, as that of {parent.name}, {parent.mutability}."
        )


def _check_reference_part(place: _Place) -> None:
    """`$ref` is made from `value` and, if there are several kinds, `type` beside it."""
    types = place.attribute.reference_types
    if not set(types) <= set(_RESOURCES):
        raise place.error("referenceTypes", f"$ref leads to resources: {' or '.join(_RESOURCES)}.")
    value = place.sibling("value")
    if value is None or value.type != AttributeType.STRING:
        raise place.error("name", "$ref needs a string `value` beside it: the id it leads to.")
    if len(types) > 1 and place.sibling("type") is None:
        raise place.error(
            "referenceTypes", "to lead to several types, $ref needs a string `type` beside it."
        )


def _check_mutability(place: _Place) -> None:
    attribute = place.attribute
    _check_word(place, "mutability", attribute.mutability, Mutability)
    _check_word(place, "returned", attribute.returned, Returned)
    if attribute.mutability == Mutability.READ_ONLY and attribute.required:
        raise place.error(
            "required", "no provisioning client can set what is readOnly, so it cannot be required."
        )
    if attribute.mutability == Mutability.WRITE_ONLY and attribute.returned != Returned.NEVER:
        raise place.error("returned", "what is writeOnly is never returned (RFC 7643 §7).")


def _check_uniqueness(place: _Place) -> None:
    attribute = place.attribute
    _check_word(place, "uniqueness", attribute.uniqueness, Uniqueness)
    if attribute.uniqueness == Uniqueness.NONE:
        return
    if attribute.uniqueness == Uniqueness.GLOBAL:
        raise place.error(
            "uniqueness", 'no service can see to "global"; "server" is unique among all resources.'
        )
    if place.parent is not None or attribute.multi_valued or place.type not in _CAN_BE_UNIQUE:
        kinds = ", ".join(sorted(_CAN_BE_UNIQUE))
        raise place.error(
            "uniqueness",
            f"unique can be only an attribute with a single value of these types: {kinds}.",
        )


def _check_words(place: _Place) -> None:
    attribute = place.attribute
    _check_text(attribute.description, f"{place.path}.description", MAX_TEXT_LENGTH)
    if attribute.reference_types and place.type is not AttributeType.REFERENCE:
        raise place.error("referenceTypes", "only a reference has referenceTypes.")
    unknown = set(attribute.reference_types) - _REFERENCE_TYPES
    if unknown:
        known = ", ".join(sorted(_REFERENCE_TYPES))
        raise place.error("referenceTypes", f"{min(unknown)[:100]!r} is none of {known}.")
    if len(attribute.canonical_values) > MAX_WORDS:
        raise place.error("canonicalValues", f"there can be {MAX_WORDS} at most.")
    if attribute.canonical_values and place.type is AttributeType.COMPLEX:
        raise place.error("canonicalValues", "a complex attribute has none; its parts may.")
    for word in attribute.canonical_values:
        _check_text(word, f"{place.path}.canonicalValues", MAX_WORD_LENGTH)


def _check_word(place: _Place, field: str, word: str, known: type[StrEnum]) -> None:
    words: Collection[str] = [each.value for each in known]
    if word not in words:
        raise place.error(field, f"{field} {word[:100]!r} is none of {', '.join(words)}.")


def _check_text(text: str, field: str, limit: int) -> None:
    if len(text) > limit:
        raise invalid_value(field, f"{field} has {len(text)} characters; {limit} are the most.")
    if "\0" in text:
        raise invalid_value(field, f"{field} contains the character U+0000.")


_CHECKS: Final = (_check_type, _check_part, _check_mutability, _check_uniqueness, _check_words)
