"""What bad requests get through the whole of Rollbook: the exact 4xx with a detail that names the
culprit, nothing changed, never a 5xx (RFC 7644 §3.12)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest

from gateway.settings import Settings
from tests.harness.operations import Names
from tests.harness.scim import MEDIA_TYPE

if TYPE_CHECKING:
    import asyncpg

    from tests.harness.scim import ScimAnswer, ScimClient

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LONG_NUMBER: Final = "9" * 5000
BODY_LIMIT: Final[int] = Settings.model_fields["http_max_body_bytes"].default


@dataclass(frozen=True)
class Hostile:
    """A request and what it gets. `@ada` and `@staff` in the path stand for ids; `names` is part
    of the detail."""

    title: str
    method: str
    path: str
    body: bytes | None
    status: int
    scim_type: str | None
    names: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def nested(depth: int) -> bytes:
    """A user with an unknown attribute that is nested this deep."""
    return b'{"userName":"x","zz":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


def body_of(title: str, body: bytes, scim_type: str, names: str = "") -> Hostile:
    """A user to create."""
    return Hostile(f"body: {title}", "POST", "/Users", body, 400, scim_type, names)


def user(title: str, names: str, **attributes: Any) -> Hostile:
    """A user to create with an attribute that is not valid."""
    body = json.dumps({"userName": "x", **attributes}).encode()
    return Hostile(f"user: {title}", "POST", "/Users", body, 400, "invalidValue", names)


def patch(
    title: str, scim_type: str, names: str, *operations: Any, path: str = "/Users/@ada"
) -> Hostile:
    """A patch, of Ada if nothing else is said."""
    body = json.dumps({"Operations": list(operations)}).encode()
    return Hostile(f"patch: {title}", "PATCH", path, body, 400, scim_type, names)


def patch_path(path: str, scim_type: str) -> Hostile:
    """A patch whose path is not valid."""
    operation = {"op": "replace", "path": path, "value": "x"}
    return patch(f"path {path[:40]!r}", scim_type, "", operation)


def patch_value(path: str, value: Any, names: str, to: str = "/Users/@ada") -> Hostile:
    """A patch whose value is not valid."""
    shown = repr(value)[:40]
    operation = {"op": "replace", "path": path, "value": value}
    return patch(f"{path} {shown}", "invalidValue", names, operation, path=to)


def filtered(text: str, names: str = "", scim_type: str = "invalidFilter") -> Hostile:
    """A list by a filter that is not valid."""
    path = f"/Users?filter={quote(text)}"
    return Hostile(f"filter: {text[:40]}", "GET", path, None, 400, scim_type, names)


def query(text: str, names: str = "", scim_type: str | None = "invalidValue") -> Hostile:
    """A list with parameters that are not valid."""
    return Hostile(f"query: {text[:50]}", "GET", f"/Users?{text}", None, 400, scim_type, names)


BODIES: Final = (
    body_of("malformed", b'{"userName": "x"', "invalidSyntax", "JSON"),
    body_of("empty", b"", "invalidSyntax", "empty"),
    body_of("white space", b" \n", "invalidSyntax", "empty"),
    *(
        body_of(f"is {value.decode()}", value, "invalidSyntax", "object")
        for value in (b"[]", b'"x"', b"1", b"null", b"true")
    ),
    body_of("trailing text", b'{"userName":"x"} x', "invalidSyntax", "JSON"),
    body_of("trailing comma", b'{"userName":"x",}', "invalidSyntax", "JSON"),
    body_of("single quotes", b"{'userName':'x'}", "invalidSyntax", "JSON"),
    body_of("a name twice", b'{"userName":"x","userName":"y"}', "invalidSyntax", "userName"),
    body_of(
        "a name twice in other case",
        b'{"userName":"x","USERNAME":"y"}',
        "invalidSyntax",
        "USERNAME",
    ),
    body_of(
        "a name twice, deep",
        b'{"userName":"x","name":{"givenName":"a","givenName":"b"}}',
        "invalidSyntax",
        "givenName",
    ),
    body_of("nested 65 deep", nested(65), "invalidSyntax", "64"),
    body_of("nested 100,000 deep", nested(100_000), "invalidSyntax"),
    body_of("unbalanced 100,000 deep", b"[" * 100_000, "invalidSyntax"),
    *(
        body_of(value.decode(), b'{"userName":"x","zz":' + value + b"}", "invalidSyntax", "JSON")
        for value in (b"NaN", b"Infinity", b"-Infinity", b"01", b"1.", b"+1", b"0x1")
    ),
    body_of("half a surrogate pair", b'{"userName":"\\ud800"}', "invalidSyntax"),
    body_of("half a surrogate pair in a name", b'{"\\udfff":"x"}', "invalidSyntax"),
    body_of("no UTF-8", b'{"userName":"\xff"}', "invalidSyntax", "UTF-8"),
    body_of("half a surrogate pair in UTF-8", b'{"userName":"\xed\xa0\x80"}', "invalidSyntax"),
    body_of("UTF-16", '{"userName":"x"}'.encode("utf-16"), "invalidSyntax", "UTF-8"),
    body_of("a control character", b'{"userName":"a\x01b"}', "invalidSyntax", "JSON"),
    body_of("NUL between tokens", b'{\x00"userName":"x"}', "invalidSyntax", "JSON"),
    body_of("NUL", b'{"userName":"a\\u0000b"}', "invalidValue", "userName"),
    body_of("5,000 digits", f'{{"userName":{LONG_NUMBER}}}'.encode(), "invalidSyntax", "JSON"),
    body_of(
        "5,000 digits in an unknown attribute",
        f'{{"userName":"x","zz":-{LONG_NUMBER}}}'.encode(),
        "invalidSyntax",
    ),
    body_of("a number beyond doubles", b'{"userName":"x","zz":1e400}', "invalidSyntax"),
)

VALUES: Final = (
    user("userName is a number", "userName", userName=5),
    user("userName is an object", "userName", userName={}),
    user("userName is a list", "userName", userName=["x", "y"]),
    user("userName is a boolean", "userName", userName=True),
    user("userName is null", "userName", userName=None),
    user("userName is blank", "userName", userName="　"),
    user("userName is long", "512", userName="x" * 513),
    user("userName is long once folded", "userName", userName="ﷺ" * 500),
    user("active is a word", "active", active="maybe"),
    user("active is a number", "active", active=1),
    user("active is a list", "active", active=[True, False]),
    user("name is a text", "name", name="Ada"),
    user("name is a list", "name", name=["Ada"]),
    user("a part of name is an object", "name.givenName", name={"givenName": {}}),
    user("emails is a number", "emails", emails=5),
    user("an e-mail is a list", "emails", emails=[[1]]),
    user("an e-mail's value is an object", "emails", emails=[{"value": {}}]),
    user("an e-mail's value is a number", "value", emails=[{"value": 5}]),
    user("an e-mail is primary in a word", "primary", emails=[{"value": "x", "primary": "often"}]),
    user("a certificate is no base64", "x509Certificates", x509Certificates=[{"value": "%%%"}]),
    user("the extension is a text", ENTERPRISE, **{ENTERPRISE: "x"}),
    user("the extension is a list", ENTERPRISE, **{ENTERPRISE: [1]}),
    user("a manager is a number", "manager", **{ENTERPRISE: {"manager": 5}}),
    Hostile(
        "group: displayName is missing",
        "POST",
        "/Groups",
        b"{}",
        400,
        "invalidValue",
        "displayName",
    ),
    Hostile(
        "group: a member is a number",
        "POST",
        "/Groups",
        b'{"displayName":"x","members":[5]}',
        400,
        "invalidValue",
        "members",
    ),
    Hostile(
        "group: a member does not exist",
        "POST",
        "/Groups",
        b'{"displayName":"x","members":[{"value":"nobody"}]}',
        400,
        "invalidValue",
        "nobody",
    ),
    Hostile(
        "replacement without userName",
        "PUT",
        "/Users/@ada",
        b'{"title":"x"}',
        400,
        "invalidValue",
        "userName",
    ),
)

PATCHES: Final = (
    *(
        Hostile(f"patch: {title}", "PATCH", "/Users/@ada", body, 400, "invalidSyntax", names)
        for title, body, names in (
            ("no operations", b"{}", "Operations"),
            ("operations are empty", b'{"Operations":[]}', "Operations"),
            ("operations are an object", b'{"Operations":{}}', "Operations"),
            ("operations are null", b'{"Operations":null}', "Operations"),
            ("an operation is a number", b'{"Operations":[1]}', "Operations[0]"),
            ("the body is a list", b'[{"op":"remove","path":"title"}]', "object"),
        )
    ),
    patch("op is missing", "invalidSyntax", "op", {"path": "title", "value": "x"}),
    patch("op is unknown", "invalidSyntax", "move", {"op": "move", "path": "title"}),
    patch("op is a number", "invalidSyntax", "op", {"op": 5, "path": "title"}),
    patch("path is a number", "invalidPath", "path", {"op": "remove", "path": 5}),
    patch("value is missing", "invalidValue", "value", {"op": "replace", "path": "title"}),
    patch("value without path is a text", "invalidValue", "", {"op": "add", "value": "x"}),
    patch("value without path is null", "invalidValue", "", {"op": "add", "value": None}),
    patch("nothing to remove", "noTarget", "path", {"op": "remove"}),
    patch("read-only", "mutability", "id", {"op": "replace", "path": "id", "value": "x"}),
    patch("required", "mutability", "userName", {"op": "remove", "path": "userName"}),
    patch(
        "the last of many operations",
        "invalidValue",
        "active",
        *({"op": "replace", "path": "title", "value": str(n)} for n in range(50)),
        {"op": "replace", "path": "active", "value": "maybe"},
    ),
    patch(
        "more operations than allowed",
        "invalidValue",
        "1000",
        *({"op": "replace", "path": "title", "value": "x"} for _ in range(1001)),
    ),
    *(
        patch_path(path, "invalidPath")
        for path in (
            "emails[",
            "emails[type",
            "emails]",
            'emails[type eq "work"',
            'emails[type eq "work"]value',
            'emails[type eq "work"].value.x',
            'emails[type eq "work"].',
            "title title",
            ".",
            "..",
            "name.",
            ".title",
            "name.givenName.x",
            "[",
            "5",
            "title;",
            "títle",
            "\0",
            "x" * 10_000,
        )
    ),
    patch_path('emails[type zz "work"].value', "invalidFilter"),
    patch_path('emails[type eq "work].value', "invalidPath"),
    patch_path("emails[]", "invalidFilter"),
    patch_value("active", "maybe", "active"),
    patch_value("active", [True, False], "active"),
    patch_value("title", {"x": 1}, "title"),
    patch_value("title", ["x", "y"], "title"),
    patch_value("name", "Ada", "name"),
    patch_value("emails", 5, "emails"),
    patch_value("emails", [{"value": {"x": 1}}], "value"),
    patch_value('emails[type eq "work"].value', {}, "value"),
    patch_value("members", [5], "members", to="/Groups/@staff"),
    patch_value("members", [{"value": 5}], "members", to="/Groups/@staff"),
    patch_value("members", [{"value": "nobody"}], "nobody", to="/Groups/@staff"),
)

FILTERS: Final = (
    *(
        filtered(text)
        for text in (
            "",
            " ",
            "userName",
            "userName eq",
            'eq "x"',
            'userName regex "x"',
            "(userName pr",
            "userName pr)",
            "not userName pr",
            "userName pr and",
            "userName pr or or title pr",
            'userName eq "x',
            'userName eq "\\x"',
            'userName eq "\\ud800"',
            f"userName eq {LONG_NUMBER}",
            "userName eq [1]",
            "active gt false",
            'active eq "maybe"',
            'emails[type eq "work"',
            'emails[emails[type eq "work"]]',
            "emails[]",
            'password eq "x"',
            'meta.created gt "yesterday"',
            'meta.created gt "2026-02-30T00:00:00Z"',
            "(" * 33 + "userName pr" + ")" * 33,
            "(" * 1000 + "userName pr" + ")" * 1000,
            "not (" * 33 + "userName pr" + ")" * 33,
            " or ".join(['userName eq "x"'] * 201),
            'userName eq "' + "x" * 9000 + '"',
        )
    ),
    filtered('userName regex "x"', "regex"),
    filtered("active gt false", "active"),
)

QUERIES: Final = (
    query("startIndex=one", "startIndex"),
    query("startIndex=1.5", "startIndex"),
    query(f"startIndex={LONG_NUMBER}", "startIndex"),
    query("count=many", "count"),
    query("count=%31%00", "count"),
    query("sortBy=userName&sortOrder=sideways", "sortOrder"),
    query("sortBy=name", "name"),
    query("attributes=userName&excludedAttributes=title", "excludedAttributes"),
    query("cursor=&startIndex=2", "cursor"),
    query("cursor=forged", scim_type="invalidCursor"),
    query("cursor=" + "A" * 5000, scim_type="invalidCursor"),
    query("cursor=%00", scim_type="invalidCursor"),
    query("cursor=%ff", "UTF-8"),
    query("filter=userName%20eq%20%22%ff%22", "UTF-8"),
    query("filter=userName%20eq%20%22a%00b%22", scim_type="invalidFilter"),
    query("filter=%zz", scim_type="invalidFilter"),
    Hostile(
        "search: the body is a list",
        "POST",
        "/Users/.search",
        b"[]",
        400,
        "invalidSyntax",
        "object",
    ),
    Hostile(
        "search: count is a word",
        "POST",
        "/Users/.search",
        b'{"count":"many"}',
        400,
        "invalidValue",
        "count",
    ),
    Hostile(
        "search: filter is a number",
        "POST",
        "/Users/.search",
        b'{"filter":5}',
        400,
        "invalidValue",
        "filter",
    ),
)

GOOD: Final = b'{"userName":"x"}'


def typed(title: str, status: int, *headers: tuple[str, str], body: bytes = GOOD) -> Hostile:
    """A user to create, with header fields of one's own."""
    return Hostile(f"header: {title}", "POST", "/Users", body, status, None, "", headers)


