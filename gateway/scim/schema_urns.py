"""The URNs in resources: what `schemas` declares and which extension a member is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.scim.dialects import URN_ALIASES, Tolerance
from gateway.scim.errors import invalid_syntax
from gateway.scim.values import is_unassigned, kind_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gateway.scim.dialects import Reading
    from rollbook.attributes import Extension, ResourceType


def declared_urns(
    resource_type: ResourceType, body: Mapping[str, object], reading: Reading
) -> Collection[str]:
    """The registered URNs that `schemas` of a resource names (RFC 7643 §3).

    Raises ScimError invalidSyntax when it is no array of strings or, unless tolerated, is
    missing, lacks the core schema or names one that the resource type does not have.
    """
    value = body.get("schemas")
    if value is None:
        value = next((body[name] for name in body if name.lower() == "schemas"), None)
    core = resource_type.schema.urn
    urns = [_registered(resource_type, urn, reading) for urn in _strings(value, reading)]
    if core not in urns and not reading.tolerates(Tolerance.MISSING_SCHEMAS):
        raise invalid_syntax(f"schemas must contain {core}.")
    return urns


def extension_of(resource_type: ResourceType, name: str, reading: Reading) -> Extension | None:
    """The extension whose attributes a member of that name holds; None when it is another."""
    if ":" not in name:
        return None
    if extension := resource_type.extension(name):
        return extension
    extension = resource_type.extension(URN_ALIASES.get(name.lower(), ""))
    return extension if extension and reading.tolerates(Tolerance.LEGACY_SCHEMA_URN) else None


def check_declared(extension: Extension, declared: Collection[str], reading: Reading) -> None:
    """Raises ScimError when `schemas` has to name an extension and does not (RFC 7643 §3)."""
    urn = extension.schema.urn
    if urn not in declared and not reading.tolerates(Tolerance.UNDECLARED_EXTENSION):
        raise invalid_syntax(f"schemas must contain {urn}, since the resource makes use of it.")


def _strings(value: object, reading: Reading) -> list[str]:
    if is_unassigned(value):
        return []
    if isinstance(value, str) and reading.tolerates(Tolerance.SINGLE_FOR_ARRAY):
        return [value]
    if not isinstance(value, list):
        raise invalid_syntax(f"schemas must be an array, not {kind_of(value)}.")
    for index, urn in enumerate(value):
        if not isinstance(urn, str):
            raise invalid_syntax(f"schemas[{index}] must be a string, not {kind_of(urn)}.")
    return value


def _registered(resource_type: ResourceType, urn: str, reading: Reading) -> str:
    """The URN as it is registered; "" for one that is passed over."""
    core = resource_type.schema.urn
    if urn.lower() == core.lower():
        return core
    if extension := resource_type.extension(urn):
        return extension.schema.urn
    alias = URN_ALIASES.get(urn.lower())
    if alias is not None and reading.tolerates(Tolerance.LEGACY_SCHEMA_URN):
        return alias or core
    if not reading.tolerates(Tolerance.FOREIGN_SCHEMA):
        raise invalid_syntax(f"{urn[:200]!r} is not a schema of {resource_type.name}.")
    return ""
