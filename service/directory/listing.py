"""Lists of resources and of the members of a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service.directory.paging import Query
from service.domain.membership import MEMBERS
from service.domain.search import filters, ordering, page_token
from service.domain.search.conditions import FALSE, TRUE
from service.storage.search import member_pages, mixed_pages, pages
from service.storage.search.member_pages import Member, MemberSelection
from service.storage.search.pages import Row, Selection

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rollbook.attributes import ResourceType
    from rollbook.v1.filter_pb2 import Filter
    from service.domain.search.ordering import NoOrder, Order
    from service.domain.search.page_token import Position
    from service.storage.database import Connection
    from service.storage.derived import View


@dataclass(frozen=True, slots=True)
class Resources:
    """Resources of several types: a selection for each type that can have what is asked for."""

    selections: Sequence[Selection]
    view: View

    async def count(self, connection: Connection) -> int:
        return await mixed_pages.count(connection, self.selections)

    async def rows(
        self, connection: Connection, *, limit: int, skip: int, position: Position | None
    ) -> list[Row]:
        return await mixed_pages.rows(
            connection, self.selections, self.view, limit=limit, skip=skip, position=position
        )


def query_of_resources(
    request: Any, resource_types: Sequence[ResourceType], tenant_id: UUID, view: View
) -> Query[Row]:
    """Read a ListUsersRequest, ListGroupsRequest or SearchResourcesRequest.

    Raises INVALID_FILTER, INVALID_VALUE.
    """
    source = Resources(_selections(request, resource_types, tenant_id), view)
    digest = page_token.digest(
        " ".join(kind.name for kind in resource_types).encode(),
        tenant_id.bytes,
        request.filter.SerializeToString(deterministic=True),
        request.order_by.SerializeToString(deterministic=True),
    )
    return Query.of(request, source, tenant_id, digest)


def _selections(
    request: Any, resource_types: Sequence[ResourceType], tenant_id: UUID
) -> list[Selection]:
    conditions: list[filters.Condition] = [TRUE] * len(resource_types)
    if request.HasField("filter"):
        conditions = [
            filters.resolve(request.filter, kind, among=resource_types) for kind in resource_types
        ]
    orders: Sequence[Order | NoOrder | None] = [None] * len(resource_types)
    if request.HasField("order_by"):
        orders = ordering.resolve_orders(request.order_by, resource_types)
    return [
        Selection(tenant_id, kind, None if condition == TRUE else condition, order)
        for kind, condition, order in zip(resource_types, conditions, orders, strict=True)
        if condition != FALSE
    ]


@dataclass(frozen=True, slots=True)
class Members:
    """Members of one group, by id."""

    selection: MemberSelection

    async def count(self, connection: Connection) -> int:
        return await member_pages.count(connection, self.selection)

    async def rows(
        self, connection: Connection, *, limit: int, skip: int, position: Position | None
    ) -> list[Member]:
        return await member_pages.rows(
            connection, self.selection, limit=limit, skip=skip, position=position
        )


def query_of_members(request: Any, group_id: UUID, tenant_id: UUID) -> Query[Member]:
    """Read a ListMembersRequest. Raises INVALID_FILTER, INVALID_VALUE."""
    condition = None
    if request.HasField("filter"):
        condition = filters.resolve_element(request.filter, MEMBERS)
    source = Members(MemberSelection(tenant_id, group_id, condition))
    digest = page_token.digest(
        b"members",
        tenant_id.bytes,
        group_id.bytes,
        request.filter.SerializeToString(deterministic=True),
    )
    return Query.of(request, source, tenant_id, digest)


async def first(
    connection: Connection,
    tenant_id: UUID,
    resource_type: ResourceType,
    condition: Filter,
    view: View,
    limit: int,
) -> list[bytes]:
    """The oldest few resources that meet a condition. Raises INVALID_FILTER."""
    selection = Selection(tenant_id, resource_type, filters.resolve(condition, resource_type))
    rows = await pages.rows(connection, selection, view, limit=limit)
    return [row.resource for row in rows]
