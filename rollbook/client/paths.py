"""Attribute names as programmers write them, e.g. "name.familyName"."""

from __future__ import annotations

from typing import Final

from rollbook.v1.attribute_pb2 import schema as schema_option
from rollbook.v1.enterprise_user_pb2 import EnterpriseUser
from rollbook.v1.filter_pb2 import AttributePath
from rollbook.v1.origin_pb2 import Origin

ENTERPRISE: Final = EnterpriseUser.DESCRIPTOR.GetOptions().Extensions[schema_option].urn
"""The URN of the enterprise extension (RFC 7643 §4.3)."""

ORIGIN: Final = Origin.DESCRIPTOR.GetOptions().Extensions[schema_option].urn
"""The URN of the extension that tells who manages a resource (docs/connections.md)."""


def attribute_path(name: str, schema: str = "") -> AttributePath:
    """The path of a SCIM attribute, "userName" or "name.familyName", of the core schema or the
    extension `schema`. An empty name is the extension as a whole. Raises ValueError when the
    name has more than two parts or an empty one."""
    attribute, dot, part = name.partition(".")
    if "." in part or (dot and not (attribute and part)) or not (name or schema):
        raise ValueError(
            f"{name!r} names no attribute: write it as userName or name.familyName, and the URN "
            "of an extension as schema=…"
        )
    return AttributePath(schema=schema, attribute=attribute, sub_attribute=part)


def path_text(path: AttributePath) -> str:
    """The path as SCIM writes it."""
    name = ".".join(filter(None, (path.attribute, path.sub_attribute)))
    return ":".join(filter(None, (path.schema, name)))