def at(method: str, path: str, status: int, names: str = "") -> Hostile:
    """A request to an endpoint that there is not, or not for the method."""
    body = GOOD if method in {"POST", "PUT", "PATCH"} else None
    return Hostile(f"endpoint: {method} {path[:40]}", method, path, body, status, None, names)


ENDPOINTS: Final = (
    at("GET", "/Nothing", 404, "Nothing"),
    at("GET", "/users-and-more", 404),
    at("GET", "/Users/a/b", 404),
    at("GET", "/Users/%2e%2e/Groups", 404),
    at("GET", "/Users/nobody", 404),
    at("GET", "/Users/%00", 404),
    at("GET", "/Users/%ff", 404),
    at("GET", "/Users/" + "x" * 5000, 404),
    at("GET", "/Users/00000000-0000-4000-8000-00000000dead", 404),
    at("GET", "/Groups/@ada", 404),
    at("PUT", "/Users/nobody", 404),
    at("DELETE", "/Users/nobody", 404),
    at("DELETE", "/Groups/@ada", 404),
    at("PUT", "/Users", 405, "PUT"),
    at("PATCH", "/Users", 405, "PATCH"),
    at("DELETE", "/Users", 405, "DELETE"),
    at("POST", "/Users/@ada", 405, "POST"),
    at("POST", "/Schemas", 405, "POST"),
    at("DELETE", "/ServiceProviderConfig", 405, "DELETE"),
    at("TRACE", "/Users", 405),
    at("BREW", "/Users", 400),
    at("GET", "/Users/.search", 405),
    Hostile("endpoint: filtered discovery", "GET", "/Schemas?filter=x", None, 403, None),
)

