"""Lists are in the order that RFC 7644 §3.4.2.3 asks for, whichever way they are paged through."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from rollbook.attributes import RESOURCE_TYPES, AttributeType, ResourceType
from rollbook.v1.filter_pb2 import AttributePath, OrderBy
from service.domain.attribute_paths import GATHERED
from service.domain.errors import DomainError
from service.domain.search.folding import fold
from service.domain.search.ordering import resolve_order
from service.domain.search.search_values import instant
from service.storage.search.sort_sql import SortKey, sort_key
from tests.property.device import DEVICE
from tests.property.directories import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    import asyncpg

    from rollbook.attributes import Attribute
    from tests.property.directories import Directory

PAGE_SIZE = 7


def _orders(resource_type: ResourceType) -> Iterator[tuple[str, str, Attribute | None, Attribute]]:
    """Every attribute that can be sorted by: schema, path, the attribute and its part."""
    schemas = [("", resource_type.schema)]
    schemas += [(extension.schema.urn, extension.schema) for extension in resource_type.extensions]
    for urn, schema in schemas:
        if urn == GATHERED:
            continue
        for attribute in schema.attributes:
            if not attribute.sub_attributes:
                yield urn, attribute.name, None, attribute
            for part in attribute.sub_attributes:
                yield urn, f"{attribute.name}.{part.name}", attribute, part


CASES = [
    pytest.param(resource_type, *order, id=f"{resource_type.name} {order[0]}:{order[1]}")
    for resource_type in (*RESOURCE_TYPES, DEVICE)
    for order in _orders(resource_type)
]


def _value(
    resource: Any, urn: str, owner: Attribute | None, attribute: Attribute, kind: Any
) -> Any:
    """What a resource is sorted by, read without the help of the code under test."""
    holder = resource
    if urn:
        holder = getattr(resource, kind.extension(urn).field)
    for step in (owner, attribute) if owner else (attribute,):
        if holder is None:
            return None
        if step.multi_valued:
            elements = [element for element in getattr(holder, step.field) if _has_content(element)]
            primary = [element for element in elements if getattr(element, "primary", False)]
            holder = next(iter(primary + elements), None)
        else:
            holder = getattr(holder, step.field) if holder.HasField(step.field) else None
    return _comparable(holder, attribute)


def _has_content(element: Any) -> bool:
    if hasattr(element, "ListFields"):
        fields = [value for _, value in element.ListFields()]
        if element.DESCRIPTOR.full_name == "google.protobuf.Timestamp":
            return True
        return any(
            any(map(_has_content, value))
            if hasattr(value, "append") or hasattr(value, "add")
            else _has_content(value)
            for value in fields
        )
    return element not in ("", b"")


def _comparable(value: Any, attribute: Attribute) -> Any:
    if value in (None, "", b""):
        return None
    if attribute.type is AttributeType.DATE_TIME:
        return instant(value)
    if attribute.type is AttributeType.STRING and not attribute.case_exact:
        return fold(value)[:512] if attribute.max_length > 512 else fold(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return Decimal(repr(value)) if isinstance(value, float) else value


async def _pages(
    connection: asyncpg.Connection[Any],
    directory: Directory,
    resource_type: ResourceType,
    key: SortKey,
    *,
    backwards: bool = False,
) -> list[UUID]:
    """All ids, page by page."""
    await serve(connection, directory.tenant_id)
    found: list[UUID] = []
    position: tuple[str | None, UUID] | None = None
    while True:
        parameters: list[object] = [directory.tenant_id, resource_type.name]
        beyond = "TRUE"
        if position:
            beyond = key.beyond(*position, parameters, backwards=backwards)
        rows = await connection.fetch(
            f"SELECT r.id, {key.token} AS key FROM resources AS r"
            f" WHERE r.tenant_id = $1 AND r.resource_type = $2 AND {beyond}"
            f" ORDER BY {key.order_by(backwards=backwards)} LIMIT {PAGE_SIZE}",
            *parameters,
        )
        found += [row["id"] for row in rows]
        if len(rows) < PAGE_SIZE:
            return found
        position = (rows[-1]["key"], rows[-1]["id"])


@pytest.mark.parametrize(("resource_type", "urn", "text", "owner", "attribute"), CASES)
async def test_pages_in_both_directions_are_in_order(
    resource_type: ResourceType,
    urn: str,
    text: str,
    owner: Attribute | None,
    attribute: Attribute,
    directories_database: asyncpg.Connection[Any],
    directories: list[Directory],
) -> None:
    name, _, part = text.partition(".")
    path = AttributePath(schema=urn, attribute=name, sub_attribute=part)
    try:
        orders = [
            resolve_order(OrderBy(path=path, descending=descending), resource_type)
            for descending in (False, True)
        ]
    except DomainError:
        assert attribute.name in {"password", "$ref", "location", "tags"} or name in {
            "groups",
            "members",
        }
        return
    directory = directories[0]

    def place(id_: UUID) -> tuple[bool, Any, UUID]:
        value = _value(
            directory.resources[resource_type.name][id_], urn, owner, attribute, resource_type
        )
        return (value is None, 0 if value is None else value, id_)

    expected = sorted(directory.resources[resource_type.name], key=place)
    ascending, descending = (sort_key(order) for order in orders)
    for key, ids in ((ascending, expected), (descending, expected[::-1])):
        for backwards in (False, True):
            found = await _pages(
                directories_database, directory, resource_type, key, backwards=backwards
            )
            assert found == (ids[::-1] if backwards else ids)
