"""Whether a directory is sound: what is listed, stored, counted and recorded agrees."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from rollbook.attributes import GROUP, RESOURCE_TYPES, USER
from service.domain.search.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg

    from tests.harness.scim import ScimClient

_COUNTS: Final = """
SELECT r.resource_type, count(*) AS stored, (
    SELECT sum(c.resources)::bigint FROM resource_counts AS c
    WHERE c.tenant_id = r.tenant_id AND c.resource_type = r.resource_type
) AS counted
FROM resources AS r GROUP BY r.tenant_id, r.resource_type
"""
_UNRECORDED: Final = """
SELECT r.id, r.version, c.version AS recorded, c.action
FROM resources AS r LEFT JOIN LATERAL (
    SELECT version, action, message FROM changes AS c
    WHERE c.tenant_id = r.tenant_id AND c.resource_id = r.id ORDER BY revision DESC LIMIT 1
) AS c ON true
WHERE c.version IS DISTINCT FROM r.version OR c.action = 'delete' OR c.message <> r.message
"""
_HELD: Final = """
SELECT state, query FROM pg_stat_activity
WHERE datname = current_database() AND state LIKE 'idle in transaction%'
"""


async def unsoundness(client: ScimClient, database: asyncpg.Connection[Any]) -> list[str]:
    """What does not agree; nobody may write meanwhile."""
    listed = {kind.name: await _walk(client, kind.endpoint) for kind in RESOURCE_TYPES}
    users, groups = listed[USER.name], listed[GROUP.name]
    members = [each for kind, each in listed.items() if kind != GROUP.name]
    found = [*_clashes(users), *_one_sided([*itertools.chain(*members)], groups)]
    for row in await database.fetch(_COUNTS):
        count = len(listed[row["resource_type"]])
        if not count == row["stored"] == row["counted"]:
            found.append(f"{count} are listed: {dict(row)}")
    found += [f"not as recorded: {dict(row)}" for row in await database.fetch(_UNRECORDED)]
    found += [f"a transaction is held: {dict(row)}" for row in await database.fetch(_HELD)]
    return found


async def _walk(client: ScimClient, endpoint: str) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await client.get(f"{endpoint}?count=500&cursor={cursor}")
        assert answer.status == 200, answer
        resources += answer.body["Resources"]
        cursor = answer.body.get("nextCursor")
    assert answer.body["totalResults"] == len(resources), (endpoint, len(resources))
    return resources


def _clashes(users: list[dict[str, Any]]) -> Iterator[str]:
    names = Counter(fold(user["userName"]) for user in users)
    yield from (f"{number} users are {name!r}" for name, number in names.items() if number > 1)


def _one_sided(people: list[dict[str, Any]], groups: list[dict[str, Any]]) -> Iterator[str]:
    """Members that do not show their group as one they are in directly, or the other way."""
    of_groups = {
        (member["value"], group["id"])
        for group in groups
        for member in group.get("members", ())
        if member["type"] != GROUP.name
    }
    of_members = {
        (each["id"], group["value"])
        for each in people
        for group in each.get("groups", ())
        if group["type"] == "direct"
    }
    for member, group in of_groups ^ of_members:
        yield f"only one of {member} and group {group} shows the other"