HEADERS: Final = (
    typed("text", 415, ("Content-Type", "text/plain")),
    typed("form", 415, ("Content-Type", "application/x-www-form-urlencoded")),
    typed("XML", 415, ("Content-Type", "application/xml")),
    typed("UTF-16", 415, ("Content-Type", f"{MEDIA_TYPE}; charset=utf-16")),
    typed("another coding", 415, ("Content-Encoding", "compress")),
    typed("larger than allowed", 413, body=b'{"userName":"' + b"x" * BODY_LIMIT + b'"}'),
    *(
        typed(f"credentials {value[:20]!r}", 401, ("Authorization", value))
        for value in (
            "",
            "Bearer",
            "Bearer ",
            "Bearer wrong",
            "Bearer a b",
            "Basic",
            "Basic !!!",
            "Basic bm9jb2xvbg==",
            "Basic OnNlY3JldA==",
            "Basic aWRwOndyb25n",
            "Negotiate YII=",
            "Digest username=idp",
            "\u00e9",
            "x" * 8000,
        )
    ),
)

TABLE: Final = (*BODIES, *VALUES, *PATCHES, *FILTERS, *QUERIES, *ENDPOINTS, *HEADERS)


@pytest.fixture
async def names(scim: ScimClient) -> Names:
    """A directory with Ada, who is the staff."""
    ada = await scim.post(
        "/Users",
        {
            "userName": "ada",
            "active": True,
            "title": "Analyst",
            "emails": [{"value": "ada@acme.example", "type": "work"}],
        },
    )
    staff = await scim.post(
        "/Groups", {"displayName": "Staff", "members": [{"value": ada.body["id"]}]}
    )
    return Names({"ada": ada.body["id"], "staff": staff.body["id"]})


