"""Methods of RoleService on who has which roles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rollbook.attributes import USER
from rollbook.v1 import role_service_pb2
from service.directory.access import role_grants
from service.directory.access.role_grants import Grant
from service.directory.paging import page_size_of
from service.directory.reading import identifier_of, not_found
from service.domain.access.grant_rules import checked_expiry, checked_source
from service.domain.access.roles import MANUAL, Role
from service.domain.errors import invalid_value
from service.domain.search import page_token
from service.domain.search.folding import fold
from service.domain.search.page_token import Position
from service.storage import resources
from service.storage.access import role_assignment_pages
from service.storage.access.role_assignment_pages import Conditions, Place, message_of, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.rpc.calls import Answer, Call
    from service.rpc.writes import Writes
    from service.storage.database import Connection, Database


class RoleAssignmentMethods:
    """Grants, revokes and lists roles."""

    def __init__(self, database: Database, writes: Writes, page_key: bytes) -> None:
        self._database = database
        self._writes = writes
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "GrantRole": self.grant,
            "RevokeRole": self.revoke,
            "ListRoleAssignments": self.list,
        }

    async def grant(self, request: Any, call: Call) -> bytes:
        """A role for a principal."""
        principal_id = identifier_of(USER, request.principal_id)
        author = call.author.with_source(checked_source(request.source))
        expire_time = None
        if request.HasField("expire_time"):
            expire_time = checked_expiry(request.expire_time)
        role = Role(
            request.type, request.value, request.display or None, True if request.primary else None
        )

        async def work(connection: Connection) -> bytes:
            wanted = Grant(principal_id, role, expire_time)
            identifier = await role_grants.grant(connection, author, call.schemas, wanted)
            row = await role_assignment_pages.get(connection, call.tenant_id, identifier)
            assert row is not None
            return role_service_pb2.GrantRoleResponse(
                assignment=message_of(row)
            ).SerializeToString()

        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def revoke(self, request: Any, call: Call) -> bytes:
        """One role less."""
        author = call.author.with_source(request.source or MANUAL)
        role = Role(request.type, request.value)
        if request.id and (request.principal_id or request.type or request.value):
            raise invalid_value("id", "Name the assignment by its id, or by what it is: not both.")

        async def work(connection: Connection) -> bytes:
            if request.id:
                await role_grants.revoke(connection, author, call.schemas, request.id)
                return b""
            principal_id = identifier_of(USER, request.principal_id)
            await role_grants.revoke_role(connection, author, call.schemas, principal_id, role)
            return b""

        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def list(self, request: Any, call: Call) -> bytes:
        """One page of assignments."""
        conditions = _conditions(request)
        size = max(1, page_size_of(request))
        digest = page_token.digest(
            call.method.encode(), call.tenant_id.bytes, repr(conditions).encode()
        )
        after = Place()
        if request.page_token:
            position = page_token.decode(request.page_token, digest, size, self._page_key)
            value_key, principal = json.loads(position.key or "[]")
            after = Place(value_key, UUID(principal), position.id)
        async with self._database.connection(call.tenant_id) as connection:
            if conditions.principal_id is not None:
                await self._require(connection, call, conditions.principal_id)
            rows = await role_assignment_pages.page(
                connection, call.tenant_id, conditions, after, size + 1
            )
        response = role_service_pb2.ListRoleAssignmentsResponse(
            assignments=map(message_of, rows[:size])
        )
        if len(rows) > size:
            last = place_of(rows[size - 1])
            key = json.dumps([last.value_key, str(last.principal_id)])
            response.next_page_token = page_token.encode(
                Position(key, last.id), digest, size, self._page_key
            )
        return response.SerializeToString()

    async def _require(self, connection: Connection, call: Call, principal_id: UUID) -> None:
        if await resources.type_of(connection, call.tenant_id, principal_id) is None:
            raise not_found(USER, str(principal_id))


def _conditions(request: Any) -> Conditions:
    for field in ("type", "value", "source"):
        if "\0" in getattr(request, field):
            raise invalid_value(field, f"{field} contains the character U+0000.")
    return Conditions(
        identifier_of(USER, request.principal_id) if request.principal_id else None,
        fold(request.type) or None,
        fold(request.value) or None,
        request.source or None,
    )
