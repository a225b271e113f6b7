"""JSON as SCIM bodies have it (RFC 8259): strict, within limits, in UTF-8."""

from __future__ import annotations

import json
from typing import Final

import orjson

from gateway.scim.errors import invalid_syntax

MAX_DEPTH: Final = 64
"""How deep objects and arrays may be nested."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def loads(body: bytes) -> object:
    """The value of a JSON text.

    A byte order mark is passed over (RFC 8259 §8.1). Raises ScimError 400 invalidSyntax when the
    text is malformed or not UTF-8, nests deeper than MAX_DEPTH, has a number that no double
    holds, half of a surrogate pair, or an object with two members of one name.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid_syntax(_fault(text, error)) from None
    # orjson keeps the last of two members of one name, so that quotes are left over. Escaped
    # quotes are, too; then the slower parser decides.
    if _count_strings(value) * 2 != text.count(b'"'):
        _refuse_repeated_members(text)
    return value


def dumps(value: object) -> bytes:
    """The JSON text of a value, in UTF-8 without white space."""
    return orjson.dumps(value)


def _fault(text: bytes, error: orjson.JSONDecodeError) -> str:
    if not text.strip():
        return "The body is empty; it must be a JSON object."
    try:
        text.decode()
    except UnicodeDecodeError as wrong:
        return f"The body is not UTF-8: byte {text[wrong.start]:#04x} at offset {wrong.start}."
    return f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."


def _count_strings(value: object) -> int:
    """How many strings the value has, names included. Raises ScimError if it nests too deep."""
    count = 0
    depth = 0
    level: list[object] = [value]
    while level:
        below: list[object] = []
        for each in level:
            if type(each) is str:
                count += 1
            elif type(each) is dict:
                count += len(each)
                below += each.values()
            elif type(each) is list:
                below += each
        level = below
        depth += 1
        if depth == MAX_DEPTH and any(isinstance(each, dict | list) for each in level):
            raise invalid_syntax(f"The body is nested deeper than {MAX_DEPTH} levels.")
    return count


def _refuse_repeated_members(text: bytes) -> None:
    json.loads(text, object_pairs_hook=_check_members)


def _check_members(members: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise invalid_syntax(f"The member {name[:80]!r} occurs twice in one object.")
        seen.add(name)
