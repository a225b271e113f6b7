"""What checks of access go by: principals with their groups and assignments, and what has changed
of them since an earlier look. All of one look is of one moment."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from rollbook.v1.role_pb2 import RoleCatalogue
from service.domain.access.graph import NEVER, Given, Principal
from service.domain.access.revisions import Snapshot
from service.domain.access.role_catalogue import FREE_FORM, Catalogue, RoleKey

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    import asyncpg

    from service.storage.database import Connection

MAX_CHANGES: Final = 2_000
"""How many changes are looked at one by one; after more of them everything counts as changed."""

MAX_PRINCIPALS: Final = 50_000
"""How many principals one look fetches at the most: those asked for, and their groups."""

MAX_GIVEN: Final = 200_000
"""How many assignments of theirs it fetches."""

_SHORT: Final = 100_000
"""Assignments of so many characters are read at once, those of more while others are served."""

# Neither is read to its end where there is too much. OFFSET 0 has assignments looked up of one
# principal after the other: a plan made before the tables were analysed tried all with all.
_REACH: Final = f"""
WITH RECURSIVE step (id) AS (
    SELECT id FROM unnest($4::uuid []) AS asked (id)
    UNION
    SELECT m.group_id
    FROM step JOIN members AS m ON m.tenant_id = $1 AND m.member_id = step.id
),
reach AS MATERIALIZED (SELECT id FROM step LIMIT {MAX_PRINCIPALS + 1}),
assigned AS MATERIALIZED (
    SELECT count(*) AS number
    FROM (
        SELECT
        FROM reach CROSS JOIN LATERAL (
            SELECT FROM role_assignments AS a
            WHERE a.tenant_id = $1 AND a.principal_id = reach.id
            OFFSET 0
        ) AS each_one
        LIMIT {MAX_GIVEN + 1}
    ) AS counted
)
"""

# Row-level security takes away rows of other tenants from each part; the conditions stay, since
# they are what the indexes go by.
_STATE: Final = f"""
SELECT
    'state' AS kind, NULL::uuid AS id, pg_current_snapshot()::text AS name, NULL::boolean AS active,
    NULL::uuid [] AS ids, NULL::text AS given,
    (SELECT c.version FROM role_catalogues AS c WHERE c.tenant_id = $1) AS version,
    (SELECT c.catalogue FROM role_catalogues AS c WHERE c.tenant_id = $1 AND c.version <> $3)
    AS message,
    (SELECT number FROM assigned) > {MAX_GIVEN} OR (SELECT count(*) FROM reach) > {MAX_PRINCIPALS}
    AS too_much
"""

_CHANGES: Final = """
UNION ALL (
    SELECT
        'change', c.resource_id,
        CASE c.resource_type WHEN 'Connection' THEN c.action || ' connection' ELSE c.action END,
        c.attributes = '{members}',
        c.members_added || c.members_removed, NULL, NULL, NULL, NULL
    FROM changes AS c
    WHERE c.tenant_id = $1 AND c.transaction_id >= pg_snapshot_xmin($2::text::pg_snapshot)
    AND NOT pg_visible_in_snapshot(c.transaction_id, $2::text::pg_snapshot)
    LIMIT $5
)
"""

_PRINCIPALS: Final = f"""
UNION ALL
SELECT
    'principal', r.id, r.resource_type, r.active,
    ARRAY(
        SELECT m.group_id FROM members AS m WHERE m.tenant_id = $1 AND m.member_id = r.id
    ),
    (
        SELECT jsonb_agg(jsonb_build_array(
            a.type_key, a.value_key, extract(epoch FROM a.expire_time),
            a.role_type, a.value, a.display
        ))::text
        FROM role_assignments AS a
        WHERE a.tenant_id = $1 AND a.principal_id = r.id AND NOT a.pending
    ),
    NULL, NULL, NULL
