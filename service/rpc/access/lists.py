"""Methods of AccessService that ask the database: who has a role and why, and who belongs where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import GROUP, USER
from rollbook.v1 import access_pb2, access_service_pb2, group_pb2
from service.directory.access.checks import check_role, role_of, too_much
from service.directory.access.explaining import Explanation, Question, explain, explain_past
from service.directory.paging import page_size_of
from service.directory.reading import identifier_of, not_found
from service.domain.access.revisions import Snapshot, unknown_revision
from service.domain.errors import invalid_value
from service.domain.membership import parse_id
from service.domain.search import page_token
from service.domain.search.page_token import Position
from service.domain.timestamps import timestamp
from service.storage import resources
from service.storage.access import graph as access
from service.storage.access import lists as access_lists
from service.storage.access import role_catalogues
from service.storage.access.graph import TooMuchError
from service.storage.access.lists import PageOf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    import asyncpg

    from service.directory.access.explaining import Node
    from service.domain.access.revisions import Revisions
    from service.rpc.calls import Answer, Call
    from service.storage.access.lists import Assigned
    from service.storage.database import Connection, Database

    Rows = Callable[[Connection, PageOf], Awaitable[list[asyncpg.Record]]]

DEFAULT_PATHS: Final = 1_000
MAX_PATHS: Final = 10_000
"""How many paths one explanation has."""

_CLOCK_SKEW: Final = timedelta(seconds=1)

_MAX_TYPES: Final = 10


class AccessListMethods:
    """Explains access, and lists those who have a role, groups of principals, members of groups."""

    def __init__(self, database: Database, revisions: Revisions, page_key: bytes) -> None:
        self._database = database
        self._revisions = revisions
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "ExplainAccess": self.explain,
            "ListPrincipalsWithRole": self.list_principals,
            "ListTransitiveGroups": self.list_groups,
            "ListTransitiveMembers": self.list_members,
        }

    async def explain(self, request: Any, call: Call) -> bytes:
        """Why a principal has a role."""
        if request.max_paths < 0:
            raise invalid_value("max_paths", "max_paths must not be negative.")
        limit = min(request.max_paths or DEFAULT_PATHS, MAX_PATHS)
        explanation = await self._explanation(request, call, limit)
        if explanation.principal is None:
            raise not_found(USER, request.principal_id)
        return _explained(explanation, explanation.principal).SerializeToString()

    async def check_past(self, request: Any, call: Call) -> bytes:
        """Whether a principal had a role, of a CheckAccessRequest with `as_of`."""
        explanation = await self._explanation(request, call, 1)
        if explanation.principal is None:
            reason = access_pb2.ACCESS_REASON_PRINCIPAL_NOT_FOUND
        else:
            reason = _reason(explanation, explanation.principal)
        return access_service_pb2.CheckAccessResponse(
            allowed=bool(explanation.paths), reason=reason
        ).SerializeToString()

    async def _explanation(self, request: Any, call: Call, limit: int) -> Explanation:
        role = role_of(request.type, request.value)
        identifier = parse_id(request.principal_id)
        moment = _moment(request)
        revision = request.at_least_as_fresh
        transaction_id = self._revisions.transaction_of(call.tenant_id, revision)
        if identifier is None:
            return Explanation(None)
        question = Question(call.tenant_id, identifier, role, limit)

        async def work(connection: Connection) -> Explanation:
            if transaction_id is not None:
                await _require(connection, transaction_id)
            if moment is not None:
                return await explain_past(connection, question, moment)
            return await explain(connection, question)

        try:
            return await self._database.snapshot(call.tenant_id, work)
        except TooMuchError:
            raise too_much() from None

    async def list_principals(self, request: Any, call: Call) -> bytes:
        """One page of those who have a role."""
        role = role_of(request.type, request.value)
        types = _types("principal_types", request.principal_types)

        async def rows(connection: Connection, page: PageOf) -> list[asyncpg.Record]:
            catalogue = await role_catalogues.get(connection, call.tenant_id)
            check_role(catalogue, role)
            return await access_lists.principals_with_role(
                connection, call.tenant_id, catalogue.granting(role), page
            )

        listed = [role.type, role.value, *(types or ())]
        found, token = await self._page(request, call, listed, types, rows)
        return access_service_pb2.ListPrincipalsWithRoleResponse(
            principals=[access_pb2.PrincipalWithRole(**_columns(row)) for row in found],
            next_page_token=token,
        ).SerializeToString()

    async def list_groups(self, request: Any, call: Call) -> bytes:
        """One page of the groups of a principal."""
        identifier = identifier_of(USER, request.principal_id)

        async def rows(connection: Connection, page: PageOf) -> list[asyncpg.Record]:
            if await resources.type_of(connection, call.tenant_id, identifier) is None:
                raise not_found(USER, request.principal_id)
            return await access_lists.transitive_groups(
                connection, call.tenant_id, identifier, page
            )

        found, token = await self._page(request, call, [str(identifier)], None, rows)
        return access_service_pb2.ListTransitiveGroupsResponse(
            groups=_members(found), next_page_token=token
        ).SerializeToString()

    async def list_members(self, request: Any, call: Call) -> bytes:
        """One page of the members of a group."""
        identifier = identifier_of(GROUP, request.group_id)
        types = _types("member_types", request.member_types)

        async def rows(connection: Connection, page: PageOf) -> list[asyncpg.Record]:
            kind = await resources.type_of(connection, call.tenant_id, identifier)
            if kind != group_pb2.Group.DESCRIPTOR.name:
                raise not_found(GROUP, request.group_id)
            return await access_lists.transitive_members(
                connection, call.tenant_id, identifier, page
            )

        listed = [str(identifier), *(types or ())]
        found, token = await self._page(request, call, listed, types, rows)
        return access_service_pb2.ListTransitiveMembersResponse(
            members=_members(found), next_page_token=token
        ).SerializeToString()

    async def _page(
        self,
        request: Any,
        call: Call,
        listed: Iterable[str],
        types: Sequence[str] | None,
        rows: Rows,
    ) -> tuple[list[asyncpg.Record], str]:
        """The rows of a page of the list that `listed` identifies, and the token of the next."""
        size = max(1, page_size_of(request))
        digest = page_token.digest(
            call.method.encode(), call.tenant_id.bytes, *(part.encode() for part in listed)
        )
        after = None
        if request.page_token:
            after = page_token.decode(request.page_token, digest, size, self._page_key).id
        async with self._database.connection(call.tenant_id) as connection:
            found = await rows(connection, PageOf(after, size + 1, types))
        if len(found) <= size:
            return found, ""
        place = Position(None, found[size - 1]["id"])
        return found[:size], page_token.encode(place, digest, size, self._page_key)


async def _require(connection: Connection, transaction_id: int) -> None:
    """Raises INVALID_VALUE when there has been no such transaction. One that was answered has
    ended, so that every snapshot taken since sees it."""
    snapshot = Snapshot.parse(await access.snapshot_of(connection))
    if not snapshot.sees(transaction_id):
        raise unknown_revision()


def _types(field: str, names: Sequence[str]) -> list[str] | None:
    if len(names) > _MAX_TYPES:
        raise invalid_value(field, f"{field} has more than {_MAX_TYPES} elements.")
    return list(names) or None


def _columns(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "type": row["resource_type"],
        "display": row["display"],
        "direct": row["direct"],
    }


def _members(rows: Iterable[asyncpg.Record]) -> list[access_pb2.TransitiveMember]:
    return [access_pb2.TransitiveMember(**_columns(row)) for row in rows]


def _explained(
    explanation: Explanation, principal: Node
) -> access_service_pb2.ExplainAccessResponse:
    return access_service_pb2.ExplainAccessResponse(
        allowed=bool(explanation.paths),
        reason=_reason(explanation, principal),
        principal=_node(principal),
        paths=[
            access_pb2.AccessPath(nodes=map(_node, nodes), grant=_grant(assignment))
            for nodes, assignment in explanation.paths
        ],
        truncated=explanation.truncated,
    )


def _reason(explanation: Explanation, principal: Node) -> access_pb2.AccessReason.ValueType:
    if not principal.active:
        return access_pb2.ACCESS_REASON_PRINCIPAL_INACTIVE
    if explanation.paths:
        return access_pb2.ACCESS_REASON_GRANTED
    return access_pb2.ACCESS_REASON_NOT_GRANTED


def _moment(request: Any) -> datetime | None:
    """The past moment that is asked about. Raises INVALID_VALUE."""
    if not request.HasField("as_of"):
        return None
    try:
        moment: datetime = request.as_of.ToDatetime(tzinfo=UTC)
    except ValueError:
        raise invalid_value("as_of", "as_of is no valid time.") from None
    if moment > datetime.now(UTC) + _CLOCK_SKEW:
        raise invalid_value("as_of", "as_of is in the future, of which nothing is known.")
    return moment


def _node(node: Node) -> access_pb2.AccessNode:
    return access_pb2.AccessNode(id=str(node.id), type=node.type, display=node.display)


def _grant(assignment: Assigned) -> access_pb2.AccessGrant:
    return access_pb2.AccessGrant(
        id=str(assignment.id),
        type=assignment.type,
        value=assignment.value,
        source=assignment.source,
        granted_by=assignment.granted_by,
        create_time=timestamp(assignment.create_time),
        expire_time=timestamp(assignment.expire_time),
    )
