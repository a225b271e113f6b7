"""Catalogues are read, replaced and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook.v1.role_pb2 import RoleCatalogue, RoleType, RoleValue
from rollbook.v1.role_service_pb2 import GetRoleCatalogueRequest, UpdateRoleCatalogueRequest
from tests.integration.roles.conftest import catalogue

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.calls import Calls

ADMIN = RoleValue(value="admin")


async def _current(calls: Calls) -> RoleCatalogue:
    current: RoleCatalogue = (await calls(GetRoleCatalogueRequest())).catalogue
    return current


async def test_at_first_it_is_empty(calls: Calls) -> None:
    assert await _current(calls) == RoleCatalogue(etag='W/"0"')


async def test_it_is_replaced_as_a_whole(calls: Calls) -> None:
    first = (await calls(UpdateRoleCatalogueRequest(catalogue=catalogue()))).catalogue
    assert await _current(calls) == first
    assert first.etag == 'W/"1"'
    assert first.types == catalogue().types
    new = RoleCatalogue(types=[RoleType(name="desk", values=[ADMIN])], etag="whatever")
    second = (await calls(UpdateRoleCatalogueRequest(catalogue=new, etag=first.etag))).catalogue
    assert await _current(calls) == second
    assert [each.name for each in second.types] == ["desk"]
    assert second.etag == 'W/"2"'


async def test_the_same_again_changes_nothing(calls: Calls) -> None:
    for _ in range(2):
        answer = await calls(UpdateRoleCatalogueRequest(catalogue=catalogue()))
    assert answer.catalogue.etag == 'W/"1"'


async def test_an_old_etag_is_refused(calls: Calls) -> None:
    request = UpdateRoleCatalogueRequest(catalogue=catalogue(), etag='W/"0"')
    await calls(request)
    request.catalogue.ignore_user_roles = True
    assert await calls.reason(request) == "ETAG_MISMATCH"


async def test_changes_are_recorded(
    calls: Calls, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await calls(UpdateRoleCatalogueRequest(catalogue=catalogue()))
    row = await database.fetchrow(
        "SELECT action, version, message FROM changes WHERE resource_type = 'RoleCatalogue' "
        "ORDER BY revision DESC LIMIT 1"
    )
    assert row is not None
    assert (row["action"], row["version"]) == ("create", 1)
    assert RoleCatalogue.FromString(row["message"]).types == catalogue().types


def _types(*types: RoleType, default_type: str = "") -> RoleCatalogue:
    return RoleCatalogue(types=types, default_type=default_type)


def _desk(**fields: object) -> RoleType:
    return RoleType(**{"name": "desk", "values": [ADMIN], **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "culprit"),
    [
        (_types(_desk(name="")), "types[0].name"),
        (_types(_desk(name=" desk")), "types[0].name"),
        (_types(_desk(name="a\0b")), "types[0].name"),
        (_types(_desk(name="d" * 201)), "types[0].name"),
        (_types(_desk(name="<name>")), "is no pattern"),
        (_types(_desk(name="a_<b>_c")), "is no pattern"),
        (_types(_desk(values=[])), "has no values"),
        (_types(_desk(values=[ADMIN, RoleValue(value="ADMIN")])), "occurs twice"),
        (_types(_desk(values=[RoleValue(value="x", implies=["y"])])), "'y' is no value"),
        (_types(_desk(values=[RoleValue(value="x", scopes=["platform"])])), "'platform'"),
        (_types(_desk(values=[RoleValue(value="x", scopes=["root"])])), "'root'"),
        (_types(_desk(), _desk(name="Desk")), "occurs twice"),
        (_types(_desk(aliases=["DESK"])), "occurs twice"),
        (_types(_desk(name="desk_<n>", aliases=["x"])), "has no alias"),
        (_types(_desk(name="desk_<n>"), _desk(name="Desk_<m>")), "occurs twice"),
        (_types(_desk(covers=["desk"])), "is no pattern of the catalogue"),
        (_types(_desk(name="desk_<n>", covers=["desk_<n>"])), "cannot cover"),
        (_types(_desk(name="desk_<n>"), default_type="desk_<n>"), "without scopes"),
        (_types(_desk(), default_type="chair"), "'chair'"),
        (_types(_desk(description="\0")), "U+0000"),
        (RoleCatalogue(unknown_scopes=99), "99"),  # type: ignore[arg-type]
    ],
)
async def test_what_makes_no_sense_is_refused(
    calls: Calls, wrong: RoleCatalogue, culprit: str
) -> None:
    failure = await calls.failure(UpdateRoleCatalogueRequest(catalogue=wrong))
    assert failure.reason == "INVALID_VALUE"
    assert culprit in failure.message
    assert (await _current(calls)).etag == 'W/"0"'


async def test_there_are_not_too_many_types(calls: Calls) -> None:
    many = _types(*(_desk(name=f"desk{number}") for number in range(201)))
    assert await calls.reason(UpdateRoleCatalogueRequest(catalogue=many)) == "TOO_MANY"
