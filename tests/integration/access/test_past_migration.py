"""The past of before there were tables for it: what migration 0015 reads from `changes`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import grpc
import pytest

from rollbook.v1.access_service_pb2 import CheckAccessRequest
from rollbook.v1.group_pb2 import Group
from rollbook.v1.user_pb2 import User
from service.storage import migrations
from service.storage.access import past as past_access
from service.storage.credentials import DEFAULT_TENANT
from service.storage.database import Database
from tests.harness.access import Access
from tests.harness.database import with_database
from tests.harness.instance import TOKEN, connect_as_tenant, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.database import DatabaseServer

    Connection = asyncpg.Connection[asyncpg.Record]

BEFORE: Final = "0014"
BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
INSTANT: Final = timedelta(microseconds=1)

ADA, EVE, BOB, DAN, STAFF, GONE, OUTER = (uuid4() for _ in range(7))
NAMES: Final = {ADA: "ada", EVE: "eve", BOB: "bob", DAN: "dan", STAFF: "staff", OUTER: "outer"}


def hour(number: int) -> datetime:
    return BEGAN + timedelta(hours=number)


# Hour, group, who came and who went.
HISTORY: Final[tuple[tuple[int, UUID, list[UUID], list[UUID]], ...]] = (
    (1, STAFF, [ADA, EVE, DAN], []),
    (1, GONE, [BOB], []),
    (2, OUTER, [STAFF], []),
    (3, STAFF, [], [ADA, DAN]),
    (5, STAFF, [ADA], []),
    (6, OUTER, [], [STAFF]),
    (7, OUTER, [STAFF], []),
)
GROUP_ENDED: Final = 4
MEMBERS: Final = ((STAFF, ADA, 5), (STAFF, EVE, 1), (OUTER, STAFF, 7))
"""What lasts until the migration, and since when."""


@pytest.fixture(scope="module")
async def url(database_server: DatabaseServer) -> AsyncIterator[str]:
    """A database that was filled before the migration, and has been migrated since."""
    name = f"rollbook_past_{uuid4().hex}"
    await database_server.execute(f'CREATE DATABASE "{name}"')
    found = with_database(database_server.url, name)
    try:
        with pytest.MonkeyPatch.context() as patch:
            known = migrations.load()
            patch.setattr(
                migrations, "load", lambda: [each for each in known if each.version <= BEFORE]
            )
            await migrations.migrate(found)
        connection = await connect_as_tenant(found)
        await _fill(connection)
        await connection.close()
        await migrations.migrate(found)
        yield found
    finally:
        await database_server.drop(name)


async def _fill(connection: Connection) -> None:
    for identifier, name in NAMES.items():
        if identifier != DAN:
            await _make(connection, identifier, name)
        await _record(connection, 0, "create", identifier)
    await _record(connection, 0, "create", GONE)
    for number, group, came, went in HISTORY:
        await _record(connection, number, "update", group, came, went)
    await _record(connection, 3, "delete", DAN)
    await _record(connection, GROUP_ENDED, "delete", GONE)
    for group, member, number in MEMBERS:
        await connection.execute(
            "INSERT INTO members (tenant_id, group_id, member_id, create_time) "
            "VALUES ($1, $2, $3, $4)",
            DEFAULT_TENANT,
            group,
            member,
            hour(number),
        )
    await connection.execute(
        """
        INSERT INTO role_assignments (
            tenant_id, id, principal_id, role_type, value, type_key, value_key, source,
            granted_by, create_time
        ) VALUES ($1, gen_random_uuid(), $2, 'T', 'v', 't', 'v', 'manual', 'test', $3)
        """,
        DEFAULT_TENANT,
        STAFF,
        hour(2),
    )


def _message(identifier: UUID) -> User | Group:
    name = NAMES.get(identifier, "gone")
    if identifier in {STAFF, GONE, OUTER}:
        return Group(id=str(identifier), display_name=name)
    return User(id=str(identifier), user_name=name, active=True)


async def _make(connection: Connection, identifier: UUID, name: str) -> None:
    message = _message(identifier)
    await connection.execute(
        """
        INSERT INTO resources (
            tenant_id, id, resource_type, unique_key, display, active, create_time, update_time,
            message, search
        ) VALUES ($1, $2, $3, $4, $4, true, $5, $5, $6, '{}')
        """,
        DEFAULT_TENANT,
        identifier,
        message.DESCRIPTOR.name,
        name,
        BEGAN,
        message.SerializeToString(),
    )


async def _record(
    connection: Connection,
    number: int,
    action: str,
    identifier: UUID,
    came: list[UUID] | None = None,
    went: list[UUID] | None = None,
) -> None:
    message = _message(identifier)
    await connection.execute(
        """
        INSERT INTO changes (
            tenant_id, change_time, actor, action, resource_type, resource_id, version, attributes,
            message, members_added, members_removed
        ) VALUES ($1, $2, 'test', $3, $4, $5, 1, '{members}', $6, $7, $8)
        """,
        DEFAULT_TENANT,
        hour(number),
        action,
        message.DESCRIPTOR.name,
        identifier,
        None if action == "delete" else message.SerializeToString(),
        came or [],
        went or [],
    )


@pytest.mark.parametrize(
    ("member", "moment", "groups"),
    [
        (ADA, hour(1) - INSTANT, set()),
        (ADA, hour(1), {STAFF}),
        (ADA, hour(2) - INSTANT, {STAFF}),
        (ADA, hour(2), {STAFF, OUTER}),
        (ADA, hour(3) - INSTANT, {STAFF, OUTER}),
        (ADA, hour(3), set()),
        (ADA, hour(5) - INSTANT, set()),
        (ADA, hour(5), {STAFF, OUTER}),
        (ADA, hour(6), {STAFF}),
        (ADA, hour(7), {STAFF, OUTER}),
        (EVE, hour(1), {STAFF}),
        (EVE, hour(3), {STAFF, OUTER}),
        (EVE, hour(6), {STAFF}),
        (EVE, hour(9), {STAFF, OUTER}),
        (DAN, hour(2), {STAFF, OUTER}),
        (DAN, hour(3), set()),
        (BOB, hour(1) - INSTANT, set()),
        (BOB, hour(1), {GONE}),
        (BOB, hour(GROUP_ENDED) - INSTANT, {GONE}),
        (BOB, hour(GROUP_ENDED), set()),
    ],
)
async def test_who_belonged_where(
    url: str, member: UUID, moment: datetime, groups: set[UUID]
) -> None:
    pool = await Database.connect(url, max_connections=1)
    try:
        async with pool.connection(DEFAULT_TENANT) as connection:
            rows = await past_access.surroundings(connection, DEFAULT_TENANT, member, moment)
    finally:
        await pool.close()
    assert {row["id"] for row in rows} - {member} == groups


async def test_what_that_was_good_for(url: str) -> None:
    async with (
        running_service(url) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        access = Access(channel, TOKEN)
        for member, number, allowed in (
            (ADA, 1, False),  # The role was not given yet.
            (ADA, 2, True),
            (ADA, 3, False),
            (ADA, 5, True),
            (EVE, 4, True),
            (BOB, 2, False),
        ):
            request = CheckAccessRequest(principal_id=str(member), type="T", value="v")
            request.as_of.FromDatetime(hour(number))
            assert (await access(request)).allowed is allowed, (NAMES[member], number)
