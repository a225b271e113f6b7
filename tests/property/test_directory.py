"""Whatever is done in whatever order, through gRPC and SCIM in turn, the directory is what a
simple model says: same resources, same memberships, versions and changes that tell the truth."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.harness.instance import empty_directory
from tests.harness.operations import Change, Listing, Target
from tests.harness.representation import ENTERPRISE_SCHEMA
from tests.property.directory_model import Directory, ModelAccount, ModelGroup, ModelUser

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    import asyncpg

    from tests.harness.drivers import Driver, GrpcDriver, ScimDriver
    from tests.harness.operations import Document, Kind, Outcome

USER_NAMES = st.sampled_from(["ada", "ADA", "bob", "cleo", "dora", "Émile", "ÉMILE"])
ACCOUNT_NAMES = st.sampled_from(["bot", "Bot", "BÖT", "böt", "ada"])
GROUP_NAMES = st.sampled_from(["Staff", "Crew", "staff"])
TITLES = st.sampled_from(["", "Analyst", "analyst"])
PROTOCOLS = st.sampled_from(["grpc", "scim"])
INDEXES = st.integers(0, 1000)
SUBSETS = st.sets(st.integers(0, 9), max_size=4)

Result = TypeVar("Result")

UNKNOWN = "00000000-0000-4000-8000-00000000dead"


class Walk(RuleBasedStateMachine):
    """One walk, in a thread of its own; the service and the clients run on `loop`."""

    loop: asyncio.AbstractEventLoop
    drivers: dict[str, Driver]
    database: asyncpg.Connection[asyncpg.Record]

    @initialize()
    def begin(self) -> None:
        self._await(empty_directory(self.database))
        self.model = Directory()
        self.etags: dict[str, str] = {}

    @rule(protocol=PROTOCOLS, name=USER_NAMES, title=TITLES, manager=INDEXES)
    def create_user(self, protocol: str, name: str, title: str, manager: int) -> None:
        user = ModelUser(name, title, manager=self._one_of(self.model.users, manager))
        outcome = self._await(self.drivers[protocol].create("User", _written(user)))
        if self.model.is_taken(name):
            self._check(outcome, "UNIQUENESS")
        else:
            self.model.users[outcome.id] = user
            self._check(outcome, changed={outcome.id: "create"})

    @rule(protocol=PROTOCOLS, name=ACCOUNT_NAMES, owner=INDEXES)
    def create_account(self, protocol: str, name: str, owner: int) -> None:
        account = ModelAccount(name, owner=self._one_of(self.model.users, owner))
        outcome = self._await(self.drivers[protocol].create("ServiceAccount", _of(account)))
        if self.model.is_name_taken(name):
            self._check(outcome, "UNIQUENESS")
        else:
            self.model.accounts[outcome.id] = account
            self._check(outcome, changed={outcome.id: "create"})

    @rule(protocol=PROTOCOLS, name=GROUP_NAMES, members=SUBSETS)
    def create_group(self, protocol: str, name: str, members: set[int]) -> None:
        group = ModelGroup(name, self._some(members))
        document = {"displayName": name, "members": _references(group.members)}
        outcome = self._await(self.drivers[protocol].create("Group", document))
        self.model.groups[outcome.id] = group
        self._check(outcome, changed={outcome.id: "create"})

    @precondition(lambda self: self.model.users)
    @rule(protocol=PROTOCOLS, index=INDEXES, name=USER_NAMES, title=TITLES, manager=INDEXES)
    def replace_user(self, protocol: str, index: int, name: str, title: str, manager: int) -> None:
        key = self._one_of(self.model.users, index)
        before = self.model.users[key]
        after = ModelUser(name, title, before.active, self._one_of(self.model.users, manager))
        document = {k: v for k, v in _written(after).items() if k != "active"}
        outcome = self._await(self.drivers[protocol].replace("User", key, document))
        if self.model.is_taken(name, by_other_than=key):
            self._check(outcome, "UNIQUENESS")
        else:
            self.model.users[key] = after
            self._check(outcome, changed={key: "update"} if after != before else {})

    @precondition(lambda self: self.model.accounts)
    @rule(protocol=PROTOCOLS, index=INDEXES, name=ACCOUNT_NAMES, owner=INDEXES)
    def replace_account(self, protocol: str, index: int, name: str, owner: int) -> None:
        key = self._one_of(self.model.accounts, index)
        before = self.model.accounts[key]
        after = ModelAccount(name, before.active, self._one_of(self.model.users, owner))
        document = {k: v for k, v in _of(after).items() if k != "active"}
        outcome = self._await(self.drivers[protocol].replace("ServiceAccount", key, document))
        if self.model.is_name_taken(name, by_other_than=key):
            self._check(outcome, "UNIQUENESS")
        else:
            self.model.accounts[key] = after
            self._check(outcome, changed={key: "update"} if after != before else {})

    @precondition(lambda self: self.model.accounts)
    @rule(protocol=PROTOCOLS, index=INDEXES, active=st.booleans(), owner=INDEXES)
    def patch_account(self, protocol: str, index: int, owner: int, *, active: bool) -> None:
        """Anything but a user is refused as the owner."""
        key = self._one_of(self.model.accounts, index)
        account = self.model.accounts[key]
        chosen = self._one_of({**self.model.users, **self.model.groups, key: account}, owner)
        changes = [
            Change("replace", Target("active"), active),
            Change("replace", Target("owner"), {"value": chosen}),
        ]
        outcome = self._await(self.drivers[protocol].patch("ServiceAccount", key, changes))
        if chosen not in self.model.users:
            self._check(outcome, "INVALID_VALUE")
            return
        same = (account.active, account.owner) == (active, chosen)
        account.active, account.owner = active, chosen
        self._check(outcome, changed={} if same else {key: "update"})

    @precondition(lambda self: self.model.users)
    @rule(protocol=PROTOCOLS, index=INDEXES, active=st.booleans(), title=TITLES)
    def patch_user(self, protocol: str, index: int, title: str, *, active: bool) -> None:
        key = self._one_of(self.model.users, index)
        user = self.model.users[key]
        same = (user.active, user.title) == (active, title)
        changes = [
            Change("replace", Target("active"), active),
            Change("replace", Target("title"), title),
        ]
        outcome = self._await(self.drivers[protocol].patch("User", key, changes))
        user.active, user.title = active, title
        self._check(outcome, changed={} if same else {key: "update"})

    @precondition(lambda self: self.model.users)
    @rule(protocol=PROTOCOLS, index=INDEXES, stale=st.booleans())
    def patch_user_conditionally(self, protocol: str, index: int, *, stale: bool) -> None:
        key = self._one_of(self.model.users, index)
        user = self.model.users[key]
        changes = [Change("replace", Target("active"), not user.active)]
        etag = 'W/"stale"' if stale else self.etags[key]
        outcome = self._await(self.drivers[protocol].patch("User", key, changes, etag))
        if stale:
            self._check(outcome, "ETAG_MISMATCH")
        else:
            user.active = not user.active
            self._check(outcome, changed={key: "update"})

    @precondition(lambda self: self.model.groups)
    @rule(protocol=PROTOCOLS, index=INDEXES, name=GROUP_NAMES)
    def rename_group(self, protocol: str, index: int, name: str) -> None:
        key = self._one_of(self.model.groups, index)
        group = self.model.groups[key]
        same = group.display_name == name
        changes = [Change("replace", Target("displayName"), name)]
        outcome = self._await(self.drivers[protocol].patch("Group", key, changes))
        group.display_name = name
        self._check(outcome, changed={} if same else {key: "update"})

    @precondition(lambda self: self.model.groups)
    @rule(
        protocol=PROTOCOLS,
        index=INDEXES,
        members=SUBSETS,
        op=st.sampled_from(["add", "remove", "replace"]),
    )
    def change_members(self, protocol: str, index: int, members: set[int], op: Any) -> None:
        key = self._one_of(self.model.groups, index)
        group = self.model.groups[key]
        chosen = self._some(members)
        if not chosen and op != "replace":
            return
        changes = [Change(op, Target("members"), _references(chosen))]
        outcome = self._await(self.drivers[protocol].patch("Group", key, changes))
        after = {
            "add": group.members | chosen,
            "remove": group.members - chosen,
            "replace": chosen,
        }[op]
        same = after == group.members
        group.members = after
        self._check(outcome, changed={} if same else {key: "update"})

    @precondition(lambda self: self.model.groups)
    @rule(protocol=PROTOCOLS, index=INDEXES, members=SUBSETS)
    def add_somebody_unknown(self, protocol: str, index: int, members: set[int]) -> None:
        key = self._one_of(self.model.groups, index)
        references = _references({*self._some(members), UNKNOWN})
        changes = [Change("add", Target("members"), references)]
        outcome = self._await(self.drivers[protocol].patch("Group", key, changes))
        self._check(outcome, "INVALID_VALUE")

    @precondition(lambda self: self.model.users)
    @rule(protocol=PROTOCOLS, index=INDEXES)
    def delete_user(self, protocol: str, index: int) -> None:
        self._delete(protocol, "User", self._one_of(self.model.users, index))

    @precondition(lambda self: self.model.accounts)
    @rule(protocol=PROTOCOLS, index=INDEXES)
    def delete_account(self, protocol: str, index: int) -> None:
        self._delete(protocol, "ServiceAccount", self._one_of(self.model.accounts, index))

    @precondition(lambda self: self.model.groups)
    @rule(protocol=PROTOCOLS, index=INDEXES)
    def delete_group(self, protocol: str, index: int) -> None:
        self._delete(protocol, "Group", self._one_of(self.model.groups, index))

    def _delete(self, protocol: str, kind: Kind, key: str) -> None:
        outcome = self._await(self.drivers[protocol].delete(kind, key))
        touched = self.model.delete(key)
        self._check(outcome, changed={key: "delete", **dict.fromkeys(touched, "update")})

    def _await(self, work: Awaitable[Result]) -> Result:
        async def awaited() -> Result:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self.loop).result(60)

    @staticmethod
    def _one_of(resources: Mapping[str, object], index: int) -> str:
        """One of the ids, or none when there are none."""
        keys = sorted(resources)
        return keys[index % len(keys)] if keys else ""

    def _some(self, indexes: set[int]) -> set[str]:
        keys = sorted([*self.model.users, *self.model.accounts, *self.model.groups])
        return {keys[index % len(keys)] for index in indexes if keys}

    def _check(
        self, outcome: Outcome, reason: str = "", changed: dict[str, str] | None = None
    ) -> None:
        """The outcome is as it should be, and so is all of the directory."""
        assert reason in outcome.reason.split("/"), outcome
        assert bool(reason) == bool(outcome.reason), outcome
        self._await(self._check_directory(changed or {}))

    async def _check_directory(self, changed: dict[str, str]) -> None:
        etags: dict[str, str] = {}
        expected: tuple[tuple[Kind, dict[str, Document]], ...] = (
            ("User", self.model.shown_users()),
            ("ServiceAccount", self.model.shown_accounts()),
            ("Group", self.model.shown_groups()),
        )
        for kind, resources in expected:
            lists = [await driver.list(kind, Listing()) for driver in self.drivers.values()]
            assert lists[0] == lists[1], kind
            assert lists[0].total == len(resources), kind
            seen = {each["id"]: each for each in lists[0].resources}
            etags |= {key: each["meta"]["version"] for key, each in seen.items()}
            assert {key: _without_meta(each) for key, each in seen.items()} == resources
        moved = {key for key in etags.keys() | self.etags.keys() if _differ(key, etags, self.etags)}
        assert moved == changed.keys(), "versions change with the resources, and only then"
        self.etags = etags
        rows = await self.database.fetch(
            "DELETE FROM changes RETURNING resource_id, action, attributes"
        )
        # That a connection manages a resource from now on is recorded, but shows in no answer.
        told = [row for row in rows if row["attributes"] != ["origin"]]
        assert sorted((str(row["resource_id"]), row["action"]) for row in told) == sorted(
            changed.items()
        )


def _written(user: ModelUser) -> Document:
    document: Document = {"userName": user.user_name, "active": user.active}
    if user.title:
        document["title"] = user.title
    if user.manager:
        document[ENTERPRISE_SCHEMA] = {"manager": {"value": user.manager}}
    return document


def _of(account: ModelAccount) -> Document:
    owner = {"owner": {"value": account.owner}} if account.owner else {}
    return {"displayName": account.display_name, "active": account.active, **owner}


def _references(members: set[str]) -> list[Document]:
    return [{"value": member} for member in sorted(members)]


def _without_meta(resource: Document) -> Document:
    return {name: value for name, value in resource.items() if name != "meta"}


def _differ(key: str, first: Mapping[str, str], second: Mapping[str, str]) -> bool:
    return first.get(key) != second.get(key)


async def test_directory_follows_the_model(
    grpc_driver: GrpcDriver,
    scim_driver: ScimDriver,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    Walk.loop = asyncio.get_running_loop()
    Walk.drivers = {"grpc": grpc_driver, "scim": scim_driver}
    Walk.database = database
    limits = settings(
        max_examples=settings().max_examples // 4,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    await asyncio.to_thread(run_state_machine_as_test, Walk, settings=limits)
