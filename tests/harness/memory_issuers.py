"""Issuers in memory, as the service has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.issuer_service_pb2 import Issuer
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Issuers:
    """The issuers there are, in the order they were made."""

    by_id: dict[str, Issuer] = field(default_factory=dict)

    def methods(self) -> dict[str, Callable[[Any], dict[str, Any]]]:
        return {
            "CreateIssuer": lambda request: {"issuer": self.add(request.issuer)},
            "ListIssuers": lambda _: {"issuers": list(reversed(self.by_id.values()))},
            "DeleteIssuer": self.delete,
        }

    def add(self, issuer: Issuer) -> Issuer:
        made = Issuer()
        made.CopyFrom(issuer)
        made.id = str(uuid4())
        self.by_id[made.id] = made
        return made

    def delete(self, request: Any) -> dict[str, Any]:
        if self.by_id.pop(request.id, None) is None:
            reason = ErrorReason.ERROR_REASON_CREDENTIAL_NOT_FOUND
            raise DomainError(reason, f"There is no issuer {request.id!r}.")
        return {}
