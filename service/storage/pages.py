"""Pages of resources: rows that meet a condition, in an order, from a position on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.storage import derived
from service.storage.filter_sql import where
from service.storage.sort_sql import SortKey, sort_key

if TYPE_CHECKING:
    from uuid import UUID

    from rollbook.attributes import ResourceType
    from service.domain.conditions import Condition
    from service.domain.ordering import NoOrder, Order
    from service.domain.page_token import Position
    from service.storage.database import Connection
    from service.storage.derived import View


@dataclass(frozen=True, slots=True)
class Selection:
    """Which resources are listed, and in which order."""

    tenant_id: UUID
    resource_type: ResourceType
    condition: Condition | None = None
    order: Order | NoOrder | None = None

    def where(self, parameters: list[object]) -> str:
        """The condition as SQL over `r`; what it compares with is appended."""
        parameters += (self.tenant_id, self.resource_type.name)
        number = len(parameters)
        conditions = [f"r.tenant_id = ${number - 1}", f"r.resource_type = ${number}"]
        if self.condition is not None:
            conditions.append(where(self.condition, self.tenant_id, parameters))
        return " AND ".join(conditions)


@dataclass(frozen=True, slots=True)
class Row:
    """One resource of a page as protobuf bytes, with its place in the order."""

    id: UUID
    key: str | None
    resource_type: ResourceType
    resource: bytes


async def count(connection: Connection, selection: Selection) -> int:
    """How many resources there are in all; without a condition from the counts kept."""
    parameters: list[object] = []
    condition = selection.where(parameters)
    source = "count(*) FROM resources AS r"
    if selection.condition is None:
        source = "coalesce(sum(r.resources), 0)::int8 FROM resource_counts AS r"
    total: int = await connection.fetchval(f"SELECT {source} WHERE {condition}", *parameters)
    return total


async def rows(
    connection: Connection,
    selection: Selection,
    view: View,
    *,
    limit: int,
    skip: int = 0,
    position: Position | None = None,
) -> list[Row]:
    """At most `limit` resources, beginning after a position and passing over `skip`.

    Before a position that looks backwards they come in reverse order. What is derived is
    gathered for the rows of the page alone.
    """
    parameters: list[object] = []
    key = sort_key(selection.order)
    condition = selection.where(parameters)
    backwards = position is not None and position.backwards
    if position is not None:
        beyond = key.beyond(position.key, position.id, parameters, backwards=backwards)
        condition = f"{condition} AND {beyond}"
    records = await connection.fetch(
        _page_sql(selection.resource_type, view, key, condition, parameters, backwards=backwards),
        *parameters,
        limit,
        skip,
    )
    kind = selection.resource_type
    return [
        Row(record["id"], record["sort_key"], kind, derived.wire_form(record, kind, view))
        for record in records
    ]


def _page_sql(
    resource_type: ResourceType,
    view: View,
    key: SortKey,
    condition: str,
    parameters: list[object],
    *,
    backwards: bool,
) -> str:
    order = key.order_by(backwards=backwards)
    return (
        f"WITH page AS MATERIALIZED ("
        f"SELECT r.id, {key.token} AS sort_key, row_number() OVER (ORDER BY {order}) AS place "
        f"FROM resources AS r WHERE {condition} ORDER BY {order} "
        f"LIMIT ${len(parameters) + 1} OFFSET ${len(parameters) + 2}) "
        f"SELECT {view.columns(resource_type)}, page.sort_key "
        f"FROM page JOIN resources AS r ON r.tenant_id = $1 AND r.id = page.id "
        f"{view.joins(resource_type)} ORDER BY page.place"
    )
