"""The methods that every resource type has, in UserService, GroupService and their like.

`ResourceMethods` is made for one resource type; `answers` binds its functions to the method
names of the contract. Fields of the same meaning have the same name in every request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import USER
from rollbook.limits import ONESELF
from rollbook.metadata import CHANNEL, SCIM
from rollbook.v1 import filter_pb2
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.directory import listing, paging, reading, writing
from service.directory.writing import Writer
from service.domain.errors import DomainError, invalid_value
from service.domain.membership import parse_id
from service.rpc import wire
from service.rpc.gate.password_hashing import hash_password
from service.storage import resources
from service.storage.derived import View

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from google.protobuf.field_mask_pb2 import FieldMask

    from rollbook.attributes import ResourceType
    from service.directory.paging import Page
    from service.passwords import PasswordHasher
    from service.rpc.calls import Answer, Call
    from service.rpc.writes import Writes
    from service.storage.database import Connection, Database

MAX_BATCH: Final = 1_000
"""How many resources one call reads by id."""


class ResourceMethods:
    """Create, get, list, … for one resource type."""

    def __init__(
        self,
        resource_type: ResourceType,
        database: Database,
        hasher: PasswordHasher,
        writes: Writes,
        page_key: bytes,
    ) -> None:
        self._type = resource_type
        self._field = resource_type.field
        self._database = database
        self._hasher = hasher
        self._writes = writes
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        name = self._type.name
        return {
            f"Create{name}": self.create,
            f"Get{name}": self.get,
            f"BatchGet{name}s": self.batch_get,
            f"Lookup{name}": self.look_up,
            f"List{name}s": self.list,
            f"Update{name}": self.update,
            f"Patch{name}": self.patch,
            f"Delete{name}": self.delete,
        }

    async def get(self, request: Any, call: Call) -> bytes:
        """One resource by id."""
        identifier = self._identifier(request, call)
        async with self._database.connection(call.tenant_id) as connection:
            found = await reading.existing(
                connection, call.tenant_id, self._type, identifier, view_of(request, call)
            )
        return wire.nested(1, found)

    async def batch_get(self, request: Any, call: Call) -> bytes:
        """Several resources by id, in the order asked for."""
        if len(request.ids) > MAX_BATCH:
            raise DomainError(
                ErrorReason.ERROR_REASON_TOO_MANY,
                f"{len(request.ids)} ids were asked for; {MAX_BATCH} are the most at once.",
                field="ids",
            )
        wanted = {text: parse_id(text) for text in request.ids}
        known = [identifier for identifier in wanted.values() if identifier is not None]
        async with self._database.connection(call.tenant_id) as connection:
            found = await resources.get_many(
                connection, call.tenant_id, self._type, known, view_of(request, call)
            )
        present = {text: found[i] for text, i in wanted.items() if i in found}
        missing = [text.encode() for text in wanted if text not in present]
        return wire.repeated(1, present.values()) + wire.repeated(2, missing)

    async def look_up(self, request: Any, call: Call) -> bytes:
        """One resource by the key that the request sets."""
        key = request.WhichOneof("key")
        if key is None or not getattr(request, key):
            raise invalid_value("key", f"Say which {self._type.noun} to look up.")
        name, operand = _KEYS[key], getattr(request, key)
        found = await self._with_key(call, _equal(name, operand), view_of(request, call))
        if not found:
            raise reading.not_found(self._type, operand)
        if len(found) > 1:
            raise DomainError(
                ErrorReason.ERROR_REASON_TOO_MANY,
                f"Several {self._type.noun}s have this {name}: name the one you mean by its id.",
                field=key,
            )
        return wire.nested(1, found[0])

    async def _with_key(self, call: Call, condition: filter_pb2.Filter, view: View) -> list[bytes]:
        """Up to two resources that have a key; two are too many."""
        try:
            async with self._database.connection(call.tenant_id) as connection:
                return await listing.first(
                    connection, call.tenant_id, self._of(call), condition, view, limit=2
                )
        except DomainError as error:
            if error.reason != ErrorReason.ERROR_REASON_INVALID_FILTER:
                raise
            return []  # Too long or with U+0000: nobody has such a key.

    async def list(self, request: Any, call: Call) -> bytes:
        """One page of a list."""
        query = listing.query_of_resources(
            request, [self._of(call)], call.tenant_id, view_of(request, call)
        )
        page = await paging.page(self._database, query, self._page_key)
        return wire.repeated(1, (row.resource for row in page.rows)) + page_tokens(page)

    async def create(self, request: Any, call: Call) -> bytes:
        """A new resource."""
        resource = getattr(request, self._field)
        fingerprint = self._writes.fingerprint(request)
        await self._hash_password([resource])

        async def work(connection: Connection) -> bytes:
            copy = type(resource).FromString(resource.SerializeToString())
            created = await writing.create(self._writer(connection, call, request), copy)
            return wire.nested(1, created)

        return await self._writes.run(call, request, fingerprint, work)

    async def update(self, request: Any, call: Call) -> bytes:
        """Some or all fields of a resource anew."""
        resource = getattr(request, self._field)
        identifier = self._identifier(resource, call)
        fingerprint = self._writes.fingerprint(request)
        await self._hash_password([resource])

        async def work(connection: Connection) -> bytes:
            copy = type(resource).FromString(resource.SerializeToString())
            mask = list(request.update_mask.paths)
            writer = self._writer(connection, call, request)
            return wire.nested(
                1, await writing.update(writer, identifier, copy, mask, request.etag)
            )

        return await self._writes.run(call, request, fingerprint, work)

    async def patch(self, request: Any, call: Call) -> bytes:
        """Operations on a resource."""
        identifier = self._identifier(request, call)
        fingerprint = self._writes.fingerprint(request)
        await self._hash_password([getattr(o, self._field) for o in request.operations])

        async def work(connection: Connection) -> bytes:
            writer = self._writer(connection, call, request)
            return wire.nested(
                1,
                await writing.apply_patch(writer, identifier, request.operations, request.etag),
            )

        return await self._writes.run(call, request, fingerprint, work)

    async def delete(self, request: Any, call: Call) -> bytes:
        """One resource less."""
        identifier = self._identifier(request, call)
        fingerprint = self._writes.fingerprint(request)

        async def work(connection: Connection) -> bytes:
            writer = Writer(connection, call.author, call.schemas, self._of(call), View())
            await writing.delete(writer, identifier, request.etag)
            return b""

        return await self._writes.run(call, request, fingerprint, work)

    def _identifier(self, named: Any, call: Call) -> UUID:
        """The id that a request or a resource has. Raises NOT_FOUND.

        The caller's own user may be called by an alias, in whose place the id is put: the same
        request of somebody else is another one.
        """
        if named.id == ONESELF and self._type is USER:
            named.id = _own_id(call)
        return reading.identifier_of(self._type, named.id)

    def _writer(self, connection: Connection, call: Call, request: Any) -> Writer:
        return Writer(connection, call.author, call.schemas, self._of(call), view_of(request, call))

    def _of(self, call: Call) -> ResourceType:
        """The type with the extensions that the caller's tenant has."""
        return call.schemas.resource_type(self._type.name)

    async def _hash_password(self, values: Iterable[Any]) -> None:
        if self._type is USER:
            await hash_password(self._hasher, values)


