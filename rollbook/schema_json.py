"""SCIM Schema documents (RFC 7643 §7) ↔ `SchemaDefinition` messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format

from rollbook.v1.schema_pb2 import SchemaDefinition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook.v1.schema_pb2 import AttributeDefinition

SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Schema"

_NOT_DEFINED: Final = frozenset({"schemas", "meta"})
"""Members of the document that say nothing of the schema."""


def definition_from_json(document: object) -> SchemaDefinition:
    """What a SCIM Schema document, as `json.load` gives it, defines.

    Raises ValueError naming the member that is unknown or of a wrong type. Whether the definition
    makes sense is for the service to say.
    """
    if not isinstance(document, dict):
        raise ValueError("A schema is a JSON object.")  # noqa: TRY004  the document is wrong
    members = {name: value for name, value in document.items() if name not in _NOT_DEFINED}
    try:
        return json_format.ParseDict(members, SchemaDefinition())
    except json_format.ParseError as error:
        raise ValueError(f"This is no SCIM schema: {error}") from error


def definition_to_json(definition: SchemaDefinition) -> Mapping[str, Any]:
    """The SCIM Schema document of a definition. Field numbers are left out."""
    copy = SchemaDefinition()
    copy.CopyFrom(definition)
    for attribute in copy.attributes:
        _forget_numbers(attribute)
    return {"schemas": [SCHEMA], **json_format.MessageToDict(copy)}


def _forget_numbers(attribute: AttributeDefinition) -> None:
    attribute.ClearField("field_number")
    for part in attribute.sub_attributes:
        _forget_numbers(part)
