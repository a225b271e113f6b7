"""Row-level security: what the database itself keeps apart, whatever a statement asks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg
import pytest

from service.storage.database import NO_TENANT, Database
from tests.harness.tenants import new_tenant, serving, tenant_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.storage.database import Connection


WITH_TENANT = """
SELECT c.oid, c.oid::regclass::text AS name, c.relrowsecurity, c.relforcerowsecurity
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'f')
AND a.attname = 'tenant_id' AND NOT a.attisdropped
"""


@pytest.fixture
async def pool(database_url: str, service: str) -> AsyncIterator[Database]:
    """As the service itself has it."""
    pool = await Database.connect(database_url, max_connections=2)
    yield pool
    await pool.close()


@asynccontextmanager
async def two_tenants(
    database: asyncpg.Connection[asyncpg.Record],
) -> AsyncIterator[tuple[UUID, UUID]]:
    first = await tenant_of(database, await new_tenant(database))
    second = await tenant_of(database, await new_tenant(database))
    for tenant_id in (first, second):
        async with serving(database, tenant_id):
            await database.execute(
                """
                INSERT INTO resources (
                    tenant_id, id, resource_type, display, active, create_time, update_time,
                    message, search
                ) VALUES ($1, $2, 'User', 'ada', true, now(), now(), '', '{"title": "x"}')
                """,
                tenant_id,
                uuid4(),
            )
    yield first, second


async def test_every_table_of_tenants_is_isolated(
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    tables = await database.fetch(WITH_TENANT)
    assert len(tables) > 10
    open_ones = [
        table["name"]
        for table in tables
        if not (table["relrowsecurity"] and table["relforcerowsecurity"])
    ]
    assert not open_ones, f"SELECT isolate_tenant(…) in a migration for {open_ones}"


async def test_policies_are_those_known(database: asyncpg.Connection[asyncpg.Record]) -> None:
    """What is no tenant's own is shown to sessions that serve none, where that is listed here."""
    tables = {table["oid"]: table["name"] for table in await database.fetch(WITH_TENANT)}
    policies = await database.fetch(
        """
        SELECT polrelid, polname, polcmd::text, polpermissive, polroles::regrole[]::text AS roles,
            pg_get_expr(polqual, polrelid) AS using, pg_get_expr(polwithcheck, polrelid) AS checked
        FROM pg_policy
        """
    )
    isolated = {p["polrelid"] for p in policies if p["polname"] == "isolation"}
    assert isolated == set(tables)
    for policy in policies:
        name, kind = tables[policy["polrelid"]], policy["polname"]
        assert policy["checked"] is None
        if kind == "isolation":
            assert (policy["polcmd"], policy["using"]) == ("*", "(tenant_id = served_tenant())")
        elif kind == "search":
            assert name in {"resources", "members"}
            assert (policy["polcmd"], policy["roles"]) == ("r", "{rollbook_search}")
        else:
            assert policy["using"] == "serves_no_tenant()"
            assert policy["polcmd"] in {"r", "d"}
            assert name not in {"resources", "members", "passwords", "changes"}


