"""Attribute notation (RFC 7644 §3.10): what a name like `emails.value` or
`urn:…:enterprise:2.0:User:manager.displayName` stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.scim.dialects import URN_ALIASES, Tolerance
from rollbook.attributes import (
    Attribute,
    AttributeType,
    Mutability,
    Returned,
    Uniqueness,
    made_once,
)
from rollbook.v1.filter_pb2 import AttributePath

if TYPE_CHECKING:
    from gateway.scim.dialects import Reading
    from rollbook.attributes import ResourceType

SCHEMAS: Final = Attribute(
    name="schemas",
    field="",
    schema="",
    type=AttributeType.REFERENCE,
    multi_valued=True,
    description="URNs of the schemas that the resource makes use of",
    required=True,
    case_exact=True,
    mutability=Mutability.READ_WRITE,
    returned=Returned.ALWAYS,
    uniqueness=Uniqueness.NONE,
    canonical_values=(),
    reference_types=("uri",),
    max_length=0,
)
"""The one attribute that no message has: it follows from which others are assigned."""

_NAME: Final = r"\$?[A-Za-z][A-Za-z0-9_$-]*+"
_ATTRIBUTE: Final = re.compile(rf"({_NAME})(?:\.({_NAME}))?")
_QUALIFIED: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class MalformedNameError(ValueError):
    """A text that is no attribute notation whatever attributes there are."""


class UnknownAttributeError(LookupError):
    """A name that no attribute has."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name that has been looked up.

    `schema` is the canonical URN of an extension, empty for core attributes. Without
    `attribute` the extension as a whole is meant. `part` is the sub-attribute. `in_element`
    says that the name stood inside the brackets of a value path, where it is `part` alone.
    """

    schema: str
    attribute: Attribute | None
    part: Attribute | None = None
    in_element: bool = False

    @property
    def target(self) -> Attribute | None:
        """The attribute or sub-attribute that is meant in the end."""
        return self.part or self.attribute

    def with_part(self, part: Attribute) -> Name:
        """The name of one of the parts."""
        return replace(self, part=part)

    def path(self) -> AttributePath:
        """The name as a message."""
        attribute = self.attribute.name if self.attribute else ""
        part = self.part.name if self.part else ""
        if self.in_element:
            return AttributePath(attribute=part)
        return AttributePath(schema=self.schema, attribute=attribute, sub_attribute=part)

    def __str__(self) -> str:
        path = self.path()
        name = ".".join(filter(None, (path.attribute, path.sub_attribute)))
        return ":".join(filter(None, (path.schema, name)))


def look_up(text: str, resource_type: ResourceType | None, reading: Reading) -> Name:
    """What a name stands for; without a resource type, in whichever of them knows it.

    At the root a name qualified by a core schema keeps that URN, since it is what tells one
    resource type from the others. Raises MalformedNameError or UnknownAttributeError.
    """
    if resource_type is not None:
        return _look_up_in(resource_type, text, reading).name
    for candidate in reading.schemas.resource_types:
        try:
            found = _look_up_in(candidate, text, reading)
        except UnknownAttributeError:
            continue
        return replace(found.name, schema=found.name.schema or found.qualifier)
    raise UnknownAttributeError(text)


def look_up_part(text: str, parent: Name) -> Name:
    """What a name inside the brackets of a value path stands for.

    The elements of an attribute that is not complex are called `value` there (RFC Editor
    erratum 7122). Raises MalformedNameError or UnknownAttributeError.
    """
    if not re.fullmatch(_NAME, text):
        raise MalformedNameError(text)
    attribute = parent.attribute
    part = attribute.sub_attribute(text) if attribute else None
    if part is None and attribute and not attribute.sub_attributes and text.lower() == "value":
        part = replace(attribute, name="value", multi_valued=False)
    if part is None:
        raise UnknownAttributeError(f"{parent}.{text}")
    return Name(parent.schema, attribute, part, in_element=True)


class _Found(NamedTuple):
    """A name, and the URN of the core schema if it was qualified by that."""

    name: Name
    qualifier: str = ""


def _look_up_in(resource_type: ResourceType, text: str, reading: Reading) -> _Found:
    for prefix in _prefixes(resource_type):
        rest = text[len(prefix.text) :]
        if rest[:1] in {"", ":", "."} and text[: len(prefix.text)].lower() == prefix.text:
            _check_prefix(prefix, rest, text, reading)
            return _look_up_qualified(resource_type, prefix, rest[1:], text)
    if _QUALIFIED.fullmatch(text):
        raise UnknownAttributeError(text)
    return _Found(_look_up_unqualified(resource_type, text, reading))


class _Prefix(NamedTuple):
    """A URN in lower case that names may be qualified by, and the registered URN it stands for,
    empty for the core schema."""

    text: str
    schema: str
    is_alias: bool


@made_once
def _prefixes(resource_type: ResourceType) -> tuple[_Prefix, ...]:
    """Longest first, since one URN may begin like another and URNs contain dots and colons."""
    extensions = {extension.schema.urn for extension in resource_type.extensions}
    prefixes = [_Prefix(resource_type.schema.urn.lower(), "", is_alias=False)]
    prefixes += [_Prefix(urn.lower(), urn, is_alias=False) for urn in extensions]
    prefixes += [
        _Prefix(alias, urn, is_alias=True)
        for alias, urn in URN_ALIASES.items()
        if not urn or urn in extensions
    ]
    return tuple(sorted(prefixes, key=lambda prefix: -len(prefix.text)))


def _check_prefix(prefix: _Prefix, rest: str, text: str, reading: Reading) -> None:
    if prefix.is_alias and not reading.tolerates(Tolerance.LEGACY_SCHEMA_URN):
        raise UnknownAttributeError(text)
    if rest.startswith(".") and not reading.tolerates(Tolerance.DOT_AFTER_URN):
        raise UnknownAttributeError(text)


def _look_up_qualified(
    resource_type: ResourceType, prefix: _Prefix, rest: str, text: str
) -> _Found:
    if not rest:
        if not prefix.schema:
            raise UnknownAttributeError(text)
        return _Found(Name(prefix.schema, None))
    attribute, part = _split(rest)
    name = _find(resource_type, prefix.schema, attribute, part)
    if name is None:
        raise UnknownAttributeError(text)
    return _Found(name, "" if prefix.schema else resource_type.schema.urn)


def _look_up_unqualified(resource_type: ResourceType, text: str, reading: Reading) -> Name:
    attribute, part = _split(text)
    if name := _find(resource_type, "", attribute, part):
        return name
    for extension in resource_type.extensions:
        name = _find(resource_type, extension.schema.urn, attribute, part)
        if name and reading.tolerates(Tolerance.UNQUALIFIED_EXTENSION):
            return name
    raise UnknownAttributeError(text)


def _split(text: str) -> tuple[str, str]:
    match = _ATTRIBUTE.fullmatch(text)
    if match is None:
        raise MalformedNameError(text)
    return match[1], match[2] or ""


def _find(resource_type: ResourceType, schema: str, attribute: str, part: str) -> Name | None:
    found = resource_type.attribute(attribute, schema)
    if found is None and not schema and attribute.lower() == SCHEMAS.name:
        found = SCHEMAS
    if found is None:
        return None
    if not part:
        return Name(schema, found)
    sub_attribute = found.sub_attribute(part)
    return Name(schema, found, sub_attribute) if sub_attribute else None
