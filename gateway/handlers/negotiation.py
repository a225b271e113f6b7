"""What a client accepts: header fields that are lists of weighted names (RFC 9110 §12.4.2)."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@lru_cache(maxsize=256)
def weights(field: str) -> Mapping[str, float]:
    """The names in lower case with their quality values: 1 without one, 0 when that is no number.

    Other parameters make no difference here. A field without names accepts nothing.
    """
    pairs = (_weighted(item) for item in field.lower().split(","))
    return MappingProxyType({name: weight for name, weight in pairs if name})


def _weighted(item: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in item.split(";"))
    weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    try:
        return name, float(weight)
    except ValueError:
        return name, 0.0