async def test_every_key_begins_with_the_tenant(
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    """Or a value that one tenant has would be refused to another: foreign keys too."""
    keys = await database.fetch(
        f"""
        SELECT con.conrelid::regclass::text AS name, con.conname, con.contype::text,
            (SELECT attname FROM pg_attribute
             WHERE attrelid = con.conrelid AND attnum = con.conkey[1]) AS first
        FROM pg_constraint AS con JOIN ({WITH_TENANT}) AS t ON t.oid = con.conrelid
        WHERE con.contype IN ('p', 'u', 'f')
        """
    )
    others = {key["conname"] for key in keys if key["first"] != "tenant_id"}
    # A tenant's name and hosts, and random secrets: these find the tenant.
    assert others <= {
        "tenants_name_key",
        "tenant_hosts_host",
        "credentials_token_hash_key",
        "oauth_clients_client_id",
    }


async def test_the_service_is_bound_by_the_policies(pool: Database) -> None:
    async with pool.across_tenants() as connection:
        role = await connection.fetchrow(
            """
            SELECT rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole,
                (SELECT count(*) FROM pg_class WHERE relowner = r.oid) AS owned
            FROM pg_roles AS r WHERE rolname = current_user
            """
        )
    assert role is not None
    assert tuple(role) == ("rollbook_app", False, False, False, False, 0)


async def test_nobody_acts_as_the_owner_of_the_views(pool: Database) -> None:
    async with pool.across_tenants() as connection:
        members = await connection.fetchval(
            """
            SELECT count(*) FROM pg_roles AS r
            WHERE NOT rolsuper AND rolname <> 'rollbook_search' AND rolname !~ '^pg_'
            AND pg_has_role(oid, 'rollbook_search', 'USAGE')
            """
        )
        assert members == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE mine (n int)")


STATEMENTS = [
    "SELECT count(*) FROM resources WHERE tenant_id = $1",
    "SELECT count(*) FROM tenant_resources WHERE tenant_id = $1",
    "SELECT count(*) FROM tenant_resources WHERE tenant_id = $1 AND search @> '{\"title\": \"x\"}'",
    "SELECT sum(resources)::int FROM resource_counts WHERE tenant_id = $1",
    "SELECT count(*) FROM resources WHERE tenant_id = $1 OR true",
    "SELECT count(*) FROM tenant_resources WHERE tenant_id = $1 OR true",
    "WITH d AS (DELETE FROM resources WHERE tenant_id = $1 RETURNING 1) SELECT count(*) FROM d",
    ("WITH u AS (UPDATE resources SET display = 'eve' WHERE tenant_id = $1 RETURNING 1) "
    "SELECT count(*) FROM u"),
    "WITH h AS (SELECT 1 FROM resources WHERE tenant_id = $1 FOR UPDATE) SELECT count(*) FROM h",
    ("WITH u AS (UPDATE credentials SET scopes = '{}' WHERE tenant_id = $1 RETURNING 1) "
    "SELECT count(*) FROM u"),
    "WITH d AS (DELETE FROM tenants WHERE tenant_id = $1 RETURNING 1) SELECT count(*) FROM d",
]  # fmt: skip


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_a_statement_with_the_wrong_tenant_finds_nothing(
    statement: str, pool: Database, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    """As if the application's own filter named another tenant, or were not there."""
    async with two_tenants(database) as (mine, other):

        async def run(connection: Connection) -> int:
            return await connection.fetchval(statement, other) or 0

        found = [
            await pool.transaction(served, run, rollback=True)
            for served in (mine, NO_TENANT, other)
        ]
        assert found == [1 if "OR true" in statement else 0, 0, 1]


INSERTS = [
    (
        "INSERT INTO requests (tenant_id, method, request_id, fingerprint, response) "
        "VALUES ($1, 'x', gen_random_uuid(), '', '')"
    ),
    (
        "INSERT INTO resource_counts (tenant_id, resource_type, slot, resources) "
        "VALUES ($1, 'User', 99, 1)"
    ),
    "INSERT INTO tenants (tenant_id, name) VALUES (gen_random_uuid(), $1::uuid::text || 'x')",
    "UPDATE resources SET tenant_id = $1",
]


@pytest.mark.parametrize("statement", INSERTS)
async def test_nothing_is_written_for_another_tenant(
    statement: str, pool: Database, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with two_tenants(database) as (mine, other):

        async def run(connection: Connection) -> None:
            await connection.execute(statement, other)

        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await pool.transaction(mine, run)


async def test_who_serves_no_tenant_learns_no_more_than_whom_it_meets(
    pool: Database, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with two_tenants(database) as (_, other), pool.across_tenants() as connection:
        for table in ("tenants", "credentials"):
            assert await connection.fetchval(
                f"SELECT count(*) FROM {table} WHERE tenant_id = $1", other
            )
        for table in ("resources", "tenant_resources", "changes", "passwords", "schemas"):
            assert not await connection.fetchval(f"SELECT count(*) FROM {table}")


async def test_a_session_that_has_not_said_whom_it_serves_sees_nothing(database_url: str) -> None:
    """Not even as the owner of the tables."""
    connection = await asyncpg.connect(database_url)
    try:
        if await connection.fetchval("SELECT current_setting('is_superuser')::boolean"):
            pytest.skip("to superusers no policy applies")
        for table in await connection.fetch(WITH_TENANT):
            assert not await connection.fetchval(f"SELECT count(*) FROM {table['name']}")
    finally:
        await connection.close()
