"""Values that break things elsewhere, and JSON that no library writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from random import Random


class Raw(str):
    """A piece of JSON that is written as it is."""

    __slots__ = ()


class Members(list[tuple[str, Any]]):
    """An object whose member names may repeat."""


TEXTS: Final = (
    "",
    " ",
    "\t\r\n",
    "\0",
    "a\0b",
    "\x7f\x1b[31m",
    "a" * 512,
    "a" * 513,
    "a" * 2_048,
    "a" * 2_049,
    "é" * 2_049,
    "a" * 40_000,
    "😀" * 600,
    "\u202e\u2066",
    "\ufeff",
    "İIıi",
    "ß",
    "ﬃ",
    "e\u0301",
    "%",
    "_",
    "\\",
    "'",
    '"',
    "';DROP TABLE resources;--",
    "$1",
    "{{user0}}",
    "../../../etc/passwd",
    "${jndi:ldap://127.0.0.1/a}",
    "<script>alert(1)</script>",
    "urn:",
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "bulkId:x",
    "null",
    "True",
    "-0",
    "1e400",
    "2026-02-30T25:61:61Z",
    "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:60+23:59",
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "a@" + "b" * 300 + ".example",
    "data:text/html,x",
    "https://[::1",
)
"""Texts; `{{user0}}` becomes the id of a user when a request is sent."""

SCALARS: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**63,
    -(2**63) - 1,
    10**30,
    0.1,
    -0.0,
    1e308,
    [],
    {},
    [[]],
    [None],
    [{}],
    {"": ""},
    {"value": None},
    {"$ref": "x"},
)

RAW: Final = (
    Raw("NaN"),
    Raw("-Infinity"),
    Raw("1e400"),
    Raw("01"),
    Raw("9" * 5_000),
    Raw("0." + "0" * 400 + "1"),
    Raw('"\\ud800"'),
    Raw('"\\udfff\\ud800"'),
    Raw('"\\u0000"'),
    Raw('"\x01"'),
    Raw("undefined"),
    Raw("[" * 63 + "]" * 63),
    Raw("[" * 20_000),
    Raw('{"a":' * 64 + "1" + "}" * 64),
    Raw('{"a":1,"a":2}'),
    Raw('{"value":1,"VALUE":2}'),
    Raw("/**/1"),
)


def hostile_text(random: Random) -> str:
    """One of the texts, or several characters from anywhere in Unicode but surrogates."""
    if random.random() < 0.7:
        return random.choice(TEXTS)
    points = (random.choice((random.randrange(0x80), random.randrange(0xD800))) for _ in range(8))
    return "".join(map(chr, points))


def hostile_value(random: Random) -> Any:
    """A value of JSON, or nearly so."""
    kind = random.random()
    if kind < 0.45:
        return hostile_text(random)
    if kind < 0.8:
        return random.choice(SCALARS)
    if kind < 0.9:
        return random.choice(RAW)
    return [random.choice((hostile_text(random), *SCALARS))] * random.choice((1, 2, 3, 50))


def encoded(value: Any) -> str:
    """JSON as text; what is `Raw` or `Members` may not be JSON at all."""
    match value:
        case Raw():
            return str(value)
        case Members():
            return "{" + ",".join(f"{json.dumps(k)}:{encoded(v)}" for k, v in value) + "}"
        case dict():
            return encoded(Members(value.items()))
        case list():
            return "[" + ",".join(map(encoded, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