async def _state(scim: ScimClient) -> tuple[Any, Any]:
    users, groups = await scim.get("/Users"), await scim.get("/Groups")
    return users.body, groups.body


def _check(hostile: Hostile, answer: ScimAnswer) -> None:
    assert answer.status == hostile.status, answer
    assert answer.headers["Content-Type"].startswith(MEDIA_TYPE)
    body = answer.body
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert body["status"] == str(hostile.status)
    assert body.get("scimType") == hostile.scim_type, body
    assert hostile.names in body["detail"], body
    assert len(body["detail"]) < 600, len(body["detail"])


@pytest.mark.parametrize("hostile", [pytest.param(row, id=row.title) for row in TABLE])
async def test_bad_request(
    hostile: Hostile,
    scim: ScimClient,
    names: Names,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    before = await _state(scim)
    path = hostile.path.replace("@ada", names.ids["ada"]).replace("@staff", names.ids["staff"])
    answer = await scim.request(hostile.method, path, hostile.body, headers=dict(hostile.headers))
    _check(hostile, answer)
    if hostile.status == 401:
        assert "Bearer" in answer.headers["WWW-Authenticate"]
    if hostile.status == 405:
        assert answer.headers["Allow"]
    assert await _state(scim) == before
    assert await database.fetchval("SELECT count(*) FROM changes") == 2


def test_titles_are_unique() -> None:
    assert len({row.title for row in TABLE}) == len(TABLE) - 2  # two filters, with their culprits
