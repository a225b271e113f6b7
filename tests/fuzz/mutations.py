"""Ways to spoil a request that was good: its bytes, its JSON, its path, its query, its header,
its method."""

from __future__ import annotations

import copy
import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from gateway.scim.listing import MAX_COUNT
from tests.fuzz.grammar import disturbed, filter_text, kind_of
from tests.fuzz.hostile_values import Members, hostile_text, hostile_value
from tests.fuzz.requests import group_of, user_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.fuzz.requests import Request

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND")
_NUMBERS: Final = ("0", "1", "-1", "1.5", "", " 7", "+1", "1e3", "٣", "9" * 30, "2147483648", "x")
_SIZES: Final = (*_NUMBERS, str(MAX_COUNT), str(MAX_COUNT + 1))
_PLACES: Final = (
    "/",
    "",
    "/Users",
    "/Groups",
    "/Me",
    "/Bulk",
    "/.search",
    "/Users/.search",
    "/Groups/.search",
    "/Schemas",
    "/ResourceTypes/User",
    "/ServiceProviderConfig",
    "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
)
_HEADERS: Final = (
    ("Content-Type", ("application/json", "text/plain", "application/scim+json; charset=utf-16")),
    ("Content-Type", ("", ";", "application/xml", "multipart/form-data; boundary=x", "a/b/c")),
    ("Accept", ("application/json", "text/html", "*/*;q=0", "", ",,;;", "application/*, x")),
    ("Accept-Charset", ("utf-16",)),
    ("Authorization", ("", "Bearer", "Bearer x", "Basic !", "Basic Og==", "Digest x=1", "é")),
    ("If-Match", ("*", "", '"', 'W/"1"', "1", 'W/"0", W/"1"', '"' + "x" * 4_000 + '"', "W/")),
    ("If-None-Match", ("*", 'W/"1"', ",", '"é"')),
    ("Prefer", ("return=minimal", "return=", "respond-async, wait=9", "return=representation;x")),
    ("Content-Encoding", ("gzip", "br", "identity", "gzip, gzip", "")),
    ("Accept-Encoding", ("gzip", "gzip;q=0, *;q=0", "br;q=x")),
    ("Idempotency-Key", ("x", '"y"', "é", "00000000-0000-0000-0000-000000000000", "k" * 4_000)),
    ("X-Request-Id", ("r", "é", "r" * 4_000)),
    ("X-Forwarded-Host", ("evil.example", "a b")),
    ("Host", ("evil.example", "[", "a:99999", "")),
    ("X-HTTP-Method-Override", ("DELETE",)),
    ("Expect", ("100-continue", "x")),
    ("Range", ("bytes=0-1",)),
    ("Cookie", ("a=b",)),
)


def spoil_bytes(random: Random, request: Request) -> Request:
    """The body with bytes lost, doubled, changed or cut off."""
    body = bytearray(request.encoded() or b"{}")
    for _ in range(random.choice((1, 1, 3, 9))):
        place = random.randrange(len(body) + 1)
        match random.randrange(5):
            case 0:
                body[place : place + 1] = bytes([random.randrange(256)])
            case 1:
                del body[place : place + random.choice((1, 2, 30))]
            case 2:
                body[place:place] = body[place : place + 20]
            case 3:
                body[place:place] = random.choice(
                    (b'"', b"{", b"[", b"\\u", b"\xff", b"\x00", b",")
                )
            case _:
                del body[place:]
    return replace(request, tree=None, body=bytes(body))


def spoil_tree(random: Random, request: Request) -> Request:
    """The body with another value, member or name somewhere."""
    tree = copy.deepcopy(request.tree)
    for _ in range(random.choice((1, 1, 2, 4))):
        tree = _spoilt(random, tree)
    return replace(request, tree=tree)


def _spoilt(random: Random, tree: Any) -> Any:
    if isinstance(tree, dict) and tree and random.random() < 0.8:
        name = random.choice(list(tree))
        if isinstance(tree[name], dict | list) and random.random() < 0.6:
            return {**tree, name: _spoilt(random, tree[name])}
        return _spoilt_object(random, tree, name)
    if isinstance(tree, list) and tree and random.random() < 0.8:
        place = random.randrange(len(tree))
        return _spoilt_array(random, tree, place)
    return hostile_value(random)


