"""Roles in memory, as far as commands show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rollbook.v1.error_reason_pb2 import ErrorReason
from rollbook.v1.role_pb2 import RoleAssignment, RoleCatalogue, RoleScope
from service.domain.catalogue_rules import completed
from service.domain.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Roles:
    """The catalogue, the scopes, and the assignments in the order they were made."""

    catalogue: RoleCatalogue = field(default_factory=RoleCatalogue)
    scopes: list[RoleScope] = field(default_factory=list)
    assignments: list[RoleAssignment] = field(default_factory=list)

    def methods(self) -> dict[str, Callable[[Any], dict[str, Any]]]:
        return {
            "GetRoleCatalogue": lambda _: {"catalogue": self.catalogue},
            "UpdateRoleCatalogue": self.update,
            "RegisterRoleScopes": self.register,
            "UnregisterRoleScopes": self.unregister,
            "ListRoleScopes": lambda _: {"scopes": self.scopes},
            "GrantRole": self.grant,
            "RevokeRole": self.revoke,
            "ListRoleAssignments": lambda _: {"assignments": self.assignments},
        }

    def update(self, request: Any) -> dict[str, Any]:
        new = completed(request.catalogue)
        if not request.validate_only:
            self.catalogue = new
        return {"catalogue": new}

    def register(self, request: Any) -> dict[str, Any]:
        for scope in request.scopes:
            self.scopes.append(RoleScope(type=request.type, name=scope.name))
        return {"registered_count": len(request.scopes)}

    def unregister(self, request: Any) -> dict[str, Any]:
        left = [scope for scope in self.scopes if scope.name not in request.names]
        gone, self.scopes = len(self.scopes) - len(left), left
        return {"unregistered_count": gone}

    def add(self, principal_id: str, type_: str, value: str, source: str) -> RoleAssignment:
        made = RoleAssignment(
            id=str(uuid4()), principal_id=principal_id, type=type_, value=value, source=source
        )
        self.assignments.append(made)
        return made

    def grant(self, request: Any) -> dict[str, Any]:
        made = self.add(request.principal_id, request.type, request.value, request.source)
        if request.HasField("expire_time"):
            made.expire_time.CopyFrom(request.expire_time)
        return {"assignment": made}

    def revoke(self, request: Any) -> dict[str, Any]:
        meant = (request.type, request.value, request.source)
        left = [each for each in self.assignments if (each.type, each.value, each.source) != meant]
        if len(left) == len(self.assignments):
            reason = ErrorReason.ERROR_REASON_ROLE_ASSIGNMENT_NOT_FOUND
            raise DomainError(reason, "There is no such role assignment.")
        self.assignments = left
        return {}
