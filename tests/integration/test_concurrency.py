"""What happens when requests meet: one wins, nothing is lost, nobody sees a fault of ours."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.operations import Change, Target

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.drivers import Driver, GrpcDriver, ScimDriver
    from tests.harness.scim import ScimClient

CLIENTS = 50


@pytest.fixture(params=["grpc", "scim"])
def driver(
    request: pytest.FixtureRequest, grpc_driver: GrpcDriver, scim_driver: ScimDriver
) -> Driver:
    return grpc_driver if request.param == "grpc" else scim_driver


async def _user(driver: Driver, name: str) -> str:
    return (await driver.create("User", {"userName": name})).id


async def _group(driver: Driver, *members: str) -> str:
    document = {"displayName": "Staff", "members": [{"value": member} for member in members]}
    return (await driver.create("Group", document)).id


async def _members(driver: Driver, group: str) -> set[str]:
    outcome = await driver.get("Group", group)
    assert outcome.resource
    return {member["value"] for member in outcome.resource.get("members", [])}


def _add(*members: str) -> Change:
    return Change("add", Target("members"), [{"value": member} for member in members])


async def test_one_of_many_gets_a_name(scim: ScimClient) -> None:
    answers = await asyncio.gather(
        *(scim.post("/Users", {"userName": "Ada" if n % 2 else "ADA"}) for n in range(CLIENTS))
    )
    assert Counter(answer.status for answer in answers) == {201: 1, 409: CLIENTS - 1}
    assert {answer.scim_type for answer in answers} == {None, "uniqueness"}
    assert (await scim.get("/Users")).body["totalResults"] == 1


async def test_one_of_many_renamed_gets_a_name(driver: Driver) -> None:
    ids = [await _user(driver, f"user-{n}") for n in range(10)]
    change = Change("replace", Target("userName"), "Ada")
    outcomes = await asyncio.gather(*(driver.patch("User", each, [change]) for each in ids))
    assert Counter(outcome.reason for outcome in outcomes) == {"": 1, "UNIQUENESS": 9}


async def test_one_of_many_conditional_writes_is_made(driver: Driver) -> None:
    created = await driver.create("User", {"userName": "ada"})
    outcomes = await asyncio.gather(
        *(
            driver.patch(
                "User", created.id, [Change("replace", Target("title"), str(n))], created.etag
            )
            for n in range(CLIENTS)
        )
    )
    assert Counter(outcome.reason for outcome in outcomes) == {
        "": 1,
        "ETAG_MISMATCH": CLIENTS - 1,
    }
    winner = next(outcome for outcome in outcomes if not outcome.reason)
    assert (await driver.get("User", created.id)).resource == winner.resource


async def test_unconditional_writes_are_all_made(
    driver: Driver, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    user = await _user(driver, "ada")
    outcomes = await asyncio.gather(
        *(
            driver.patch("User", user, [Change("replace", Target("title"), f"title {n}")])
            for n in range(CLIENTS)
        )
    )
    assert {outcome.reason for outcome in outcomes} == {""}
    assert len({outcome.etag for outcome in outcomes}) == CLIENTS
    versions = await database.fetch("SELECT version FROM changes ORDER BY revision")
    assert [row["version"] for row in versions] == list(range(1, CLIENTS + 2))


async def test_additions_of_overlapping_members_are_all_made(driver: Driver) -> None:
    users = [await _user(driver, f"user-{n}") for n in range(20)]
    group = await _group(driver)
    outcomes = await asyncio.gather(
        *(
            driver.patch("Group", group, [_add(*users[n : n + 8], *users[: n % 3])])
            for n in range(0, 20, 2)
            for _ in range(3)
        )
    )
    assert {outcome.reason for outcome in outcomes} == {""}
    assert await _members(driver, group) == set(users)


async def test_additions_in_opposite_order_do_not_lock_each_other(driver: Driver) -> None:
    users = [await _user(driver, f"user-{n}") for n in range(10)]
    groups = [await _group(driver) for _ in range(4)]
    outcomes = await asyncio.gather(
        *(
            driver.patch("Group", group, [_add(*(users if n % 2 else reversed(users)))])
            for n in range(10)
            for group in groups
        )
    )
    assert {outcome.reason for outcome in outcomes} == {""}
    for group in groups:
        assert await _members(driver, group) == set(users)


async def test_a_deleted_user_does_not_come_back_as_a_member(driver: Driver) -> None:
    for _ in range(10):
        user = await _user(driver, "ada")
        group = await _group(driver)
        added, deleted = await asyncio.gather(
            driver.patch("Group", group, [_add(user)]), driver.delete("User", user)
        )
        assert not deleted.reason
        assert added.reason in {"", "INVALID_VALUE"}
        assert await _members(driver, group) == set()


async def test_a_delete_waits_in_order_and_holds_nobody_up_meanwhile(
    driver: Driver, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    """Or it and others that hold these groups would wait for each other."""
    user = await _user(driver, "ada")
    first, second = sorted([await _group(driver, user), await _group(driver, user)])
    async with database.transaction():
        await _hold(database, first, "FOR NO KEY UPDATE NOWAIT")
        deletion = asyncio.create_task(driver.delete("User", user))
        while not await database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await _hold(database, second, "FOR NO KEY UPDATE NOWAIT")
        await _hold(database, user, "FOR KEY SHARE NOWAIT")  # as who adds a member does
    assert not (await deletion).reason
    assert await _members(driver, first) == await _members(driver, second) == set()


async def test_deletes_of_groups_in_each_other_take_turns(driver: Driver) -> None:
    groups = [await _group(driver) for _ in range(10)]
    for group in groups:
        await driver.patch("Group", group, [_add(*groups)])
    outcomes = await asyncio.gather(*(driver.delete("Group", group) for group in groups))
    assert {outcome.reason for outcome in outcomes} == {""}


async def _hold(database: asyncpg.Connection[asyncpg.Record], resource: str, strength: str) -> None:
    query = f"SELECT id FROM resources WHERE id = $1 {strength}"
    assert await database.fetchval(query, resource) is not None


async def test_a_storm_leaves_a_consistent_directory(
    driver: Driver, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    """Users and groups come, go and join at once; versions and `changes` tell the same story."""
    users = [await _user(driver, f"user-{n}") for n in range(15)]
    groups = [await _group(driver, *users[n::3]) for n in range(3)]
    chance = random.Random(7)

    async def act() -> str:
        user, group = chance.choice(users), chance.choice(groups)
        act = chance.randrange(5)
        if act == 0:
            return (await driver.delete("User", user)).reason
        if act == 1:
            return (await driver.delete("Group", group)).reason if chance.random() < 0.1 else ""
        if act == 2:
            removal = Change("remove", Target("members", where={"value": user}))
            return (await driver.patch("Group", group, [removal])).reason
        if act == 3:
            title = Change("replace", Target("title"), str(chance.random()))
            return (await driver.patch("User", user, [title])).reason
        return (await driver.patch("Group", group, [_add(user, chance.choice(users))])).reason

    reasons = await asyncio.gather(*(act() for _ in range(150)))
    missing = {f"{name}_NOT_FOUND" for name in ("USER", "GROUP", "SERVICE_ACCOUNT")}
    allowed = {"", "INVALID_VALUE", *missing}
    assert {part for reason in reasons for part in reason.split("/")} <= allowed
    await _check_changes(database)


async def _check_changes(database: asyncpg.Connection[asyncpg.Record]) -> None:
    """The versions of a resource have no gap and no double, and end at the one it has."""
    rows: list[Any] = await database.fetch(
        "SELECT c.resource_id, array_agg(c.version ORDER BY c.revision) AS versions, "
        "bool_or(c.action = 'delete') AS deleted, r.version AS current "
        "FROM changes AS c LEFT JOIN resources AS r ON r.id = c.resource_id "
        "GROUP BY c.resource_id, r.version"
    )
    for row in rows:
        assert row["versions"] == list(range(1, len(row["versions"]) + 1)), row
        assert row["deleted"] == (row["current"] is None), row
        if row["current"] is not None:
            assert row["versions"][-1] == row["current"], row
