"""Who is let in with a certificate, in memory, as the service has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.workload_service_pb2 import CertificateIdentity
from service.domain.certificate_names import checked_pattern
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Workloads:
    """The identities there are, in the order they were made."""

    by_id: dict[str, CertificateIdentity] = field(default_factory=dict)

    def methods(self) -> dict[str, Callable[[Any], dict[str, Any]]]:
        return {
            "CreateCertificateIdentity": self.create,
            "ListCertificateIdentities": self.list,
            "DeleteCertificateIdentity": self.delete,
        }

    def add(self, name: str, pattern: str, *scopes: str) -> CertificateIdentity:
        made = CertificateIdentity(
            id=str(uuid4()), name=name, pattern=checked_pattern(pattern), scopes=sorted(scopes)
        )
        self.by_id[made.id] = made
        return made

    def create(self, request: Any) -> dict[str, Any]:
        return {"identity": self.add(request.name, request.pattern, *request.scopes)}

    def list(self, request: Any) -> dict[str, Any]:
        return {"identities": list(reversed(self.by_id.values()))}

    def delete(self, request: Any) -> dict[str, Any]:
        if self.by_id.pop(request.id, None) is None:
            reason = ErrorReason.ERROR_REASON_CREDENTIAL_NOT_FOUND
            raise DomainError(reason, f"There is no certificate identity {request.id!r}.")
        return {}
