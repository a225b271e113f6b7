"""Whatever a bulk request holds, it does what its operations would do one after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.instance import empty_directory
from tests.harness.operations import Listing
from tests.property.bulk_model import PREFIX, Operation, expected
from tests.property.directory_model import Directory, ModelGroup, ModelUser

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.drivers import Driver, ScimDriver
    from tests.harness.operations import Document, Kind
    from tests.harness.scim import ScimClient

USERS: Final = ("ada", "bob")
GROUPS: Final = ("Staff", "Crew")
"""Who is there before: `@ada` stands for an id in what follows."""

NAMES = st.sampled_from(["ada", "cleo", "CLEO", "dora", "Émile", "ÉMILE"])
SLOTS = st.tuples(
    st.sampled_from(["POST", "POST", "POST", "PATCH", "PATCH", "PATCH", "PUT", "DELETE"]),
    st.sampled_from(["User", "Group"]),
)


@st.composite
def bulks(draw: st.DrawFn) -> list[Operation]:
    """Up to twelve operations that refer to each other and to who is there before."""
    slots = draw(st.lists(SLOTS, min_size=1, max_size=12))
    made = {f"{PREFIX}n{i}": kind for i, (method, kind) in enumerate(slots) if method == "POST"}
    nobody = f"{PREFIX}n{len(slots)}"
    users = [f"@{name}" for name in USERS] + [each for each in made if made[each] == "User"]
    groups = [f"@{name}" for name in GROUPS] + [each for each in made if made[each] == "Group"]
    result = []
    for index, (method, kind) in enumerate(slots):
        own = users if kind == "User" else groups
        target = f"{PREFIX}n{index}" if method == "POST" else draw(st.sampled_from([*own, nobody]))
        change = draw(st.sampled_from(["add", "add", "remove", "replace"]))
        candidates = [*users, nobody] if kind == "User" else [*users, *groups, nobody]
        # To remove nobody is no operation, and a PATCH of a user is about its title.
        least = 1 if (method, kind, change) == ("PATCH", "Group", "remove") else 0
        most = 1 if kind == "User" else 3
        if (method, kind) == ("PATCH", "User") or method == "DELETE":
            most = 0
        few = st.sets(st.sampled_from(candidates), min_size=least, max_size=most)
        references = draw(few)
        result.append(Operation(method, kind, target, draw(NAMES), frozenset(references), change))
    return result


async def _prepare(driver: Driver) -> dict[str, str]:
    """Creates who is there before; their ids by name."""
    ids = {}
    for name in USERS:
        ids[f"@{name}"] = (await driver.create("User", {"userName": name})).id
    for name in GROUPS:
        ids[f"@{name}"] = (await driver.create("Group", {"displayName": name})).id
    return ids


def _model() -> Directory:
    return Directory(
        {f"@{name}": ModelUser(name) for name in USERS},
        {f"@{name}": ModelGroup(name) for name in GROUPS},
    )


def _replaced(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, str):
        return "/".join(words.get(part, part) for part in value.split("/"))
    if isinstance(value, dict):
        return {name: _replaced(part, words) for name, part in value.items()}
    if isinstance(value, list):
        return [_replaced(part, words) for part in value]
    return value


async def _shown(driver: Driver) -> dict[str, Document]:
    kinds: tuple[Kind, ...] = ("User", "Group")
    lists = [await driver.list(kind, Listing(count=100)) for kind in kinds]
    return {
        each["id"]: {name: value for name, value in each.items() if name != "meta"}
        for found in lists
        for each in found.resources
    }


def _sorted(resource: Document, ids: dict[str, str]) -> Document:
    """With the elements of `members` and `groups` in the order of their ids."""
    resource = _replaced(resource, ids)
    for name in ("members", "groups"):
        if name in resource:
            resource[name].sort(key=lambda each: each["value"])
    return resource


async def _compare(
    scim: ScimClient,
    driver: Driver,
    database: asyncpg.Connection[asyncpg.Record],
    operations: list[Operation],
    fail_on_errors: int,
) -> None:
    await empty_directory(database)
    ids = await _prepare(driver)
    answer = await scim.post(
        "/Bulk",
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "failOnErrors": fail_on_errors,
            "Operations": [_replaced(each.request(), ids) for each in operations],
        },
    )
    assert answer.status == 200, answer.body
    expectation = expected(_model(), operations, fail_on_errors)
    begun = sorted(expectation.failed)
    results = answer.body["Operations"]
    assert len(results) == len(begun)
    for index, result in zip(begun, results, strict=True):
        failed = int(result["status"]) >= 400
        assert failed == expectation.failed[index], (index, result)
        if operations[index].creates and not failed:
            ids[operations[index].target] = result["location"].rsplit("/", 1)[1]
    model = expectation.directory
    shown = {**model.shown_users(), **model.shown_groups()}
    assert await _shown(driver) == {ids[key]: _sorted(each, ids) for key, each in shown.items()}


async def test_a_bulk_does_what_its_operations_do_one_by_one(
    scim: ScimClient,
    scim_driver: ScimDriver,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    loop = asyncio.get_running_loop()

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(bulks(), st.sampled_from([0, 0, 1, 2]))
    def compare(operations: list[Operation], fail_on_errors: int) -> None:
        work = _compare(scim, scim_driver, database, operations, fail_on_errors)
        asyncio.run_coroutine_threadsafe(work, loop).result(60)

    await asyncio.to_thread(compare)
