"""Comparing a JSON answer with the expectations of a recorded exchange.

The language is that of the traffic files: deep subsets in which arrays have no order, with the
matchers `{"$type": …}`, `{"$regex": …}` and `{"$not": …}`, and JSON pointers (RFC 6901).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MISSING: Final = object()
"""What a pointer leads to when there is nothing."""

_TYPES: Final[dict[str, Callable[[object], bool]]] = {
    "string": lambda value: isinstance(value, str) and value != "",
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def resolve(document: object, pointer: str) -> object:
    """The value that a JSON pointer leads to, or MISSING."""
    value = document
    for segment in pointer.split("/")[1:]:
        value = _step(value, segment.replace("~1", "/").replace("~0", "~"))
    return value


def _step(value: object, segment: str) -> object:
    if isinstance(value, dict):
        return value.get(segment, MISSING)
    if isinstance(value, list) and segment.isdecimal() and int(segment) < len(value):
        return value[int(segment)]
    return MISSING


def differences(expected: object, actual: object, pointer: str = "") -> Iterator[str]:
    """Where `actual` does not contain `expected`: one sentence for each place, none if it does."""
    if isinstance(expected, dict):
        matcher = _matcher_of(expected)
        if matcher is not None:
            yield from _matcher_differences(*matcher, actual, pointer)
        else:
            yield from _object_differences(expected, actual, pointer)
    elif isinstance(expected, list):
        yield from _array_differences(expected, actual, pointer)
    elif not same_scalar(expected, actual):
        yield f"{pointer or '/'}: expected {expected!r}, got {shown(actual)}"


def shown(value: object) -> str:
    """A value for a message, cut to a readable length."""
    text = "nothing" if value is MISSING else repr(value)
    return text if len(text) <= 400 else f"{text[:400]}…"


def same_scalar(expected: object, actual: object) -> bool:
    """Equality of JSON: true is not 1, but 1 is 1.0."""
    return isinstance(expected, bool) == isinstance(actual, bool) and expected == actual


def _matcher_of(expected: dict[str, object]) -> tuple[str, object] | None:
    if len(expected) != 1:
        return None
    (name, operand), *_ = expected.items()
    return (name, operand) if name in {"$type", "$regex", "$not"} else None


def _matcher_differences(name: str, operand: object, actual: object, pointer: str) -> Iterator[str]:
    if name == "$type":
        met = _TYPES[str(operand)](actual)
    elif name == "$regex":
        met = isinstance(actual, str) and re.search(str(operand), actual) is not None
    else:
        met = actual is MISSING or any(True for _ in differences(operand, actual))
    if not met:
        yield f"{pointer or '/'}: expected {name} {operand!r}, got {shown(actual)}"


def _object_differences(expected: dict[str, object], actual: object, pointer: str) -> Iterator[str]:
    if not isinstance(actual, dict):
        yield f"{pointer or '/'}: expected an object, got {shown(actual)}"
        return
    for name, value in expected.items():
        yield from differences(value, actual.get(name, MISSING), f"{pointer}/{name}")


def _array_differences(expected: list[object], actual: object, pointer: str) -> Iterator[str]:
    if not isinstance(actual, list):
        yield f"{pointer or '/'}: expected an array, got {shown(actual)}"
        return
    for index, wanted in enumerate(expected):
        if all(any(True for _ in differences(wanted, element)) for element in actual):
            yield f"{pointer}/{index}: no element matches {wanted!r} in {shown(actual)}"
