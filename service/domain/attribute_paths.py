"""Attribute paths looked up in the attribute tables.

The result is the chain of attributes from the resource down: an extension as a whole counts as a
complex attribute with its URN for a name, so `urn:…:User:manager.value` is a chain of three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rollbook.attributes import (
    DEFAULT_MAX_LENGTH,
    Attribute,
    AttributeType,
    Mutability,
    ResourceType,
    Returned,
    Uniqueness,
)
from rollbook.v1 import attribute_pb2
from rollbook.v1.effective_access_pb2 import EffectiveAccess

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook.v1.filter_pb2 import AttributePath

Chain = tuple[Attribute, ...]

SCHEMAS: Final = Attribute(
    name="schemas",
    field="",
    schema="",
    type=AttributeType.STRING,
    multi_valued=True,
    description="URNs of the schemas of the resource",
    required=True,
    # URNs are compared without regard to case where they qualify attributes (RFC 7644 §3.10).
    case_exact=False,
    mutability=Mutability.READ_WRITE,
    returned=Returned.ALWAYS,
    uniqueness=Uniqueness.NONE,
    canonical_values=(),
    reference_types=(),
    max_length=DEFAULT_MAX_LENGTH,
)
"""The attribute of every resource (RFC 7643 §3) that no message has: it follows from which
extensions are populated."""


GATHERED: Final = EffectiveAccess.DESCRIPTOR.GetOptions().Extensions[attribute_pb2.schema].urn
"""The extension that is gathered when a resource is shown, and stored nowhere."""


def is_gathered(chain: Chain) -> bool:
    """Whether a path leads to what nobody can look for: the roles that somebody has in the end."""
    return chain[0].name == GATHERED


def text_of(path: AttributePath) -> str:
    """A path as SCIM writes it, e.g. `name.familyName`."""
    text = ".".join(part for part in (path.attribute, path.sub_attribute) if part)
    return ":".join(part for part in (path.schema, text) if part)


def find(path: AttributePath, resource_type: ResourceType) -> Chain | None:
    """The attributes that a path goes through; None when the type has no such attribute.

    Names are SCIM names or those of the protobuf fields, in any case (RFC 7643 §2.1).
    """
    if not path.schema or path.schema.lower() == resource_type.schema.urn.lower():
        return find_part(path, (*resource_type.schema.attributes, SCHEMAS))
    extension = resource_type.extension(path.schema)
    if extension is None:
        return None
    whole = extension.as_attribute
    if not path.attribute:
        return None if path.sub_attribute else (whole,)
    chain = find_part(path, extension.schema.attributes)
    return (whole, *chain) if chain else None


def find_part(path: AttributePath, attributes: Iterable[Attribute]) -> Chain | None:
    """The one or two attributes that a path without its schema names."""
    attribute = _named(path.attribute, attributes)
    if attribute is None:
        return None
    if not path.sub_attribute:
        return (attribute,)
    part = _named(path.sub_attribute, attribute.sub_attributes)
    return (attribute, part) if part else None


def _named(name: str, attributes: Iterable[Attribute]) -> Attribute | None:
    wanted = name.lower()
    return next((a for a in attributes if wanted in (a.name.lower(), a.field)), None)
