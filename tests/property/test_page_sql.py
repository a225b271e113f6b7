"""A page has the same rows whether they are found by index or met along the list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.scim.dialects import LENIENT, Reading
from gateway.scim.filters import parse_filter
from rollbook.attributes import RESOURCE_TYPES, ResourceType
from rollbook.v1.filter_pb2 import AttributePath, Filter, OrderBy
from service.domain.search.conditions import FALSE
from service.domain.search.filters import resolve
from service.domain.search.ordering import resolve_order
from service.storage.search.filter_sql import where
from service.storage.search.page_sql import Window, page
from service.storage.search.selectivity import is_selective, is_unique
from service.storage.search.sort_sql import sort_key
from tests.property.directories import WORDS, serve
from tests.property.filter_strategies import any_filters, compound

if TYPE_CHECKING:
    import asyncpg

    from tests.property.directories import Directory

TYPES = {resource_type.name: resource_type for resource_type in RESOURCE_TYPES}
LIST = "r.tenant_id = $1 AND r.resource_type = $2"
NAMES = [word for word in WORDS if word][::2]
SELECTIVE = parse_filter(
    " or ".join(f"displayName eq {json.dumps(word)}" for word in NAMES), None, Reading(LENIENT)
)
ORDERS = st.none() | st.builds(
    OrderBy,
    path=st.sampled_from(
        [AttributePath(attribute=name) for name in ("displayName", "externalId", "id")]
    ),
    descending=st.booleans(),
)


def _by_id(identifier: str) -> Filter:
    return parse_filter(f'id eq "{identifier}"', None, Reading(LENIENT))


@pytest.mark.parametrize("type_name", TYPES)
@given(data=st.data())
@settings(deadline=None)
async def test_rows_are_those_of_the_plain_query(
    type_name: str,
    directories_database: asyncpg.Connection[Any],
    directories: list[Directory],
    data: st.DataObject,
) -> None:
    resource_type: ResourceType = TYPES[type_name]
    directory = directories[0]
    ids = [str(each) for each in directory.resources[type_name]]
    some = data.draw(any_filters(resource_type, list(directory.resources[type_name])), "filter")
    rare = data.draw(st.just(SELECTIVE) | st.builds(_by_id, st.sampled_from(ids)), "rare")
    condition = resolve(compound("and", {"filters": [some, rare]}), resource_type)
    assert is_selective(condition)
    assert is_unique(condition) or rare is SELECTIVE or condition == FALSE
    skip = data.draw(st.sampled_from((0, 1)), "skip")
    order_by = data.draw(ORDERS, "order")
    key = sort_key(resolve_order(order_by, resource_type) if order_by else None)
    backwards, max_found = data.draw(st.booleans()), data.draw(st.sampled_from((0, 1, 10_000)))

    await serve(directories_database, directory.tenant_id)
    parameters: list[object] = [directory.tenant_id, type_name]
    plain = await directories_database.fetch(
        f"SELECT r.id, {key.token} AS sort_key FROM resources AS r"
        f" WHERE {LIST} AND {where(condition, directory.tenant_id, parameters)}"
        f" ORDER BY {key.order_by(backwards=backwards)} LIMIT 4 OFFSET {skip}",
        *parameters,
    )
    parameters = [directory.tenant_id, type_name]
    window = Window(key, backwards, "4", str(skip))
    ctes = page(LIST, condition, window, directory.tenant_id, parameters, max_found=max_found)
    rows = await directories_database.fetch(
        f"WITH {ctes} SELECT id, sort_key FROM page ORDER BY place", *parameters
    )
    assert rows == plain
