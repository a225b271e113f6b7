"""Which index serves which filter, also when the plan is made before the operands are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from gateway.scim.dialects import LENIENT, Reading
from gateway.scim.filters import parse_filter
from rollbook.attributes import GROUP, USER, ResourceType
from service.domain.search.filters import resolve
from service.storage import isolation
from service.storage.search.filter_sql import where
from service.storage.search.search_sql import RESOURCES
from service.storage.search.selectivity import is_selective
from tests.harness.instance import connect_as_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

    from tests.harness.database import DatabaseServer

TENANT = UUID("00000000-0000-7000-8000-000000000001")
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ORIGIN = "urn:rollbook:params:scim:schemas:extension:origin:1.0:Origin"
ID = "018f0000-0000-7000-8000-00000000000a"

SELECTIVE = [
    (USER, 'userName eq "ada"', "resources_unique_key"),
    (USER, 'userName sw "a"', "resources_unique_key"),
    (USER, 'externalId eq "1"', "resources_external_id"),
    (USER, f'id eq "{ID}"', "resources_pkey"),
    (USER, 'title eq "x"', "resources_search"),
    (USER, 'name.familyName eq "x"', "resources_search"),
    (USER, 'emails eq "a@b"', "resources_search"),
    (USER, 'emails.value eq "a@b"', "resources_search"),
    (USER, 'emails[type eq "work" and value eq "a@b"]', "resources_search"),
    (USER, 'emails[value eq "a@b" and not (type eq "home")]', "resources_search"),
    (USER, 'emails[value eq "a@b" or value eq "c@d"]', "resources_search"),
    (USER, 'x509Certificates.value eq "YWJj"', "resources_search"),
    (USER, f'{ENTERPRISE}:employeeNumber eq "1"', "resources_search"),
    (USER, f'{ENTERPRISE}:manager.value eq "1"', "resources_search"),
    (USER, f'{ENTERPRISE}:manager.displayName eq "x"', "resources_manager"),
    (USER, 'active eq true and title eq "x"', "resources_search"),
    (USER, 'title eq "x" or userName eq "ada"', "resources_unique_key"),
    (USER, 'displayName sw "a"', "resources_display_name"),
    (USER, 'name.familyName sw "a"', "resources_family_name"),
    (USER, 'name.givenName sw "a"', "resources_given_name"),
    (USER, f'groups.value eq "{ID}"', "members_pkey"),
    (USER, 'groups.display eq "x"', "resources_search"),
    (GROUP, 'displayName eq "x"', "resources_search"),
    (GROUP, f'members.value eq "{ID}"', "members_by_member"),
    (GROUP, f'members[value eq "{ID}"]', "members_by_member"),
]

# Other ways may be cheaper; the index serves where the operands show that it is.
WHEN_CHEAPER = [
    (GROUP, 'members.display eq "x"', "resources_search"),
    (USER, 'meta.created ge "2099-01-31T00:00:00Z"', "resources_create_time"),
    (USER, 'meta.lastModified gt "2099-01-31T00:00:00Z"', "resources_update_time"),
]


@pytest.fixture(scope="module")
async def connection(database_server: DatabaseServer) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A directory large enough for indexes to pay, as far as the planner knows."""
    async with database_server.database() as url:
        connection = await connect_as_tenant(url)
        await connection.execute(
            """
            INSERT INTO resources (
                tenant_id, id, resource_type, unique_key, external_id, display, active,
                manager_id, create_time, update_time, message, search
            )
            SELECT
                '00000000-0000-7000-8000-000000000001', gen_random_uuid(),
                CASE WHEN n % 10 = 0 THEN 'Group' ELSE 'User' END, n::text, n::text, n::text,
                true, gen_random_uuid(), now() - make_interval(mins => n),
                now() - make_interval(mins => n), decode(repeat('00', 500), 'hex'),
                jsonb_build_object(
                    'displayName', n::text, 'title', n::text, 'nickName', repeat('x', 500),
                    'name', jsonb_build_object('familyName', n::text, 'givenName', n::text)
                )
            FROM generate_series(1, 20000) AS n;
            INSERT INTO members (tenant_id, group_id, member_id)
            SELECT g.tenant_id, g.id, u.id
            FROM resources AS g JOIN resources AS u
            ON g.unique_key::int = u.unique_key::int / 10 * 10
            WHERE g.resource_type = 'Group' AND u.resource_type = 'User';
            """
        )
        await connection.execute("VACUUM ANALYZE")
        await isolation.enter(connection)
        yield connection
        await connection.close()


