"""The rows of one page as SQL: walked in the order of the list, or found first and then ordered.

Few resources meet a selective condition: walking along the list would pass millions by for them.
Where many meet one that seemed selective, finding them all would take as long. So up to
`MAX_FOUND` are looked for by index, and only if there are more is the list walked. What either
costs at the most hardly depends on how many resources there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from service.storage.search.filter_sql import where
from service.storage.search.search_sql import RESOURCES
from service.storage.search.selectivity import is_selective, is_unique

if TYPE_CHECKING:
    from uuid import UUID

    from service.domain.search.conditions import Condition
    from service.storage.search.sort_sql import SortKey

MAX_FOUND: Final = 10_000
"""How many resources are found by index before the list is walked instead."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of an ordered list that a page is: `limit` and `offset` are SQL."""

    key: SortKey
    backwards: bool
    limit: str
    offset: str

    def of(self, key: str, source: str, alias: str) -> str:
        """The rows (id, sort_key, place) of the window over a source of rows with an id."""
        order = self.key.order_of(key, f"{alias}.id", backwards=self.backwards)
        return (
            f"SELECT {alias}.id, ({key or 'NULL'})::text AS sort_key,"
            f" row_number() OVER (ORDER BY {order}) AS place"
            f" FROM {source} ORDER BY {order} LIMIT {self.limit} OFFSET {self.offset}"
        )

    def of_one(self, key: str, source: str, alias: str) -> str:
        """The same over a source of one row at the most, which needs no order."""
        return (
            f"SELECT {alias}.id, ({key or 'NULL'})::text AS sort_key, 1 AS place"
            f" FROM {source} LIMIT {self.limit} OFFSET {self.offset}"
        )


def bounds(
    limit: int, skip: int, parameters: list[object], *, one_plan: bool = True
) -> tuple[str, str]:
    """LIMIT and OFFSET as SQL.

    The limit is written out where one plan fits all operands: knowing how few rows there will be,
    PostgreSQL keeps that plan, and is spared planning, which takes longer than most pages.
    """
    parts = []
    for number, is_known in ((limit, one_plan), (skip, not skip)):
        if not is_known:
            parameters.append(number)
        parts.append(str(number) if is_known else f"${len(parameters)}")
    return parts[0], parts[1]


def fits_one_plan(condition: Condition | None) -> bool:
    """Whether the same plan is best whatever a condition compares with. What an index serves only
    for some operands, such as times, is planned for them each time."""
    return condition is None or is_selective(condition)


def page(
    restriction: str,
    condition: Condition | None,
    window: Window,
    tenant_id: UUID,
    parameters: list[object],
    *,
    max_found: int = MAX_FOUND,
) -> str:
    """Common table expressions of which `page` has the rows: id, sort_key (for a page token) and
    place (their order).

    `restriction` is SQL over `r` that says which list it is and where the page begins; operands
    of the condition are appended to `parameters`.
    """
    if condition is None:
        return f"page AS MATERIALIZED ({_walk(restriction, window)})"
    if not is_selective(condition):
        sql = where(condition, tenant_id, parameters)
        return f"page AS MATERIALIZED ({_walk(f'{restriction} AND {sql}', window)})"
    found = where(condition, tenant_id, parameters, indexed=True)
    if is_unique(condition):
        source = f"{RESOURCES} AS r WHERE {restriction} AND {found}"
        return f"page AS MATERIALIZED ({window.of_one(window.key.sql, source, 'r')})"
    # COALESCE hides from the planner what it thinks it knows: that this is rare, too.
    walked = f"coalesce({where(condition, tenant_id, parameters, indexed=False)}, FALSE)"
    key = window.key.sql or "NULL"
    return (
        f"found AS MATERIALIZED (SELECT r.id, {key} AS key FROM {RESOURCES} AS r"
        f" WHERE {restriction} AND {found} LIMIT {max_found + 1}),"
        f" extent AS MATERIALIZED (SELECT count(*) <= {max_found} AS is_small FROM found),"
        f" page AS MATERIALIZED (({window.of('f.key' if window.key.sql else '', _FOUND, 'f')})"
        f" UNION ALL ({_walk(f'{restriction} AND NOT {_IS_SMALL} AND {walked}', window)}))"
    )


_IS_SMALL: Final = "(SELECT is_small FROM extent)"
_FOUND: Final = f"found AS f WHERE {_IS_SMALL}"


def _walk(condition: str, window: Window) -> str:
    return window.of(window.key.sql, f"{RESOURCES} AS r WHERE {condition}", "r")
