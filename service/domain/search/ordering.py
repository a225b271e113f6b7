"""The order of a list, with the names in it looked up (RFC 7644 §3.4.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rollbook.attributes import AttributeType
from service.domain.attribute_paths import SCHEMAS, find, is_gathered, text_of
from service.domain.errors import invalid_value
from service.domain.search.conditions import Path
from service.domain.search.search_values import is_known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook.attributes import ResourceType
    from rollbook.v1.filter_pb2 import OrderBy
    from service.domain.attribute_paths import Chain

_UNORDERED: Final = {SCHEMAS.name, "groups", "members"}


@dataclass(frozen=True, slots=True)
class Order:
    """The order of the values at `path`; missing ones come last, or first when descending.

    When `elements` leads to a multi-valued attribute, `path` counts from its primary element,
    or from the first if none is primary.
    """

    elements: Path | None
    path: Path
    descending: bool


@dataclass(frozen=True, slots=True)
class NoOrder:
    """The order of resources of a type that lacks the attribute: none has a value of it."""

    descending: bool


def resolve_orders(
    order_by: OrderBy, resource_types: Sequence[ResourceType]
) -> list[Order | NoOrder]:
    """The order that a client asks for of resources of several types together, for each type.

    Raises INVALID_VALUE as `resolve_order`, and when the attribute is of different data types.
    """
    known = [kind for kind in resource_types if find(order_by.path, kind)]
    orders = {kind: resolve_order(order_by, kind) for kind in known or resource_types}
    if len({order.path.attribute.type for order in orders.values()}) > 1:
        text = text_of(order_by.path)[:200]
        raise invalid_value("order_by", f"{text} differs between types; list one type at a time.")
    return [orders.get(kind) or NoOrder(order_by.descending) for kind in resource_types]


def resolve_order(order_by: OrderBy, resource_type: ResourceType) -> Order:
    """The order that a client asks for.

    Raises INVALID_VALUE when there is no such attribute, when it is complex and has no `value`,
    and when it has no order of its own: memberships, `schemas`, addresses, passwords, and what
    has several values in each of several elements.
    """
    text = text_of(order_by.path)[:200]
    chain = find(order_by.path, resource_type)
    if chain is None:
        raise invalid_value("order_by", f"There is no attribute {text} to sort by.")
    if is_gathered(chain):
        raise invalid_value(
            "order_by",
            f"{text} is gathered when a resource is shown and cannot be sorted by; "
            "ListPrincipalsWithRole of AccessService lists who has a role.",
        )
    chain = _down_to_value(chain, text)
    several = sum(attribute.multi_valued for attribute in chain) > 1
    unknown = not all(is_known(attribute) for attribute in chain)
    if several or unknown or chain[0].name in _UNORDERED:
        raise invalid_value("order_by", f"{text} cannot be sorted by.")
    for index, attribute in enumerate(chain, start=1):
        if attribute.multi_valued:
            part = chain[index:]
            path = Path.through(part) if part else Path.itself(attribute)
            return Order(Path.through(chain[:index]), path, order_by.descending)
    return Order(None, Path.through(chain), order_by.descending)


def _down_to_value(chain: Chain, text: str) -> Chain:
    """A complex attribute is sorted by its `value`."""
    last = chain[-1]
    if last.type is not AttributeType.COMPLEX:
        return chain
    part = last.sub_attribute("value")
    if part is None:
        example = last.sub_attributes[0].name
        raise invalid_value(
            "order_by", f"{text} has several parts: sort by one of them, e.g. {text}.{example}."
        )
    return (*chain, part)
