"""Methods of GroupService on who belongs to a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import GROUP, USER
from rollbook.v1 import group_pb2, group_service_pb2, user_pb2
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory import listing, paging, reading, writing
from service.directory.paging import page_size_of
from service.directory.writing import Writer
from service.domain.errors import DomainError
from service.domain.membership import Add, Remove, parse_id, parse_member_id
from service.domain.search import page_token
from service.domain.search.page_token import Position
from service.rpc import wire
from service.rpc.resources import page_tokens
from service.storage import members, resources
from service.storage.derived import BARE, set_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    import asyncpg
    from google.protobuf.message import Message

    from service.directory.writing import MembersChanged
    from service.domain.membership import Step
    from service.rpc.calls import Answer, Call
    from service.rpc.writes import Writes
    from service.storage.database import Connection, Database

MAX_MEMBERS: Final = 10_000
"""How many members one call adds or removes."""


class MembershipMethods:
    """Adds, removes and lists members, and lists the groups of a principal."""

    def __init__(self, database: Database, writes: Writes, page_key: bytes) -> None:
        self._database = database
        self._writes = writes
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "AddMembers": self.add,
            "RemoveMembers": self.remove,
            "ListMembers": self.list_members,
            "ListPrincipalGroups": self.list_groups,
        }

    async def add(self, request: Any, call: Call) -> bytes:
        """Let these belong to the group."""
        _check_number(request.member_ids)
        ids = [
            parse_member_id(text, f"member_ids[{index}]")
            for index, text in enumerate(request.member_ids)
        ]

        def answer(changed: MembersChanged) -> Message:
            return group_service_pb2.AddMembersResponse(
                etag=changed.etag, added_count=changed.count
            )

        return await self._change(request, call, Add(list(dict.fromkeys(ids))), answer)

    async def remove(self, request: Any, call: Call) -> bytes:
        """Let these belong to the group no more."""
        _check_number(request.member_ids)
        ids = [identifier for text in request.member_ids if (identifier := parse_id(text))]

        def answer(changed: MembersChanged) -> Message:
            return group_service_pb2.RemoveMembersResponse(
                etag=changed.etag, removed_count=changed.count
            )

        return await self._change(request, call, Remove(ids), answer)

    async def _change(
        self, request: Any, call: Call, step: Step, answer: Callable[[MembersChanged], Message]
    ) -> bytes:
        group_id = reading.identifier_of(GROUP, request.group_id)

        async def work(connection: Connection) -> bytes:
            writer = Writer(
                connection,
                call.author,
                call.schemas,
                call.schemas.resource_type(GROUP.name),
                BARE,
            )
            changed = await writing.change_members(writer, group_id, step, request.etag)
            return answer(changed).SerializeToString()

        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def list_members(self, request: Any, call: Call) -> bytes:
        """One page of the members of a group."""
        group_id = reading.identifier_of(GROUP, request.group_id)
        query = listing.query_of_members(request, group_id, call.tenant_id)
        page = await paging.page(self._database, query, self._page_key)
        if not page.rows and not page.total_size:
            # Only then can it be that there is no such group.
            async with self._database.connection(call.tenant_id) as connection:
                await self._require(connection, call, group_id, group=True)
        found = (row.member.SerializeToString() for row in page.rows)
        return wire.repeated(1, found) + page_tokens(page)

    async def list_groups(self, request: Any, call: Call) -> bytes:
        """One page of the groups of a user or group."""
        principal_id = reading.identifier_of(USER, request.principal_id)
        size, after, digest = self._page(request, call, principal_id)
        async with self._database.connection(call.tenant_id) as connection:
            await self._require(connection, call, principal_id, group=False)
            rows = await members.page_of_groups(
                connection, call.tenant_id, principal_id, after, size + 1
            )
        return group_service_pb2.ListPrincipalGroupsResponse(
            groups=map(_membership, rows[:size]),
            next_page_token=self._next_token(rows, size, digest),
        ).SerializeToString()

    async def _require(
        self, connection: Connection, call: Call, identifier: UUID, *, group: bool
    ) -> None:
        kind = await resources.type_of(connection, call.tenant_id, identifier)
        if kind is None or (group and kind != group_pb2.Group.DESCRIPTOR.name):
            raise reading.not_found(GROUP if group else USER, str(identifier))

    def _page(self, request: Any, call: Call, owner: UUID) -> tuple[int, UUID | None, str]:
        """Page size, the id to begin after, and what identifies the list."""
        size = max(1, page_size_of(request))
        digest = page_token.digest(call.method.encode(), call.tenant_id.bytes, owner.bytes)
        if not request.page_token:
            return size, None, digest
        position = page_token.decode(request.page_token, digest, size, self._page_key)
        return size, position.id, digest

    def _next_token(self, rows: list[asyncpg.Record], size: int, digest: str) -> str:
        if len(rows) <= size:
            return ""
        return page_token.encode(Position(None, rows[size - 1]["id"]), digest, size, self._page_key)


def _membership(row: asyncpg.Record) -> user_pb2.GroupMembership:
    """What a group is to its member, from a row as `members.page_of_groups` answers it."""
    membership = user_pb2.GroupMembership(
        value=str(row["id"]), display=row["display"], type="direct"
    )
    set_origin(membership, row["origin"], row["synced_time"])
    return membership


def _check_number(ids: Any) -> None:
    if len(ids) > MAX_MEMBERS:
        raise DomainError(
            ErrorReason.ERROR_REASON_TOO_MANY,
            f"{len(ids)} members were given; {MAX_MEMBERS} are the most at once.",
            field="member_ids",
        )
