"""Tenants for what is measured of access: users, groups, memberships and assignments by a few large
INSERTs, since a million calls would take long."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID, uuid4

import asyncpg

from rollbook.access import EVERY_SCOPE
from rollbook.tokens import new_token
from rollbook.v1.group_pb2 import Group
from rollbook.v1.user_pb2 import User
from service.domain.identifiers import new_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from google.protobuf.message import Message

Item = TypeVar("Item")

_CHUNK: Final = 20_000

_RESOURCES: Final = """
INSERT INTO resources (
    tenant_id, id, resource_type, unique_key, display, active, create_time, update_time, message,
    search
)
SELECT $1, id, $4, id::text, id::text, true, now(), now(), message, '{}'
FROM unnest($2::uuid [], $3::bytea []) AS n (id, message)
"""

_MEMBERS: Final = """
INSERT INTO members (tenant_id, group_id, member_id)
SELECT $1, group_id, member_id FROM unnest($2::uuid [], $3::uuid []) AS n (group_id, member_id)
"""

_ASSIGNMENTS: Final = """
INSERT INTO role_assignments (
    tenant_id, id, principal_id, role_type, value, type_key, value_key, source, granted_by
)
SELECT $1, gen_random_uuid(), principal_id, type, 'owner', lower(type), 'owner', 'manual', 'bench'
FROM unnest($2::uuid [], $3::text []) AS n (principal_id, type)
"""


class Seeding:
    """Fills a new tenant. `token` may do everything in it."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record], tenant_id: UUID) -> None:
        self._connection = connection
        self.tenant_id = tenant_id
        self.token = new_token()

    @classmethod
    @asynccontextmanager
    async def of_new_tenant(cls, database_url: str) -> AsyncIterator[Seeding]:
        """Makes a tenant."""
        tenant_id = uuid4()
        connection = await asyncpg.connect(
            database_url, server_settings={"rollbook.tenant_id": str(tenant_id)}
        )
        try:
            seeding = cls(connection, tenant_id)
            await seeding._let_in()
            yield seeding
        finally:
            await connection.close()

    async def _let_in(self) -> None:
        await self._connection.execute(
            "INSERT INTO tenants (tenant_id, name) VALUES ($1, $2)",
            self.tenant_id,
            str(self.tenant_id),
        )
        await self._connection.execute(
            "INSERT INTO credentials (tenant_id, id, name, kind, token_hash, scopes) "
            "VALUES ($1, $2, 'bench', 'token', $3, $4)",
            self.tenant_id,
            uuid4(),
            hashlib.sha256(self.token.encode()).digest(),
            sorted(EVERY_SCOPE),
        )

    async def users(self, number: int) -> list[UUID]:
        """Makes so many users; their ids."""
        return await self._resources("User", number, lambda name: User(user_name=name))

    async def groups(self, number: int) -> list[UUID]:
        """Makes so many groups; their ids."""
        return await self._resources("Group", number, lambda name: Group(display_name=name))

    async def _resources(
        self, kind: str, number: int, message: Callable[[str], Message]
    ) -> list[UUID]:
        ids = [new_id() for _ in range(number)]
        for some in _chunks(ids):
            messages = [message(str(each)).SerializeToString() for each in some]
            await self._connection.execute(_RESOURCES, self.tenant_id, some, messages, kind)
        return ids

    async def members(self, pairs: Sequence[tuple[UUID, UUID]]) -> None:
        """Lets principals belong to groups: pairs of a group and a member."""
        await self._insert(_MEMBERS, pairs)

    async def roles(self, given: Sequence[tuple[UUID, str]]) -> None:
        """Makes principals owners: pairs of a principal and the type of the role."""
        await self._insert(_ASSIGNMENTS, given)

    async def settle(self) -> None:
        """Does what the server does by itself a while after so many rows have come."""
        for table in ("resources", "members", "role_assignments"):
            await self._connection.execute(f"VACUUM ANALYZE {table}")

    async def _insert(self, statement: str, pairs: Sequence[tuple[UUID, UUID | str]]) -> None:
        for some in _chunks(pairs):
            await self._connection.execute(
                statement, self.tenant_id, *map(list, zip(*some, strict=True))
            )


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
