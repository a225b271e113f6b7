"""API tokens in memory, as the service has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rollbook.access import EVERY_SCOPE
from rollbook.tokens import hint_of, new_token
from rollbook.v1.credential_service_pb2 import Token
from rollbook.v1.error_reason_pb2 import ErrorReason
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Tokens:
    """The tokens there are, in the order they were made; `scopes` are the caller's own."""

    by_id: dict[str, Token] = field(default_factory=dict)
    scopes: frozenset[str] = EVERY_SCOPE

    def methods(self) -> dict[str, Callable[[Any], dict[str, Any]]]:
        return {
            "CreateToken": self.create,
            "ListTokens": self.list,
            "RotateToken": self.rotate,
            "RevokeToken": self.revoke,
            "DescribeCaller": self.describe_caller,
        }

    def add(self, name: str, *scopes: str) -> Token:
        secret = new_token()
        token = Token(id=str(uuid4()), name=name, scopes=sorted(scopes), hint=hint_of(secret))
        token.create_time.GetCurrentTime()
        self.by_id[token.id] = token
        return token

    def create(self, request: Any) -> dict[str, Any]:
        token = self.add(request.name, *request.scopes)
        token.principal_id = request.principal_id
        if request.HasField("lifetime"):
            ends = token.create_time.ToNanoseconds() + request.lifetime.ToNanoseconds()
            token.expire_time.FromNanoseconds(ends)
        return {"token": token, "secret": new_token()}

    def list(self, request: Any) -> dict[str, Any]:
        found = [
            token
            for token in reversed(self.by_id.values())
            if (request.show_ended or not token.HasField("revoke_time"))
            and request.principal_id in {"", token.principal_id}
        ]
        return {"tokens": found}

    def rotate(self, request: Any) -> dict[str, Any]:
        old = self._existing(request.id)
        ends = Token().create_time
        ends.GetCurrentTime()
        ends.FromNanoseconds(ends.ToNanoseconds() + request.overlap.ToNanoseconds())
        old.expire_time.CopyFrom(ends)
        new = self.add(old.name, *old.scopes)
        new.principal_id = old.principal_id
        return {"token": new, "secret": new_token()}

    def revoke(self, request: Any) -> dict[str, Any]:
        self._existing(request.id).revoke_time.GetCurrentTime()
        return {}

    def describe_caller(self, request: Any) -> dict[str, Any]:
        return {"name": "test", "tenant_name": "default", "scopes": sorted(self.scopes)}

    def _existing(self, token_id: str) -> Token:
        if token_id not in self.by_id:
            reason = ErrorReason.ERROR_REASON_CREDENTIAL_NOT_FOUND
            raise DomainError(reason, f"There is no valid token {token_id!r}.")
        return self.by_id[token_id]
