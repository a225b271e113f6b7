"""Access in memory, as far as commands show it: what somebody was given, without groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollbook.v1 import access_pb2
from rollbook.v1.access_service_pb2 import CheckAccessResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook.v1.role_pb2 import RoleAssignment
    from tests.harness.memory_roles import Roles


@dataclass
class Access:
    """Answers from the assignments of a memory service."""

    roles: Roles

    def methods(self) -> dict[str, Callable[[Any], dict[str, Any]]]:
        return {
            "CheckAccess": self.check,
            "BatchCheckAccess": lambda request: {
                "results": [CheckAccessResponse(**self.check(each)) for each in request.checks]
            },
            "ExplainAccess": self.explain,
            "ListEffectiveRoles": self.list_roles,
            "BatchListEffectiveRoles": lambda _: {},
            "ListPrincipalsWithRole": self.list_principals,
            "ListTransitiveGroups": lambda _: {},
            "ListTransitiveMembers": lambda _: {},
            "CheckMembership": lambda _: {},
        }

    def _given(self, request: Any) -> list[RoleAssignment]:
        meant = (request.type, request.value)
        return [each for each in self.roles.assignments if (each.type, each.value) == meant]

    def _own(self, request: Any) -> list[RoleAssignment]:
        return [each for each in self._given(request) if each.principal_id == request.principal_id]

    def check(self, request: Any) -> dict[str, Any]:
        allowed = bool(self._own(request))
        granted, not_granted = (
            access_pb2.ACCESS_REASON_GRANTED,
            access_pb2.ACCESS_REASON_NOT_GRANTED,
        )
        return {"allowed": allowed, "reason": granted if allowed else not_granted}

    def explain(self, request: Any) -> dict[str, Any]:
        principal = access_pb2.AccessNode(id=request.principal_id, type="User")
        paths = [
            access_pb2.AccessPath(
                nodes=[principal],
                grant=access_pb2.AccessGrant(type=each.type, value=each.value, source=each.source),
            )
            for each in self._own(request)
        ]
        return {**self.check(request), "principal": principal, "paths": paths}

    def list_roles(self, request: Any) -> dict[str, Any]:
        return {
            "roles": [
                access_pb2.EffectiveRole(type=each.type, value=each.value, direct=True)
                for each in self.roles.assignments
                if each.principal_id == request.principal_id
            ]
        }

    def list_principals(self, request: Any) -> dict[str, Any]:
        return {
            "principals": [
                access_pb2.PrincipalWithRole(id=each.principal_id, type="User", direct=True)
                for each in self._given(request)
            ]
        }
