"""The roles by which PostgreSQL keeps tenants apart, whatever a statement asks.

The service logs in as who owns the tables and works as `rollbook_app`, which owns nothing: every
table that has a tenant_id shows it the rows of the tenant that its session serves. Where the login
may not make roles, the service works as the owner, to whom the same policies apply.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Connection = asyncpg.Connection[asyncpg.Record]

log = structlog.get_logger(__name__)

APP_ROLE: Final = "rollbook_app"
"""What the service works as."""

SEARCH_ROLE: Final = "rollbook_search"
"""The owner of the views that filters read, which have the tenant in their own condition."""

_VIEWS: Final = {"tenant_resources": "resources", "tenant_members": "members"}

_ROLES: Final = (APP_ROLE, SEARCH_ROLE)

_ATTEMPTS: Final = 10
"""How often a change of roles is tried that others make at the same time in other databases."""

_SET_OPTION_VERSION: Final = 16
"""The PostgreSQL version from which membership in a role need not mean that one may act as it."""


async def enter(connection: Connection) -> None:
    """Work as `rollbook_app` from now on.

    Raises PermissionError when that cannot be, and the policies would not apply to the login.
    """
    if await _may_act_as(connection, APP_ROLE):
        await connection.execute(f"SET ROLE {APP_ROLE}")
        return
    exempt = await connection.fetchval(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    if exempt:
        raise PermissionError(
            "The database's login is exempt from row-level security and may not act as "
            f"{APP_ROLE}: run CREATE ROLE {APP_ROLE} NOLOGIN and grant it to the login, or take "
            "BYPASSRLS from it."
        )


async def prepare(connection: Connection) -> None:
    """Make the roles and give them what they need; does nothing where all is so already.

    Where the login may not, a warning says what an administrator has to do: tenants are apart
    as well, but filters on attributes without a column of their own read the whole tenant.
    """
    try:
        await _make_roles(connection)
        await _grant_tables(connection)
        await _settle(connection, _hand_over_views)
    except asyncpg.InsufficientPrivilegeError as error:
        log.warning(
            "isolation.without_roles",
            error=str(error),
            remedy=f"CREATE ROLE {APP_ROLE} NOLOGIN; CREATE ROLE {SEARCH_ROLE} NOLOGIN; and GRANT "
            "both to the login, or give it CREATEROLE; then start again. See docs/tenants.md.",
        )


async def _make_roles(connection: Connection) -> None:
    for role in _ROLES:
        if await connection.fetchval("SELECT to_regrole($1) IS NOT NULL", role):
            continue
        try:
            await connection.execute(f"CREATE ROLE {role} NOLOGIN")
        except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            log.info("isolation.role_made_meanwhile", role=role)
    if not await _may_act_as(connection, APP_ROLE):
        await _settle(connection, _join_app_role)


async def _join_app_role(connection: Connection) -> None:
    await connection.execute(f"GRANT {APP_ROLE} TO CURRENT_USER")


async def _grant_tables(connection: Connection) -> None:
    """Let the service read and write every table but the record of migrations."""
    rows = await connection.fetch(
        """
        SELECT c.oid::regclass::text AS name FROM pg_class AS c
        WHERE
            c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
            AND c.relname <> 'schema_migrations' AND NOT has_table_privilege($1, c.oid, 'DELETE')
        """,
        APP_ROLE,
    )
    for row in rows:
        await connection.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {row['name']} TO {APP_ROLE}"
        )
    schema = await connection.fetchval("SELECT quote_ident(current_schema())")
    for role in _ROLES:
        if not await connection.fetchval(
            "SELECT has_schema_privilege($1, current_schema(), 'USAGE')", role
        ):
            await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")


async def _hand_over_views(connection: Connection) -> None:
    """Let each view show every column of its table, and belong to its role."""
    open_ones = [view for view in _VIEWS if not await _is_handed_over(connection, view)]
    if not open_ones:
        return
    schema = await connection.fetchval("SELECT quote_ident(current_schema())")
    # Nobody else sees that the login is a member meanwhile.
    joined = not await _may_act_as(connection, SEARCH_ROLE)
    if joined:
        await connection.execute(f"GRANT {SEARCH_ROLE} TO CURRENT_USER")
    await connection.execute(f"GRANT CREATE ON SCHEMA {schema} TO {SEARCH_ROLE}")
    for view in open_ones:
        await connection.execute(_HAND_OVER.format(view=view, table=_VIEWS[view]))
    await connection.execute(f"REVOKE CREATE ON SCHEMA {schema} FROM {SEARCH_ROLE}")
    if joined:
        await connection.execute(f"REVOKE {SEARCH_ROLE} FROM CURRENT_USER")


_HAND_OVER: Final = f"""
GRANT SELECT ON {{table}} TO {SEARCH_ROLE};
DROP POLICY IF EXISTS search ON {{table}};
CREATE POLICY search ON {{table}} FOR SELECT TO {SEARCH_ROLE} USING (TRUE);
CREATE OR REPLACE VIEW {{view}} AS SELECT * FROM {{table}} WHERE tenant_id = served_tenant();
ALTER VIEW {{view}} OWNER TO {SEARCH_ROLE};
GRANT SELECT ON {{view}} TO {APP_ROLE};
"""


async def _is_handed_over(connection: Connection, view: str) -> bool:
    return bool(
        await connection.fetchval(
            """
            SELECT pg_get_userbyid(v.relowner) = $3 AND NOT EXISTS (
                SELECT attname FROM pg_attribute
                WHERE attrelid = $2::text::regclass AND attnum > 0 AND NOT attisdropped
                EXCEPT
                SELECT attname FROM pg_attribute WHERE attrelid = v.oid
            )
            FROM pg_class AS v WHERE v.oid = $1::text::regclass
            """,
            view,
            _VIEWS[view],
            SEARCH_ROLE,
        )
    )


async def _may_act_as(connection: Connection, role: str) -> bool:
    """Whether the role exists and the login may SET ROLE to it."""
    can_tell = connection.get_server_version().major >= _SET_OPTION_VERSION
    return bool(
        await connection.fetchval(
            "SELECT pg_has_role(session_user, oid, $2) FROM pg_roles WHERE rolname = $1",
            role,
            "SET" if can_tell else "MEMBER",
        )
    )


async def _settle(connection: Connection, change: Callable[[Connection], Awaitable[None]]) -> None:
    """Change roles, which all databases of a server share, in one transaction: again when another
    database has changed them at the same time."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with connection.transaction():
                await change(connection)
        except (asyncpg.InternalServerError, asyncpg.UniqueViolationError):
            # PostgreSQL has no better word for it: XX000, tuple concurrently updated.
            if attempt == _ATTEMPTS:
                raise
            await asyncio.sleep(0.05 * attempt)
        else:
            return
