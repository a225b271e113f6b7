"""Role catalogues as YAML: what `rollbook role catalogue load` takes and `show` prints.

The names are those of the contract. Beside the catalogue a file may name `scopes` to register, by
their patterns, and `extensions`: schemas to register and the resource types to attach them to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError

from rollbook.schema_json import definition_from_json
from rollbook.v1.role_pb2 import RoleCatalogue, RoleScope, UnknownScopes

if TYPE_CHECKING:
    from rollbook.v1.schema_pb2 import SchemaDefinition

_PREFIX: Final = "UNKNOWN_SCOPES_"
_BESIDE: Final = ("scopes", "extensions")


@dataclass(frozen=True, slots=True)
class Extension:
    """A schema and the resource type that it is to extend."""

    resource_type: str
    schema: SchemaDefinition


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """What a file holds: the catalogue, scopes by their patterns, and extensions."""

    catalogue: RoleCatalogue
    scopes: dict[str, list[RoleScope]]
    extensions: list[Extension]


def parse_catalogue(text: str) -> CatalogueFile:
    """What a YAML text says. Raises ValueError that tells what is wrong with it."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise _wrong("a catalogue is an object with `types`")
    beside = {name: content.pop(name, None) for name in _BESIDE}
    catalogue = _catalogue({str(name): value for name, value in content.items()})
    return CatalogueFile(catalogue, _scopes(beside["scopes"]), _extensions(beside["extensions"]))


def format_catalogue(catalogue: RoleCatalogue) -> str:
    """The catalogue as YAML that `parse_catalogue` takes."""
    content = MessageToDict(catalogue, preserving_proto_field_name=True)
    for given in ("etag", "update_time"):
        content.pop(given, None)
    if "unknown_scopes" in content:
        content["unknown_scopes"] = content["unknown_scopes"].removeprefix(_PREFIX).lower()
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return text


def _catalogue(content: dict[str, Any]) -> RoleCatalogue:
    setting = content.get("unknown_scopes")
    if setting is not None:
        names = [name.removeprefix(_PREFIX).lower() for name in UnknownScopes.keys()][1:]  # noqa: SIM118  no mapping
        if setting not in names:
            raise ValueError(f"unknown_scopes is one of {', '.join(names)}, not {setting!r}")
        content["unknown_scopes"] = f"{_PREFIX}{setting.upper()}"
    try:
        return ParseDict(content, RoleCatalogue())
    except ParseError as error:
        raise ValueError(str(error)) from None


def _scopes(content: object) -> dict[str, list[RoleScope]]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise _wrong("scopes has lists of names by pattern, as `workspace_<name>: [prod]`")
    return {str(pattern): _names(str(pattern), names) for pattern, names in content.items()}


def _names(pattern: str, names: object) -> list[RoleScope]:
    if names is not None and not isinstance(names, list):
        raise _wrong(f"scopes.{pattern} is a list of names")
    return [RoleScope(type=pattern, name=str(name)) for name in names or ()]


def _extensions(content: object) -> list[Extension]:
    if content is None:
        return []
    if not isinstance(content, list):
        raise _wrong("extensions is a list of `resource_type` and `schema`")
    return [_extension(each) for each in content]


def _extension(content: object) -> Extension:
    if not isinstance(content, dict) or content.keys() != {"resource_type", "schema"}:
        raise _wrong("an extension has a `resource_type` and a `schema`, nothing else")
    return Extension(str(content["resource_type"]), definition_from_json(content["schema"]))


def _wrong(fault: str) -> ValueError:
    """What the file says has another form than it should."""
    return ValueError(fault)
