"""Filters give the same answers in memory, in the database and in another implementation."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollbook.attributes import RESOURCE_TYPES, ResourceType
from service.domain.search.filters import matches, resolve
from service.storage.search.filter_sql import where
from tests.property.device import DEVICE
from tests.property.directories import serve
from tests.property.filter_strategies import any_filters, every_comparison

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from rollbook.v1.filter_pb2 import Filter
    from tests.property.directories import Directory

TYPES = {resource_type.name: resource_type for resource_type in (*RESOURCE_TYPES, DEVICE)}


# Attributes that are read like others of the same type; they would take half a minute.
LIKE_OTHERS = {"name", "addresses", "phoneNumbers", "ims", "photos", "entitlements", "roles"}
LIKE_OTHERS |= {"nickName", "preferredLanguage", "locale", "timezone", "userType", "division"}
# PostgreSQL selects at most 1664 columns at once.
BATCH = 400


async def matching_rows(
    connection: asyncpg.Connection[Any],
    directory: Directory,
    resource_type: ResourceType,
    filter_: Filter,
    *,
    indexed: bool | None,
) -> set[UUID]:
    parameters: list[object] = [directory.tenant_id, resource_type.name]
    resolved = resolve(filter_, resource_type)
    condition = where(resolved, directory.tenant_id, parameters, indexed=indexed)
    await serve(connection, directory.tenant_id)
    rows = await connection.fetch(
        "SELECT r.id FROM resources AS r"
        f" WHERE r.tenant_id = $1 AND r.resource_type = $2 AND {condition}",
        *parameters,
    )
    return {row["id"] for row in rows}


@pytest.mark.parametrize("type_name", TYPES)
@given(data=st.data())
@settings(deadline=None)
async def test_the_database_finds_what_matches_in_memory(
    type_name: str,
    directories_database: asyncpg.Connection[Any],
    directories: list[Directory],
    data: st.DataObject,
) -> None:
    resource_type = TYPES[type_name]
    directory = directories[data.draw(st.integers(0, len(directories) - 1), "directory")]
    resources = directory.resources[type_name]
    ids = [id_ for some in directory.resources.values() for id_ in some]
    filter_ = data.draw(any_filters(resource_type, ids), "filter")
    condition = resolve(filter_, resource_type)
    expected = {id_ for id_, resource in resources.items() if matches(condition, resource)}
    found = await matching_rows(
        directories_database,
        directory,
        resource_type,
        filter_,
        indexed=data.draw(st.sampled_from((None, True, False)), "indexed"),
    )
    assert found == expected


@pytest.mark.parametrize("type_name", TYPES)
async def test_every_operator_agrees_on_awkward_operands(
    type_name: str,
    directories_database: asyncpg.Connection[Any],
    directories: list[Directory],
) -> None:
    resource_type, directory = TYPES[type_name], directories[0]
    await serve(directories_database, directory.tenant_id)
    resources = directory.resources[type_name]
    filters = every_comparison(resource_type, list(resources)[:2], without=LIKE_OTHERS)
    while batch := list(islice(filters, BATCH)):
        parameters: list[object] = [directory.tenant_id, type_name]
        conditions = [resolve(filter_, resource_type) for filter_ in batch]
        columns = [
            f"{where(condition, directory.tenant_id, parameters, indexed=True)} AS column_{index}"
            for index, condition in enumerate(conditions)
        ]
        rows = await directories_database.fetch(
            f"SELECT {', '.join(columns)}, r.id FROM resources AS r"
            " WHERE r.tenant_id = $1 AND r.resource_type = $2",
            *parameters,
        )
        for row in rows:
            resource = resources[row["id"]]
            wrong = [
                filter_
                for filter_, condition, found in zip(batch, conditions, row, strict=False)
                if bool(found) != matches(condition, resource)
            ]
            assert not wrong, (wrong[0], resource)
