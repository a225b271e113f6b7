"""Methods of RoleService on catalogues and scopes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rollbook.v1 import role_service_pb2
from rollbook.v1.role_pb2 import RoleCatalogue, RoleScope
from service.directory.access import role_catalogues as catalogues
from service.directory.access import role_scopes as scopes
from service.directory.paging import page_size_of
from service.domain import etag
from service.domain.scope_rules import pattern_of
from service.domain.search import page_token
from service.domain.search.folding import fold
from service.domain.search.page_token import Position
from service.storage.access import role_catalogues, role_scopes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import asyncpg

    from service.rpc.calls import Answer, Call
    from service.rpc.writes import Writes
    from service.storage.database import Connection, Database

_NO_ID = UUID(int=0)


class RoleCatalogueMethods:
    """Reads and replaces catalogues, and registers scopes."""

    def __init__(self, database: Database, writes: Writes, page_key: bytes) -> None:
        self._database = database
        self._writes = writes
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "GetRoleCatalogue": self.get,
            "UpdateRoleCatalogue": self.update,
            "RegisterRoleScopes": self.register,
            "UnregisterRoleScopes": self.unregister,
            "ListRoleScopes": self.list_scopes,
        }

    async def get(self, request: Any, call: Call) -> bytes:
        """The catalogue."""
        del request
        async with self._database.connection(call.tenant_id) as connection:
            stored = await role_catalogues.find(connection, call.tenant_id)
        shown = stored.message() if stored else RoleCatalogue(etag=etag.of_version(0))
        return role_service_pb2.GetRoleCatalogueResponse(catalogue=shown).SerializeToString()

    async def update(self, request: Any, call: Call) -> bytes:
        """A catalogue in the place of the one before."""

        async def work(connection: Connection) -> bytes:
            shown = await catalogues.update(
                connection, call.author, request.catalogue, request.etag, call.caller.scopes
            )
            return role_service_pb2.UpdateRoleCatalogueResponse(catalogue=shown).SerializeToString()

        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def register(self, request: Any, call: Call) -> bytes:
        """Scopes become known."""

        async def work(connection: Connection) -> bytes:
            new, active = await scopes.register(
                connection, call.author, request.type, request.scopes
            )
            return role_service_pb2.RegisterRoleScopesResponse(
                registered_count=new, activated_count=active
            ).SerializeToString()

        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def unregister(self, request: Any, call: Call) -> bytes:
        """Scopes are forgotten."""

        async def work(connection: Connection) -> bytes:
            gone, suspended = await scopes.unregister(
                connection, call.author, request.type, request.names
            )
            return role_service_pb2.UnregisterRoleScopesResponse(
                unregistered_count=gone, suspended_count=suspended
            ).SerializeToString()

        return await self._writes.run(call, request, self._writes.fingerprint(request), work)

    async def list_scopes(self, request: Any, call: Call) -> bytes:
        """One page of the known scopes."""
        size = max(1, page_size_of(request))
        digest = page_token.digest(
            call.method.encode(), call.tenant_id.bytes, fold(request.type).encode()
        )
        after = ("", "")
        if request.page_token:
            position = page_token.decode(request.page_token, digest, size, self._page_key)
            after = tuple(json.loads(position.key or "[]"))
        async with self._database.connection(call.tenant_id) as connection:
            catalogue = await role_catalogues.get(connection, call.tenant_id)
            pattern = pattern_of(catalogue, request.type).key if request.type else None
            rows = await role_scopes.page(connection, call.tenant_id, pattern, after, size + 1)
        names = {each.key: each.message.name for each in catalogue.patterns}
        response = role_service_pb2.ListRoleScopesResponse(
            scopes=[_scope(row, names) for row in rows[:size]]
        )
        if len(rows) > size:
            key = json.dumps([rows[size - 1]["pattern_key"], rows[size - 1]["name_key"]])
            response.next_page_token = page_token.encode(
                Position(key, _NO_ID), digest, size, self._page_key
            )
        return response.SerializeToString()


def _scope(row: asyncpg.Record, names: Mapping[str, str]) -> RoleScope:
    scope = RoleScope(
        type=names.get(row["pattern_key"], row["pattern_key"]),
        name=row["name"],
        display=row["display"] or "",
        registered_by=row["registered_by"],
    )
    scope.create_time.FromDatetime(row["create_time"])
    return scope
