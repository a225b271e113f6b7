"""The order of a list as SQL, over the alias `r` of `resources`.

A list is ordered by a key and, where keys are equal, by id. The key is never NULL: a missing
value has the greatest one, so it comes last in ascending order (RFC 7644 §3.4.2.3), and a page
begins with one comparison of rows, `(key, id) > (…)`, which an index on the key serves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from service.domain.search.ordering import NoOrder, Order
from service.storage.search.search_sql import (
    Kind,
    Value,
    document_value,
    json_at,
    literal,
    resource_value,
    text_key,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

_KEY_LENGTH: Final = 512
"""How much of a text counts, in characters: a key is part of page tokens."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """What a list is ordered by: `sql`, of the type `sql_type`, and then the id; by the id alone,
    which is the order of creation, when there is no `sql`."""

    sql: str
    sql_type: str
    descending: bool

    @property
    def token(self) -> str:
        """The key as text, to be selected for a page token; NULL when the id is the key."""
        return f"({self.sql})::text" if self.sql else "NULL::text"

    def order_by(self, *, backwards: bool = False) -> str:
        """What follows ORDER BY; `backwards` to read towards the start of the list."""
        return self.order_of(self.sql, "r.id", backwards=backwards)

    def order_of(self, key: str, id_: str, *, backwards: bool = False) -> str:
        """As `order_by` where the key and the id are columns of those names."""
        direction = "DESC" if self.descending != backwards else "ASC"
        return ", ".join(f"{sql} {direction}" for sql in (key, id_) if sql)

    def beyond(
        self, key: str | None, id_: UUID, parameters: list[object], *, backwards: bool = False
    ) -> str:
        """The condition that a resource comes after the one with this key, as `token` gave it,
        and id; before it when `backwards`. Values are appended to `parameters`."""
        symbol = "<" if self.descending != backwards else ">"
        parameters.append(id_)
        last_id = f"${len(parameters)}::uuid"
        if not self.sql:
            return f"r.id {symbol} {last_id}"
        parameters.append(key)
        return f"({self.sql}, r.id) {symbol} (${len(parameters)}::text::{self.sql_type}, {last_id})"


def sort_key(order: Order | NoOrder | None) -> SortKey:
    """The key of an order; without one, of the order of creation."""
    if order is None:
        return SortKey("", "", descending=False)
    if isinstance(order, NoOrder):
        return SortKey("", "", order.descending)
    return _sort_key(order, _value(order))


def sort_keys(orders: Sequence[Order | NoOrder | None]) -> list[SortKey]:
    """Keys for the types of one list, which compare with one another."""
    known = [order for order in orders if isinstance(order, Order)]
    if not known:
        return [sort_key(order) for order in orders]
    # Whether a value may be missing changes what a key looks like: here it may be in any type.
    keys = {order: _sort_key(order, replace(_value(order), nullable=True)) for order in known}
    sql_type, descending = keys[known[0]].sql_type, known[0].descending
    missing = SortKey(_MISSING[sql_type], sql_type, descending) if sql_type else keys[known[0]]
    return [keys[order] if isinstance(order, Order) else missing for order in orders]


def _sort_key(order: Order, value: Value) -> SortKey:
    if value.sql == "r.id":
        return SortKey("", "", order.descending)
    return SortKey(*_key(value, order.path.attribute.max_length), order.descending)


_MISSING: Final = {
    "timestamptz": "'infinity'::timestamptz",
    "int": "2",
    "numeric": "'Infinity'::numeric",
    "text": text_key("NULL::text"),
}
"""The key of a resource without a value."""


def _value(order: Order) -> Value:
    if order.elements is None:
        return resource_value(order.path)
    elements = json_at("r.search", order.elements.names)
    has_primary = order.elements.attribute.sub_attribute("primary") is not None
    first = f"{elements} -> 0"
    if has_primary:
        path = literal("$[*] ? (@.primary == true)")
        first = f"coalesce(jsonb_path_query_first({elements}, {path}), {first})"
    return document_value(f"({first})", order.path)


def _key(value: Value, max_length: int) -> tuple[str, str]:
    match value.kind:
        case Kind.TIME:
            return value.sql, "timestamptz"
        case Kind.BOOLEAN:
            return f"coalesce(({value.sql})::int, 2)", "int"
        case Kind.NUMBER:
            return f"coalesce({value.sql}, 'Infinity')", "numeric"
    text = value.sql if max_length <= _KEY_LENGTH else f"left({value.sql}, {_KEY_LENGTH})"
    return text_key(text) if value.nullable else f'{text} COLLATE "C"', "text"
