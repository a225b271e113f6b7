"""Whatever sources write roles in whatever order, each role is there as long as any of them says
so, and waits as long as its scope is not registered: as a simple model has it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from rollbook.v1.role_pb2 import RoleCatalogue, RoleScope, RoleType, RoleValue, UnknownScopes
from rollbook.v1.role_service_pb2 import (
    GrantRoleRequest,
    ListRoleAssignmentsRequest,
    RegisterRoleScopesRequest,
    RevokeRoleRequest,
    UnregisterRoleScopesRequest,
    UpdateRoleCatalogueRequest,
)
from rollbook.v1.user_pb2 import Role, User
from rollbook.v1.user_service_pb2 import UpdateUserRequest
from service.storage.credentials import DEFAULT_TENANT
from tests.harness.instance import empty_directory

if TYPE_CHECKING:
    from collections.abc import Awaitable

    import asyncpg

    from tests.harness.calls import Calls
    from tests.harness.scim import ScimAnswer, ScimClient

Result = TypeVar("Result")

PATTERN: Final = "workspace_<name>"
VALUES: Final = ("owner", "viewer")
CATALOGUE: Final = RoleCatalogue(
    types=[
        RoleType(name="all", values=[RoleValue(value=value) for value in VALUES]),
        RoleType(name=PATTERN, values=[RoleValue(value=value) for value in VALUES]),
        RoleType(name="skill", values=[RoleValue(value=value) for value in VALUES], several=True),
    ],
    unknown_scopes=UnknownScopes.UNKNOWN_SCOPES_KEEP_PENDING,
)


class Given(NamedTuple):
    """A role as the model has it."""

    type: str
    value: str

    @property
    def scope(self) -> str:
        """What it is on; empty for a role everywhere."""
        return self.type.partition("_")[2]


ROLES: Final = st.builds(
    Given, st.sampled_from(["all", "workspace_a", "workspace_b", "skill"]), st.sampled_from(VALUES)
)
LISTS: Final = st.lists(ROLES, max_size=5)
SOURCES: Final = st.sampled_from(["manual", "import", "product:x"])
CASES: Final = st.sampled_from([str.lower, str.upper, str.title])
NAMES: Final = st.sampled_from(["a", "b"])


class Walk(RuleBasedStateMachine):
    """One walk, in a thread of its own; the service and the clients run on `loop`."""

    loop: asyncio.AbstractEventLoop
    calls: Calls
    scim: ScimClient
    database: asyncpg.Connection[asyncpg.Record]

    @initialize()
    def begin(self) -> None:
        self._await(empty_directory(self.database))
        self._await(self.database.execute("DELETE FROM role_scopes"))
        self.user = self._await(self.scim.post("/Users", {"userName": "ada"})).body["id"]
        self.given: dict[str, set[Given]] = {}
        self.registered: set[str] = set()

    @rule(roles=LISTS, case=CASES)
    def an_identity_provider_puts(self, roles: list[Given], case: Any) -> None:
        body = {"userName": "ada", "roles": [_written(role, case) for role in roles]}
        answer = self._await(self.scim.put(f"/Users/{self.user}", body))
        if _contradicts(roles):
            assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
        else:
            assert answer.status == 200
            self.given["scim"] = set(roles)

    @rule(role=ROLES, case=CASES)
    def an_identity_provider_adds(self, role: Given, case: Any) -> None:
        self._patch({"op": "add", "path": "roles", "value": [_written(role, case)]})
        self._give("scim", role)

    @rule(role=ROLES)
    def an_identity_provider_removes(self, role: Given) -> None:
        condition = f'type eq "{role.type}" and value eq "{role.value}"'
        self._patch({"op": "remove", "path": f"roles[{condition}]"})
        self._of("scim").discard(role)

    @rule(role=ROLES)
    def an_identity_provider_is_wrong(self, role: Given) -> None:
        wrong = {"type": role.type, "value": "emperor"}
        body = {"userName": "ada", "roles": [_written(role, str.lower), wrong]}
        answer = self._await(self.scim.put(f"/Users/{self.user}", body))
        assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")

    @rule(source=SOURCES, role=ROLES, case=CASES)
    def somebody_grants(self, source: str, role: Given, case: Any) -> None:
        request = GrantRoleRequest(
            principal_id=self.user, type=case(role.type), value=case(role.value), source=source
        )
        self._await(self.calls(request))
        self._give(source, role)

    @rule(source=SOURCES, role=ROLES)
    def somebody_revokes(self, source: str, role: Given) -> None:
        request = RevokeRoleRequest(
            principal_id=self.user, type=role.type, value=role.value, source=source
        )
        if role in self._of(source):
            self._await(self.calls(request))
            self._of(source).discard(role)
        else:
            assert self._await(self.calls.reason(request)) == "ROLE_ASSIGNMENT_NOT_FOUND"

    @rule(roles=LISTS)
    def an_administrator_replaces(self, roles: list[Given]) -> None:
        own = self._of("manual")
        others = {role for source in self.given.keys() - {"manual"} for role in self._of(source)}
        meant = [role for role in roles if role in own or role not in others]
        user = User(id=self.user, roles=[Role(type=type_, value=value) for type_, value in roles])
        request = UpdateUserRequest(user=user, update_mask=FieldMask(paths=["roles"]))
        try:
            self._await(self.calls(request))
        except grpc.aio.AioRpcError:
            assert _contradicts(meant)
        else:
            assert not _contradicts(meant)
            self.given["manual"] = set(meant)

    @rule(name=NAMES)
    def a_product_registers(self, name: str) -> None:
        request = RegisterRoleScopesRequest(type=PATTERN, scopes=[RoleScope(name=name)])
        answer = self._await(self.calls(request))
        assert answer.registered_count == (name not in self.registered)
        assert answer.activated_count == (0 if name in self.registered else self._number_on(name))
        self.registered.add(name)

    @rule(name=NAMES)
    def a_product_unregisters(self, name: str) -> None:
        request = UnregisterRoleScopesRequest(type=PATTERN, names=[name])
        answer = self._await(self.calls(request))
        assert answer.unregistered_count == (name in self.registered)
        assert answer.suspended_count == (self._number_on(name) if name in self.registered else 0)
        self.registered.discard(name)

    @invariant()
    def assignments_are_those_of_the_model(self) -> None:
        request = ListRoleAssignmentsRequest(principal_id=self.user)
        listed = sorted(
            (each.source.partition(":")[0], each.type.lower(), each.value, each.pending)
            for each in self._await(self.calls(request)).assignments
        )
        assert listed == sorted(
            (
                source.partition(":")[0],
                *role,
                bool(role.scope) and role.scope not in self.registered,
            )
            for source in self.given
            for role in self._of(source)
        )

    @invariant()
    def the_user_shows_their_union(self) -> None:
        shown = self._await(self.scim.get(f"/Users/{self.user}")).body.get("roles", [])
        roles = [Given(role["type"].lower(), role["value"]) for role in shown]
        assert len(roles) == len(set(roles))
        assert set(roles) == {role for source in self.given for role in self._of(source)}

    def _of(self, source: str) -> set[Given]:
        return self.given.setdefault(source, set())

    def _give(self, source: str, role: Given) -> None:
        own = self._of(source)
        if role.type != "skill":
            own -= {other for other in own if other.type == role.type}
        own.add(role)

    def _number_on(self, scope: str) -> int:
        return sum(role.scope == scope for source in self.given for role in self._of(source))

    def _patch(self, operation: dict[str, Any]) -> ScimAnswer:
        answer = self._await(self.scim.patch(f"/Users/{self.user}", operation))
        assert answer.status == 200, answer.body
        return answer

    def _await(self, work: Awaitable[Result]) -> Result:
        async def done() -> Result:
            return await work

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result()


def _written(role: Given, case: Any) -> dict[str, str]:
    return {"type": case(role.type), "value": case(role.value)}


def _contradicts(roles: list[Given]) -> bool:
    """Whether a type that allows one role would have several."""
    single = {role for role in roles if role.type != "skill"}
    return len(single) > len({role.type for role in single})


async def test_roles_follow_the_model(
    calls: Calls, scim: ScimClient, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await calls(UpdateRoleCatalogueRequest(catalogue=CATALOGUE))
    Walk.loop = asyncio.get_running_loop()
    Walk.calls, Walk.scim, Walk.database = calls, scim, database
    limits = settings(
        max_examples=settings().max_examples // 4,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    try:
        await asyncio.to_thread(run_state_machine_as_test, Walk, settings=limits)
    finally:
        for table in ("role_catalogues", "role_scopes"):
            await database.execute(f"DELETE FROM {table} WHERE tenant_id = $1", DEFAULT_TENANT)