async def plan_of(
    connection: asyncpg.Connection[Any],
    resource_type: ResourceType,
    text: str,
    mode: str,
    rest: str = "",
) -> str:
    """A custom plan is made for the operands, a generic one for whatever they will be."""
    parameters: list[object] = [TENANT, resource_type.name]
    condition = resolve(parse_filter(text, resource_type, Reading(LENIENT)), resource_type)
    query = (
        f"SELECT r.id, r.message FROM {RESOURCES} AS r WHERE r.tenant_id = $1::uuid"
        f" AND r.resource_type = $2::text AND {where(condition, TENANT, parameters)}{rest}"
    )
    if mode == "custom":
        rows = await connection.fetch(f"EXPLAIN {query}", *parameters)
    else:
        operands = ", ".join("NULL" for _ in parameters)
        await connection.execute("SET plan_cache_mode = force_generic_plan; SET jit = off")
        await connection.execute(f"PREPARE filtered AS {query}")
        rows = await connection.fetch(f"EXPLAIN EXECUTE filtered ({operands})")
        await connection.execute("DEALLOCATE filtered; RESET plan_cache_mode")
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("mode", ["custom", "generic"])
@pytest.mark.parametrize(("resource_type", "text", "index"), SELECTIVE)
async def test_an_index_serves_selective_filters(
    connection: asyncpg.Connection[Any],
    resource_type: ResourceType,
    text: str,
    index: str,
    mode: str,
) -> None:
    condition = resolve(parse_filter(text, resource_type, Reading(LENIENT)), resource_type)
    assert is_selective(condition)
    plan = await plan_of(connection, resource_type, text, mode)
    assert f" {index} " in plan
    assert "Seq Scan on resources" not in plan


@pytest.mark.parametrize(("resource_type", "text", "index"), WHEN_CHEAPER)
async def test_an_index_serves_rare_names_and_times(
    connection: asyncpg.Connection[Any], resource_type: ResourceType, text: str, index: str
) -> None:
    assert f" {index} " in await plan_of(connection, resource_type, text, "custom")


@pytest.mark.parametrize("origin", ["import", "scim:nobody"])
async def test_an_index_serves_pages_of_what_few_have_as_their_manager(
    connection: asyncpg.Connection[Any], origin: str
) -> None:
    text = f'{ORIGIN}:origin eq "{origin}"'
    rest = f" AND r.id > '{ID}' ORDER BY r.id LIMIT 100"
    plan = await plan_of(connection, USER, text, "custom", rest)
    assert " resources_origin " in plan
    assert "Sort" not in plan


async def test_the_primary_key_is_the_youngest_index(connection: asyncpg.Connection[Any]) -> None:
    youngest = await connection.fetchval(
        "SELECT max(indexrelid)::regclass::text FROM pg_index "
        "WHERE indrelid = 'resources'::regclass"
    )
    assert youngest == "resources_pkey"


@pytest.mark.parametrize(
    "text",
    [
        f'{ORIGIN}:origin eq "manual"',
        "active eq true",
        'emails.type eq "work"',
        "emails.primary eq true",
        'userName co "a"',
        'not (title eq "x")',
        'title eq "x" or active eq true',
        'title ne "x"',
        "title pr",
    ],
)
def test_what_many_may_meet_is_not_selective(text: str) -> None:
    assert not is_selective(resolve(parse_filter(text, USER, Reading(LENIENT)), USER))