FROM reach JOIN resources AS r ON r.tenant_id = $1 AND r.id = reach.id
WHERE (SELECT number FROM assigned) <= {MAX_GIVEN}
AND (SELECT count(*) FROM reach) <= {MAX_PRINCIPALS}
"""

_LOOK: Final = f"{_REACH}{_STATE}{_CHANGES}{_PRINCIPALS}"


class TooMuchError(Exception):
    """Principals have more groups and assignments than one look fetches."""


@dataclass(frozen=True, slots=True)
class Known:
    """What there is from the look before: its snapshot, and the version of the role catalogue, -1
    where there was none."""

    snapshot: Snapshot | None = None
    catalogue_version: int = -1


@dataclass(slots=True)
class Look:
    """What a look found. `catalogue` is None when it has not changed. `changed` are principals
    that are not as they were, None where they are too many to tell. `principals` are those asked
    for, as far as they exist, and every group that they belong to."""

    snapshot: Snapshot
    catalogue_version: int
    catalogue: Catalogue | None
    changed: set[UUID] | None = field(default_factory=set)
    principals: list[Principal] = field(default_factory=list)


async def look(
    connection: Connection, tenant_id: UUID, known: Known, ids: Collection[UUID]
) -> Look:
    """Ask for principals, and for what has changed since the look before. One round trip.

    Raises TooMuchError, and then nothing is known of what has changed either.
    """
    before = known.snapshot.text if known.snapshot else None
    rows = await connection.fetch(
        _LOOK, tenant_id, before, known.catalogue_version, list(ids), MAX_CHANGES + 1
    )
    if sum(len(row["given"] or "") for row in rows) < _SHORT:
        return _read(rows, known)
    return await asyncio.to_thread(_read, rows, known)


def _read(rows: Sequence[asyncpg.Record], known: Known) -> Look:
    state = next(row for row in rows if row["kind"] == "state")
    if state["too_much"]:
        raise TooMuchError
    found = _state(state, known)
    changes = 0
    for row in rows:
        if row["kind"] == "principal":
            found.principals.append(_principal(row))
        elif row["kind"] == "change" and found.changed is not None:
            changes += 1
            # Roles may have ended with a connection, anybody's.
            if changes > MAX_CHANGES or row["name"] == "delete connection":
                found.changed = None
            else:
                found.changed.update(_touched(row))
    return found


async def snapshot_of(connection: Connection) -> str:
    """The snapshot that the transaction under way reads, in PostgreSQL's text form."""
    text: str = await connection.fetchval("SELECT pg_current_snapshot()::text")
    return text


def _state(row: asyncpg.Record, known: Known) -> Look:
    version = -1 if row["version"] is None else row["version"]
    catalogue = None
    if row["message"] is not None:
        catalogue = Catalogue(RoleCatalogue.FromString(row["message"]))
    elif version != known.catalogue_version or known.snapshot is None:
        catalogue = FREE_FORM
    return Look(Snapshot.parse(row["name"]), version, catalogue)


def _touched(row: asyncpg.Record) -> Sequence[UUID]:
    """The principals whose groups or assignments a change may concern. A group is not among them
    when only its members have changed: what it has itself stays as it was."""
    if row["name"] == "update" and row["active"]:
        return row["ids"]  # type: ignore[no-any-return]
    return [row["id"], *row["ids"]]


def _principal(row: asyncpg.Record) -> Principal:
    given = orjson.loads(row["given"]) if row["given"] else ()
    return Principal(
        row["id"],
        row["name"],
        row["active"],
        tuple(row["ids"]),
        tuple(given_of(*each) for each in given),
    )


_shared: Final[dict[Given, Given]] = {}
_MAX_SHARED: Final = 20_000


def given_of(
    type_key: str, value_key: str, until: float | None, type_: str, value: str, display: str | None
) -> Given:
    """What an assignment gives, from its columns as JSON has them. Many give the same, without end:
    that is kept once."""
    end = NEVER if until is None else float(until)
    given = Given(RoleKey(type_key, value_key), end, type_, value, display or "")
    if until is not None:
        return given
    if len(_shared) >= _MAX_SHARED:
        _shared.clear()
    return _shared.setdefault(given, given)
