"""The data that is measured on: users by a few large INSERTs, since a hundred thousand calls would
take long, and groups by calls."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import asyncpg

from rollbook.attributes import USER
from rollbook.v1.enterprise_user_pb2 import EnterpriseUser
from rollbook.v1.group_pb2 import Group
from rollbook.v1.group_service_pb2 import AddMembersRequest, CreateGroupRequest
from rollbook.v1.user_pb2 import Email, Name, User
from service.domain.identifiers import new_id
from service.storage import batches
from service.storage.credentials import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from uuid import UUID

    from rollbook.attributes import ResourceType
    from rollbook.v1.group_service_pb2_grpc import GroupServiceAsyncStub

    Advance = Callable[[int], None]
    Metadata = tuple[tuple[str, str], ...]

SMALL_GROUPS: Final = 50
SMALL_SIZE: Final = 10
CANDIDATES: Final = 3_000
"""Users that belong to no group: they are read, and become members while additions are measured."""

_CHUNK: Final = 5_000
_MEMBERS_AT_ONCE: Final = 10_000


@dataclass(frozen=True)
class Seed:
    """Ids of what there is: users without groups with their userNames, groups of ten, and one
    large group."""

    users: Sequence[str]
    user_names: Sequence[str]
    small_groups: Sequence[str]
    large_group: str


def user(number: int) -> User:
    """A user of about the size that identity providers make."""
    return User(
        user_name=f"person-{number:07}@acme.example",
        external_id=f"00u{number:017}",
        display_name=f"Given{number % 997} Family{number % 7919}",
        title=f"Engineer {number % 12}",
        active=True,
        name=Name(given_name=f"Given{number % 997}", family_name=f"Family{number % 7919}"),
        emails=[Email(value=f"person-{number:07}@acme.example", type="work", primary=True)],
        enterprise=EnterpriseUser(
            department=f"Department {number % 40}", employee_number=str(number)
        ),
    )


async def seed(
    database_url: str, groups: GroupServiceAsyncStub, metadata: Metadata, members: int, on: Advance
) -> Seed:
    """Makes the users and groups; `on` hears of each step, one for a user or member."""
    connection = await asyncpg.connect(
        database_url, server_settings={"rollbook.tenant_id": str(DEFAULT_TENANT)}
    )
    try:
        ids = await insert_users(connection, members + CANDIDATES, on)
        made = await _make_groups(groups, metadata, ids[:members], on)
        await connection.execute("VACUUM ANALYZE resources")
        await connection.execute("VACUUM ANALYZE members")
    finally:
        await connection.close()
    names = [user(number).user_name for number in range(members, members + CANDIDATES)]
    return Seed([str(each) for each in ids[members:]], names, made[:-1], made[-1])


async def insert_users(
    connection: asyncpg.Connection[asyncpg.Record], number: int, on: Advance
) -> list[UUID]:
    """Makes so many users; their ids."""
    ids = [new_id() for _ in range(number)]
    for start in range(0, number, _CHUNK):
        chunk = ids[start : start + _CHUNK]
        await batches.insert_resources(connection, DEFAULT_TENANT, _rows(chunk, start))
        on(len(chunk))
    return ids


def _rows(ids: Sequence[UUID], start: int) -> Iterator[tuple[UUID, ResourceType, User, datetime]]:
    time = datetime.now(UTC)
    for number, identifier in enumerate(ids, start):
        message = user(number)
        message.id = str(identifier)
        yield identifier, USER, message, time


async def _make_groups(
    stub: GroupServiceAsyncStub, metadata: Metadata, ids: Sequence[UUID], on: Advance
) -> list[str]:
    """Ids of the small groups and, last, of the large one."""

    async def make(name: str, members: Sequence[UUID]) -> str:
        created = await stub.CreateGroup(
            CreateGroupRequest(group=Group(display_name=name)), metadata=metadata
        )
        for start in range(0, len(members), _MEMBERS_AT_ONCE):
            chunk = [str(each) for each in members[start : start + _MEMBERS_AT_ONCE]]
            request = AddMembersRequest(group_id=created.group.id, member_ids=chunk)
            await stub.AddMembers(request, metadata=metadata)
            on(len(chunk))
        return created.group.id

    small: list[Awaitable[str]] = [
        make(f"Small {number}", ids[number * SMALL_SIZE : (number + 1) * SMALL_SIZE])
        for number in range(SMALL_GROUPS)
    ]
    return [*await asyncio.gather(*small), await make("Large", ids)]
