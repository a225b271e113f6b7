"""Patch paths and attribute names as text → messages (RFC 7644 figure 7, §3.10)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gateway.scim.dialects import LENIENT, Reading, Tolerance
from gateway.scim.errors import invalid_path
from gateway.scim.filters import parse_element_filter
from gateway.scim.lexer import MAX_LENGTH
from gateway.scim.notation import (
    MalformedNameError,
    Name,
    UnknownAttributeError,
    look_up,
    look_up_part,
)
from rollbook.schema_sets import DEFAULT
from rollbook.v1.patch_pb2 import PatchPath

if TYPE_CHECKING:
    from rollbook.attributes import Attribute, ResourceType
    from rollbook.schema_sets import SchemaSet
    from rollbook.v1.filter_pb2 import AttributePath, Filter

# attrPath [ "[" valFilter "]" [ "." subAttr ] ]: a bracket in quotes is none, and none nest.
_PATH: Final = re.compile(
    r"""
    (?P<name> [^\s"\[\]]++ )
    (?: \[ (?P<filter> (?: [^"\[\]]++ | "(?: [^"\\] | \\. )*+" )*+ ) \]
        (?: \. (?P<part> [^\s"\[\].]++ ) )?
    )?
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Path:
    """A patch path that has been looked up: what it names, and the condition that elements of
    it have to meet, if any."""

    name: Name
    condition: Filter | None = None

    @property
    def selects_all(self) -> bool:
        """Whether it means the attribute as it is, not some elements or a part of it."""
        return self.condition is None and self.name.part is None

    def with_part(self, part: Attribute) -> Path:
        """The path of a sub-attribute."""
        return replace(self, name=self.name.with_part(part))

    def message(self) -> PatchPath:
        """The path as a message."""
        return PatchPath(attribute=self.name.path(), filter=self.condition)


def parse_patch_path(text: str, resource_type: ResourceType, reading: Reading) -> PatchPath | None:
    """The target that the path of an operation names.

    None when it names an attribute that does not exist and the dialect ignores such operations.
    Raises invalidPath when it is malformed or names none, invalidFilter when the filter between
    its brackets is wrong.
    """
    path = read_path(text, resource_type, reading)
    return path.message() if path else None


def parse_attribute_path(
    text: str, resource_type: ResourceType | None, schemas: SchemaSet = DEFAULT
) -> AttributePath | None:
    """The attribute that a name in `sortBy` means; None when there is none of that name. Without
    a resource type that of any in `schemas`."""
    try:
        return look_up(text, resource_type, Reading(LENIENT, schemas=schemas)).path()
    except (MalformedNameError, UnknownAttributeError):
        return None


def read_path(text: str, resource_type: ResourceType, reading: Reading) -> Path | None:
    """As `parse_patch_path`, with the attributes that the path names."""
    try:
        return look_up_path(text, resource_type, reading)
    except MalformedNameError:
        raise invalid_path(
            f"The path {text[:200]!r} is malformed. Expected is attribute, attribute.part, "
            f"attribute[filter] or attribute[filter].part."
        ) from None
    except UnknownAttributeError as error:
        if reading.tolerates(Tolerance.UNKNOWN_ATTRIBUTE):
            return None
        raise invalid_path(f"A {resource_type.name} has no attribute {str(error)[:200]}.") from None


def look_up_path(text: str, resource_type: ResourceType, reading: Reading) -> Path:
    """The target that a path, or a member of a value that is written like one, names.

    Raises MalformedNameError, UnknownAttributeError, and ScimError: invalidPath when there are
    no elements that a filter could select, invalidFilter when the filter is wrong.
    """
    if len(text) > MAX_LENGTH:
        raise invalid_path(
            f"The path has {len(text)} characters; at most {MAX_LENGTH} are accepted."
        )
    match = _PATH.fullmatch(text)
    if match is None:
        raise MalformedNameError(text)
    name = look_up(match["name"], resource_type, reading)
    if match["filter"] is None:
        return Path(name)
    _check_has_elements(name)
    condition = parse_element_filter(match["filter"], name, resource_type, reading)
    return Path(_with_part(name, match["part"]), condition)


def _check_has_elements(name: Name) -> None:
    if name.part or name.attribute is None or not name.attribute.multi_valued:
        raise invalid_path(f"{name} has no elements that a filter could select.")


def _with_part(name: Name, part: str | None) -> Name:
    if part is None:
        return name
    attribute = look_up_part(part, name).part
    assert attribute is not None
    return name.with_part(attribute)
