"""A schema as an administrator might register it: an attribute of every type and mutability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from rollbook.schema_json import definition_from_json

if TYPE_CHECKING:
    from rollbook.v1.schema_pb2 import SchemaDefinition
    from tests.harness.scim import ScimClient

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
BADGE: Final = "urn:acme:params:scim:schemas:extension:badge:1.0:User"

BADGE_SCHEMA: Final[dict[str, Any]] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
    "id": BADGE,
    "name": "Badge",
    "description": "What is on a badge",
    "attributes": [
        {"name": "number", "type": "string", "uniqueness": "server", "description": "On its back"},
        {"name": "code", "type": "string", "caseExact": True},
        {"name": "level", "type": "integer"},
        {"name": "height", "type": "decimal"},
        {"name": "valid", "type": "boolean"},
        {"name": "until", "type": "dateTime"},
        {"name": "picture", "type": "binary"},
        {"name": "page", "type": "reference", "referenceTypes": ["external"]},
        {"name": "doors", "type": "string", "multiValued": True},
        {"name": "shifts", "type": "dateTime", "multiValued": True},
        {"name": "location", "type": "string"},
        {"name": "issuer", "type": "string", "mutability": "immutable"},
        {"name": "pin", "type": "string", "mutability": "writeOnly"},
        {"name": "lastSeen", "type": "dateTime", "mutability": "readOnly"},
        {"name": "history", "type": "string", "returned": "request"},
        {"name": "secret", "type": "string", "returned": "never"},
        {
            "name": "printer",
            "type": "complex",
            "subAttributes": [
                {"name": "name", "type": "string", "required": True},
                {"name": "class", "type": "integer"},
            ],
        },
        {
            "name": "keys",
            "type": "complex",
            "multiValued": True,
            "subAttributes": [
                {"name": "value", "type": "string"},
                {"name": "type", "type": "string", "canonicalValues": ["door", "locker"]},
                {"name": "primary", "type": "boolean"},
                {"name": "weight", "type": "decimal"},
            ],
        },
        {
            "name": "guards",
            "type": "complex",
            "multiValued": True,
            "subAttributes": [
                {"name": "value", "type": "string", "caseExact": True},
                {"name": "$ref", "type": "reference", "referenceTypes": ["User"]},
            ],
        },
    ],
}


def definition(urn: str = BADGE, *attributes: dict[str, Any], **members: Any) -> SchemaDefinition:
    """A schema with these attributes; with a number, if none are given."""
    document = {"id": urn, "attributes": list(attributes or ({"name": "number"},)), **members}
    return definition_from_json(document)


def with_badge(name: str, **badge: Any) -> dict[str, Any]:
    """A user with a badge, as a SCIM client sends it."""
    return {"schemas": [USER, BADGE], "userName": name, BADGE: badge}


async def found(scim: ScimClient, condition: str, endpoint: str = "/Users") -> list[dict[str, Any]]:
    """The resources that meet a filter."""
    answer = await scim.get(f"{endpoint}?filter={quote(condition)}")
    assert answer.status == 200, answer.body
    resources: list[dict[str, Any]] = answer.body["Resources"]
    return resources
