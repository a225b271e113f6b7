"""The tenants there are, in memory, as the service has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rollbook.v1.tenant_pb2 import Tenant
from service.domain.tenant_rules import check_confirmed, checked_name, not_found

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Tenants:
    """The tenants, in the order they were made; the first one is the caller's."""

    by_id: dict[str, Tenant] = field(default_factory=dict)

    def methods(self) -> dict[str, Callable[[Any], dict[str, Any]]]:
        return {
            "CreateTenant": lambda request: self._one(self.add(request.tenant)),
            "GetTenant": lambda request: self._one(self._find(request.id)),
            "ListTenants": lambda _: {"tenants": list(self.by_id.values())},
            "UpdateTenant": self.update,
            "SuspendTenant": lambda request: self.let(request.id, Tenant.STATE_SUSPENDED),
            "ResumeTenant": lambda request: self.let(request.id, Tenant.STATE_ACTIVE),
            "DeleteTenant": self.delete,
        }

    def add(self, asked: Tenant) -> Tenant:
        made = Tenant()
        made.CopyFrom(asked)
        made.id, made.state = str(uuid4()), Tenant.STATE_ACTIVE
        checked_name(made.name)
        self.by_id[made.id] = made
        return made

    def update(self, request: Any) -> dict[str, Any]:
        tenant = self._find(request.tenant.id)
        for path in request.update_mask.paths:
            tenant.ClearField(path)
            tenant.MergeFrom(Tenant(**{path: getattr(request.tenant, path)}))
        return self._one(tenant)

    def let(self, text: str, state: Tenant.State.ValueType) -> dict[str, Any]:
        tenant = self._find(text)
        tenant.state = state
        return self._one(tenant)

    def delete(self, request: Any) -> dict[str, Any]:
        tenant = self._find(request.id)
        check_confirmed(tenant.name, request.confirm_name, request.etag)
        del self.by_id[tenant.id]
        return {}

    def _find(self, text: str) -> Tenant:
        for tenant in self.by_id.values():
            if text in ("", tenant.id, tenant.name):
                return tenant
        raise not_found(text)

    def _one(self, tenant: Tenant) -> dict[str, Any]:
        return {"tenant": tenant}
