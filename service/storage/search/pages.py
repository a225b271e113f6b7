"""Pages of resources: rows that meet a condition, in an order, from a position on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.storage import derived
from service.storage.search import page_sql
from service.storage.search.filter_sql import where
from service.storage.search.page_sql import Window
from service.storage.search.search_sql import RESOURCES
from service.storage.search.sort_sql import sort_key

if TYPE_CHECKING:
    from uuid import UUID

    from rollbook.attributes import ResourceType
    from service.domain.search.conditions import Condition
    from service.domain.search.ordering import NoOrder, Order
    from service.domain.search.page_token import Position
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
        restriction = self.restriction(parameters)
        if self.condition is None:
            return restriction
        return f"{restriction} AND {where(self.condition, self.tenant_id, parameters)}"

    def restriction(self, parameters: list[object]) -> str:
        """The tenant and the type as SQL over `r`."""
        parameters += (self.tenant_id, self.resource_type.name)
        number = len(parameters)
        return f"r.tenant_id = ${number - 1} AND r.resource_type = ${number}"


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
    source = f"count(*) FROM {RESOURCES} AS r"
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
    restriction = selection.restriction(parameters)
    backwards = position is not None and position.backwards
    key = sort_key(selection.order)
    if position is not None:
        beyond = key.beyond(position.key, position.id, parameters, backwards=backwards)
        restriction = f"{restriction} AND {beyond}"
    one_plan = page_sql.fits_one_plan(selection.condition)
    bounds = page_sql.bounds(limit, skip, parameters, one_plan=one_plan)
    window = Window(key, backwards, *bounds)
    page = page_sql.page(restriction, selection.condition, window, selection.tenant_id, parameters)
    kind = selection.resource_type
    records = await connection.fetch(
        f"WITH {page} SELECT {view.columns(kind)}, page.sort_key "
        "FROM page JOIN resources AS r ON r.tenant_id = $1 AND r.id = page.id "
        f"{view.joins(kind)} ORDER BY page.place",
        *parameters,
    )
    return [
        Row(record["id"], record["sort_key"], kind, derived.wire_form(record, kind, view))
        for record in records
    ]