def _spoilt_object(random: Random, tree: dict[str, Any], name: str) -> Any:
    others = {key: value for key, value in tree.items() if key != name}
    choices = (
        others,
        Members([*tree.items(), (random.choice((name, name.upper())), tree[name])]),
        {**others, _renamed(random, name): tree[name]},
        {**tree, name: [tree[name]]},
        {**tree, name: {random.choice(("value", "", name)): tree[name]}},
        {**tree, hostile_text(random): hostile_value(random)},
        {**tree, name: hostile_value(random)},
    )
    return random.choices(choices, weights=(1, 1, 1, 1, 1, 1, 2))[0]


def _spoilt_array(random: Random, tree: list[Any], place: int) -> Any:
    match random.randrange(4):
        case 0:
            return tree[:place] + tree[place + 1 :]
        case 1:
            return tree[:place] + [tree[place]] * random.choice((2, 50)) + tree[place + 1 :]
        case 2:
            return [*tree, hostile_value(random)]
    return [*tree[:place], _spoilt(random, tree[place]), *tree[place + 1 :]]


def _renamed(random: Random, name: str) -> str:
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    choices = (name.upper(), f"{urn}:{name}", f"{urn}.{name}", f"{name}.value", f"{name}[x pr]")
    return random.choice((*choices, disturbed(random, name)))


def spoil_path(random: Random, request: Request) -> Request:
    """Another path, or the same one written in a way that nobody does."""
    path, mark, query = request.target.partition("?")
    place = random.randrange(len(path) + 1)
    match random.randrange(9):
        case 0:
            path = random.choice(_PLACES)
        case 1:
            path = (
                path[:place]
                + random.choice(("/", "//", "/./", "/../", "%2F", "%00", "%"))
                + (path[place:])
            )
        case 2:
            path += random.choice(("/", ".scim", ".json", "/members", "/.search", ";a=b", "%20"))
        case 3:
            path = path.swapcase()
        case 4:
            path = random.choice(("/Users/", "/Groups/")) + _escaped(hostile_text(random)[:3_000])
        case 5:
            path = f"/Users/{group_of(random)}"
        case 6:
            path = f"/Groups/{user_of(random)}"
        case 7:
            path = "/scim/v2" + path
        case _:
            path = path[:place] + _escaped(hostile_text(random)[:100]) + path[place:]
    return replace(request, target=path + mark + query)


def spoil_query(random: Random, request: Request) -> Request:
    """Parameters put in the place of those that there are."""
    kind = kind_of(random)
    names = random.choice(("userName", "name.givenName", "emails", "groups", "id", "", "nope", "."))
    choices = (
        ("filter", filter_text(random, kind)),
        ("startIndex", random.choice(_NUMBERS)),
        ("count", random.choice(_SIZES)),
        ("cursor", random.choice(("", "x", "e30", "-._~" * 40, hostile_text(random)))),
        ("sortBy", random.choice((names, "emails[type eq", hostile_text(random)))),
        ("sortOrder", random.choice(("ascending", "DESCENDING", "up", ""))),
        ("attributes", random.choice((names, "a," * 600, f"{names}[type pr]", ",", "urn:x:y"))),
        ("excludedAttributes", random.choice((names, "id,schemas", "meta.version"))),
        (hostile_text(random)[:50], hostile_text(random)[:500]),
    )
    parameters = random.choices(choices, k=random.choice((1, 2, 3, 5, 101)))
    query = urlencode(parameters, encoding="utf-8", errors="surrogatepass")
    if random.random() < 0.1:
        query = "".join(
            each for each in disturbed(random, query) if each.isalnum() or each in "%&="
        )
    return replace(request, target=request.target.partition("?")[0] + "?" + query)


def spoil_headers(random: Random, request: Request) -> Request:
    """Other header fields, and bodies that are not what those say."""
    headers = dict(request.headers)
    for _ in range(random.choice((1, 1, 2, 4))):
        name, values = random.choice(_HEADERS)
        headers[name] = random.choice(values)
    body = request.encoded()
    if body and headers.get("Content-Encoding") == "gzip" and random.random() < 0.7:
        body = gzip.compress(random.choice((body, body * 50, b" " * 3_000_000)), mtime=0)
        body = body[: random.choice((len(body), len(body) // 2))]
    return replace(request, headers=headers, tree=None, body=body)


def spoil_method(random: Random, request: Request) -> Request:
    """The same with another method."""
    return replace(request, method=random.choice(_METHODS))


def _escaped(text: str) -> str:
    return quote(text, safe="{}", errors="surrogatepass")


MUTATIONS: Final[tuple[tuple[int, Callable[[Random, Request], Request]], ...]] = (
    (5, spoil_bytes),
    (12, spoil_tree),
    (4, spoil_path),
    (4, spoil_query),
    (4, spoil_headers),
    (1, spoil_method),
)
"""Each with how often it is chosen."""