def _own_id(call: Call) -> str:
    if call.caller.principal_id is None:
        raise DomainError(
            ErrorReason.ERROR_REASON_USER_NOT_FOUND,
            "The credentials are not a user's, so there is nobody to be meant by oneself; "
            "say which user by their id.",
            metadata={"resourceType": USER.name, "resourceName": ONESELF},
        )
    return str(call.caller.principal_id)


_KEYS: Final = {
    "user_name": "userName",
    "external_id": "externalId",
    "email": "emails",
    "display_name": "displayName",
}


def _equal(name: str, operand: str) -> filter_pb2.Filter:
    path = filter_pb2.AttributePath(attribute=name)
    if name == "emails":
        path.sub_attribute = "value"
    return filter_pb2.Filter(
        comparison=filter_pb2.Comparison(
            path=path,
            operator=filter_pb2.COMPARISON_OPERATOR_EQUAL,
            value=filter_pb2.FilterValue(string=operand),
        )
    )


def page_tokens(page: Page[Any]) -> bytes:
    """The fields of a list's response beside the items."""
    fields = b""
    if page.next_token:
        fields += wire.nested(2, page.next_token.encode())
    if page.previous_token:
        fields += wire.nested(3, page.previous_token.encode())
    if page.total_size is not None:
        fields += wire.varint(4 << 3) + wire.varint(page.total_size)
    return fields


def view_of(request: Any, call: Call) -> View:
    """Which derived parts the read mask asks for; when there is none, what is shown by default."""
    mask: FieldMask = request.read_mask
    return view_of_paths(mask.paths) if mask.paths else default_view(call)


def default_view(call: Call) -> View:
    """All derived parts, but for SCIM clients not what is returned on request."""
    return _BY_DEFAULT if call.metadata.get(CHANNEL) == SCIM else _EVERYTHING


def view_of_paths(paths: Collection[str]) -> View:
    """Which derived parts the paths of a read mask ask for; all when there are none."""
    if not paths:
        return _EVERYTHING
    roots = {path.partition(".")[0] for path in paths}
    return View(
        groups="groups" in roots or "*" in roots,
        members="members" in roots or "*" in roots,
        origin="origin" in roots or "*" in roots,
        manager="*" in roots or any(map(_concerns_responsible, paths)),
        access="access" in roots,
    )


_EVERYTHING: Final = View()
_BY_DEFAULT: Final = View(origin=False)
_OF_RESPONSIBLE: Final = ("enterprise.manager.display_name", "owner.display", "owner.active")


def _concerns_responsible(path: str) -> bool:
    return any(each == path or each.startswith(f"{path}.") for each in _OF_RESPONSIBLE)
