"""Finding resources: one, several, or a page of a list. Answers are protobuf bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError
from service.domain.membership import parse_id
from service.storage import resources

if TYPE_CHECKING:
    from uuid import UUID

    from rollbook.attributes import ResourceType
    from service.storage.database import Connection
    from service.storage.derived import View


def not_found(resource_type: ResourceType, key: str) -> DomainError:
    """There is no resource of that type by that id or other key."""
    return DomainError(
        ErrorReason.Value(f"ERROR_REASON_{resource_type.field.upper()}_NOT_FOUND"),
        f"There is no {resource_type.noun} {key[:100]!r}.",
        metadata={"resourceType": resource_type.name, "resourceName": key[:100]},
    )


def identifier_of(resource_type: ResourceType, text: str) -> UUID:
    """An id from a request. Raises NOT_FOUND for a text that no resource has as its id: of
    which syntax an id is, is nobody's business but ours."""
    identifier = parse_id(text)
    if identifier is None:
        raise not_found(resource_type, text)
    return identifier


async def existing(
    connection: Connection,
    tenant_id: UUID,
    resource_type: ResourceType,
    identifier: UUID,
    view: View,
) -> bytes:
    """One resource. Raises NOT_FOUND."""
    found = await resources.get(connection, tenant_id, resource_type, identifier, view)
    if found is None:
        raise not_found(resource_type, str(identifier))
    return found
