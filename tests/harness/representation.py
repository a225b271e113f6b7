"""A resource of the contract as SCIM JSON, by protobuf's own JSON mapping.

Written apart from the gateway's translation, and simply, so that the two can be held against
each other: what SCIM shows must be what the message says.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf import json_format

from rollbook.attributes import RESOURCE_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

Resource = TypeVar("Resource", bound="Message")

SERVICE_ACCOUNT_SCHEMA: Final = "urn:rollbook:params:scim:schemas:core:2.0:ServiceAccount"
USER_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_SCHEMA: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_URNS: Final = {kind.name: kind.schema.urn for kind in RESOURCE_TYPES}

_ON_REQUEST: Final = {
    "owner": frozenset({"active"}),
    "members": frozenset({"origin", "syncedTime"}),
}
"""What gRPC shows in any case and SCIM only when asked, or never; of resources it is `origin`."""

_UNORDERED: Final = frozenset({"members", "groups"})


def message_from_json(kind: type[Resource], document: Mapping[str, Any]) -> Resource:
    """The message of a resource that is written as SCIM JSON, for requests over gRPC."""
    fields = {name: value for name, value in document.items() if name != "schemas"}
    if ENTERPRISE_SCHEMA in fields:
        fields["enterprise"] = fields.pop(ENTERPRISE_SCHEMA)
    return json_format.ParseDict(fields, kind())


def json_from_message(resource: Message) -> dict[str, Any]:
    """The resource as SCIM JSON in the form of `comparable`."""
    document = json_format.MessageToDict(resource)
    document.pop("origin", None)
    schemas = [_URNS[resource.DESCRIPTOR.name]]
    extension = document.pop("enterprise", None)
    if extension:
        document[ENTERPRISE_SCHEMA] = extension
        schemas.append(ENTERPRISE_SCHEMA)
    return comparable({"schemas": schemas, **document})


def comparable(document: Mapping[str, Any]) -> dict[str, Any]:
    """SCIM JSON without what only the gateway knows (addresses), times as moments, and sets in
    one order."""
    result = {name: _comparable_value(name, value) for name, value in document.items()}
    if "meta" in result:
        result["meta"].pop("location", None)
    if "schemas" in result:
        result["schemas"] = sorted(result["schemas"])
    return result


def _comparable_value(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        hidden = _ON_REQUEST.get(name, frozenset()) | {"$ref"}
        return {
            key: _comparable_value(key, part) for key, part in value.items() if key not in hidden
        }
    if isinstance(value, list):
        elements = [_comparable_value(name, element) for element in value]
        return sorted(elements, key=_value_of) if name in _UNORDERED else elements
    if name in {"created", "lastModified"}:
        return datetime.fromisoformat(value).astimezone(UTC)
    return value


def _value_of(element: Mapping[str, Any]) -> str:
    return str(element["value"])
