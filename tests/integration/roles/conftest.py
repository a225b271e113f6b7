"""A catalogue, and what tests of roles need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from rollbook.v1.role_pb2 import RoleCatalogue, RoleType, RoleValue, UnknownScopes
from rollbook.v1.role_service_pb2 import UpdateRoleCatalogueRequest
from rollbook.v1.user_pb2 import User
from rollbook.v1.user_service_pb2 import CreateUserRequest
from service.storage.credentials import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.calls import Calls

_VALUES: Final = [
    RoleValue(value="owner", implies=["editor"]),
    RoleValue(value="editor", implies=["viewer"]),
    RoleValue(value="viewer"),
]
_TYPES: Final = [
    RoleType(name="account_type", values=[RoleValue(value="admin")]),
    RoleType(name="all_workspaces", values=_VALUES, covers=["workspace_<name>"]),
    RoleType(name="workspace_<name>", values=_VALUES),
    RoleType(name="skill", values=_VALUES, several=True),
]


def catalogue(
    unknown_scopes: UnknownScopes.ValueType = UnknownScopes.UNKNOWN_SCOPES_KEEP_PENDING,
    **settings: bool | str,
) -> RoleCatalogue:
    """A catalogue like Tecton's."""
    return RoleCatalogue(
        types=_TYPES,
        unknown_scopes=unknown_scopes,
        **settings,  # type: ignore[arg-type]
    )


@pytest.fixture(autouse=True)
async def _without_catalogue(database: asyncpg.Connection[asyncpg.Record]) -> AsyncIterator[None]:
    """Other tests of the database are free of catalogues and scopes."""
    yield
    for table in ("role_catalogues", "role_scopes"):
        await database.execute(f"DELETE FROM {table} WHERE tenant_id = $1", DEFAULT_TENANT)


@pytest.fixture
async def with_catalogue(calls: Calls) -> None:
    """The catalogue is in force; roles on scopes that are not registered are pending."""
    await calls(UpdateRoleCatalogueRequest(catalogue=catalogue()))


@pytest.fixture
async def ada(calls: Calls) -> str:
    """A user."""
    created = await calls(CreateUserRequest(user=User(user_name="ada")))
    identifier: str = created.user.id
    return identifier
