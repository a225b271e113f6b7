"""Methods of CredentialService."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook.attributes import USER
from rollbook.v1 import credential_service_pb2
from service.directory import api_tokens as use_cases
from service.directory.reading import identifier_of
from service.domain.timestamps import timestamp
from service.domain.token_rules import (
    DEFAULT_OVERLAP,
    check_not_wider,
    checked_name,
    checked_scopes,
    lifetime_of,
    overlap_of,
)
from service.rpc.id_pages import IdPage
from service.rpc.withdrawal import withdraw
from service.storage import api_tokens, credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.epoch import Epoch
    from service.rpc.calls import Answer, Call
    from service.storage.database import Database


class CredentialMethods:
    """Makes, lists, replaces and revokes API tokens, and tells callers who they are."""

    def __init__(self, database: Database, epoch: Epoch, page_key: bytes) -> None:
        self._database = database
        self._epoch = epoch
        self._page_key = page_key

    def answers(self) -> Mapping[str, Answer]:
        """The functions by the method names of the contract."""
        return {
            "CreateToken": self.create,
            "ListTokens": self.list,
            "RotateToken": self.rotate,
            "RevokeToken": self.revoke,
            "DescribeCaller": self.describe_caller,
        }

    async def create(self, request: Any, call: Call) -> bytes:
        """A new token, of no wider scope than the caller's own."""
        name, scopes = checked_name(request.name), checked_scopes(request.scopes)
        lifetime = lifetime_of(request.lifetime) if request.HasField("lifetime") else None
        check_not_wider(scopes, call.caller.scopes)
        token, secret = await self._database.transaction(
            call.tenant_id,
            lambda connection: use_cases.create(
                connection,
                call.author,
                name,
                scopes,
                lifetime,
                request.principal_id,
                request.connection_id,
            ),
        )
        return credential_service_pb2.CreateTokenResponse(
            token=token.message(), secret=secret
        ).SerializeToString()

    async def list(self, request: Any, call: Call) -> bytes:
        """One page of tokens."""
        whose = identifier_of(USER, request.principal_id) if request.principal_id else None
        narrowed = (bytes([request.show_ended]), *([whose.bytes] if whose else []))
        page = IdPage.of(request, call, self._page_key, *narrowed)
        async with self._database.connection(call.tenant_id) as connection:
            found = await api_tokens.page(
                connection,
                call.tenant_id,
                principal_id=whose,
                before=page.before,
                with_ended=request.show_ended,
                limit=page.limit,
            )
        tokens, next_page_token = page.cut(found)
        return credential_service_pb2.ListTokensResponse(
            tokens=[token.message() for token in tokens], next_page_token=next_page_token
        ).SerializeToString()

    async def rotate(self, request: Any, call: Call) -> bytes:
        """A token in the place of another."""
        has_overlap = request.HasField("overlap")
        overlap = overlap_of(request.overlap) if has_overlap else DEFAULT_OVERLAP
        token, secret = await withdraw(
            self._database,
            self._epoch,
            call.tenant_id,
            lambda connection: use_cases.rotate(
                connection, call.author, request.id, overlap, call.caller.scopes
            ),
        )
        return credential_service_pb2.RotateTokenResponse(
            token=token.message(), secret=secret
        ).SerializeToString()

    async def revoke(self, request: Any, call: Call) -> bytes:
        """A token less, which nobody on this machine believes in when this returns."""
        await withdraw(
            self._database,
            self._epoch,
            call.tenant_id,
            lambda connection: use_cases.revoke(connection, call.author, request.id),
        )
        return b""

    async def describe_caller(self, request: Any, call: Call) -> bytes:
        """Who calls."""
        del request
        async with self._database.connection(call.tenant_id) as connection:
            tenant_name = await credentials.tenant_name(connection, call.tenant_id)
        caller = call.caller
        return credential_service_pb2.DescribeCallerResponse(
            tenant_id=str(caller.tenant_id),
            tenant_name=tenant_name,
            name=caller.name,
            scopes=sorted(caller.scopes),
            expire_time=timestamp(caller.expire_time),
            principal_id=str(caller.principal_id or ""),
        ).SerializeToString()
