"""Whose roles make them administrators of Rollbook."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from rollbook.access import Scope
from rollbook.v1.group_pb2 import Group, GroupMember
from rollbook.v1.group_service_pb2 import CreateGroupRequest
from rollbook.v1.role_pb2 import RoleCatalogue, RoleType, RoleValue
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest
from service.directory.access.administration import scopes_of
from service.domain.access.role_catalogue import ADMINISTRATOR_SCOPES
from service.domain.search.folding import fold
from service.storage.credentials import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.calls import Calls

    Database = asyncpg.Connection[asyncpg.Record]

CATALOGUE = RoleCatalogue(
    types=[RoleType(name="desk", values=[RoleValue(value="lead", scopes=["access.read"])])]
)


async def _user(calls: Calls, *, active: bool = True) -> str:
    user = User(user_name=f"ada-{active}", active=active)
    identifier: str = (await calls(CreateUserRequest(user=user))).user.id
    return identifier


async def _group(calls: Calls, member: str) -> str:
    group = Group(display_name="Staff", members=[GroupMember(value=member)])
    identifier: str = (await calls(CreateGroupRequest(group=group))).group.id
    return identifier


async def _assign(database: Database, principal: str, role: str, **columns: object) -> None:
    role_type, value = role.split("/")
    row = {
        "tenant_id": DEFAULT_TENANT,
        "principal_id": UUID(principal),
        "role_type": role_type,
        "value": value,
        "type_key": fold(role_type),
        "value_key": fold(value),
        "source": "manual",
        "granted_by": "test",
        **columns,
    }
    marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await database.execute(
        f"INSERT INTO role_assignments (id, {', '.join(row)}) VALUES (gen_random_uuid(), {marks})",
        *row.values(),
    )


async def _scopes(database: Database, principal: str) -> frozenset[Scope]:
    return await scopes_of(database, DEFAULT_TENANT, UUID(principal))


async def test_without_roles_nobody_administers(calls: Calls, database: Database) -> None:
    assert await _scopes(database, await _user(calls)) == frozenset()


async def test_the_role_of_an_account_administrator_grants_scopes(
    calls: Calls, database: Database
) -> None:
    user = await _user(calls)
    await _assign(database, user, "Account_Type/Admin")
    assert await _scopes(database, user) == ADMINISTRATOR_SCOPES


async def test_roles_of_groups_around_groups_count(calls: Calls, database: Database) -> None:
    user = await _user(calls)
    outer = await _group(calls, await _group(calls, user))
    await _assign(database, outer, "account_type/admin")
    assert await _scopes(database, user) == ADMINISTRATOR_SCOPES


async def test_whoever_is_inactive_administers_nothing(calls: Calls, database: Database) -> None:
    user = await _user(calls, active=False)
    await _assign(database, user, "account_type/admin")
    assert await _scopes(database, user) == frozenset()


@pytest.mark.parametrize("column", ["pending", "expired"])
async def test_what_does_not_count_grants_nothing(
    column: str, calls: Calls, database: Database
) -> None:
    user = await _user(calls)
    past = await database.fetchval("SELECT now()")
    columns = {"pending": True} if column == "pending" else {"expire_time": past}
    await _assign(database, user, "account_type/admin", **columns)
    assert await _scopes(database, user) == frozenset()


@pytest.fixture
async def catalogue(database: Database) -> AsyncIterator[None]:
    """A catalogue with a role that grants a scope."""
    await database.execute(
        "INSERT INTO role_catalogues VALUES ($1, gen_random_uuid(), 1, now(), $2)",
        DEFAULT_TENANT,
        CATALOGUE.SerializeToString(),
    )
    yield
    await database.execute("DELETE FROM role_catalogues WHERE tenant_id = $1", DEFAULT_TENANT)


@pytest.mark.usefixtures("catalogue")
async def test_roles_of_the_catalogue_grant_what_it_says(calls: Calls, database: Database) -> None:
    user = await _user(calls)
    await _assign(database, user, "Desk/LEAD")
    assert await _scopes(database, user) == {Scope.ACCESS_READ}
