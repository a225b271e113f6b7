"""Query parameters and SearchRequests become requests for a page, or an exact error."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.scim.dialects import LENIENT, STRICT, Reading, Tolerance
from gateway.scim.errors import ScimError
from gateway.scim.listing import (
    LIST_RESPONSE_SCHEMA,
    MAX_COUNT,
    SEARCH_REQUEST_SCHEMA,
    ListQuery,
    list_query_from_query,
    list_query_from_search,
    list_response,
)
from gateway.scim.projection import projection_of
from rollbook.attributes import GROUP, USER
from rollbook.v1.filter_pb2 import AttributePath
from rollbook.v1.group_service_pb2 import ListGroupsRequest
from rollbook.v1.user_service_pb2 import ListUsersRequest

ENTERPRISE = USER.extensions[0].schema.urn


@pytest.mark.parametrize(
    ("pairs", "query"),
    [
        ([], ListQuery()),
        ([("foo", "bar"), ("foo", "baz"), ("aadOptscim062020", "")], ListQuery()),
        ([("filter", 'userName eq "a"')], ListQuery(filter='userName eq "a"')),
        ([("FILTER", "title pr")], ListQuery(filter="title pr")),
        ([("startIndex", "101"), ("count", "100")], ListQuery(start_index=101, count=100)),
        ([("startindex", "0")], ListQuery(start_index=1)),
        ([("startIndex", "-5")], ListQuery(start_index=1)),
        ([("startIndex", " +7 ")], ListQuery(start_index=7)),
        ([("count", "0")], ListQuery(count=0)),
        ([("count", "-1")], ListQuery(count=0)),
        ([("count", "1000")], ListQuery(count=1000)),
        ([("count", "999999999999")], ListQuery(count=MAX_COUNT)),
        ([("startIndex", "900000000000000000")], ListQuery(start_index=900_000_000_000_000_000)),
        ([("sortBy", "name.givenName")], ListQuery(sort_by="name.givenName")),
        (
            [("sortby", "title"), ("sortorder", "DESCENDING")],
            ListQuery(sort_by="title", descending=True),
        ),
        ([("sortOrder", "ascending")], ListQuery()),
        ([("sortBy", ""), ("sortOrder", "")], ListQuery()),
        ([("cursor", "")], ListQuery(cursor="")),
        ([("cursor", "k2.Zm9v-7Q"), ("count", "2")], ListQuery(cursor="k2.Zm9v-7Q", count=2)),
        (
            [("attributes", "userName"), ("Attributes", "title")],
            ListQuery(projection=projection_of(["userName,title"], [])),
        ),
        (
            [("excludedAttributes", "members")],
            ListQuery(projection=projection_of([], ["members"])),
        ),
    ],
)
def test_a_query_string_is_read(pairs: list[tuple[str, str]], query: ListQuery) -> None:
    assert list_query_from_query(pairs) == query


HUGE = "9" * 5_000


@pytest.mark.parametrize(
    ("pairs", "scim_type", "detail"),
    [
        (
            [("filter", "")],
            "invalidFilter",
            "The filter is empty; leave it out to list everything.",
        ),
        (
            [("filter", "  ")],
            "invalidFilter",
            "The filter is empty; leave it out to list everything.",
        ),
        (
            [("startIndex", "x")],
            "invalidValue",
            "startIndex must be an integer of at most 18 digits.",
        ),
        (
            [("startIndex", "1.5")],
            "invalidValue",
            "startIndex must be an integer of at most 18 digits.",
        ),
        (
            [("startIndex", "")],
            "invalidValue",
            "startIndex must be an integer of at most 18 digits.",
        ),
        (
            [("startIndex", "٣")],
            "invalidValue",
            "startIndex must be an integer of at most 18 digits.",
        ),
        (
            [("startIndex", str(2**63))],
            "invalidValue",
            "startIndex must be an integer of at most 18 digits.",
        ),
        (
            [("startIndex", HUGE)],
            "invalidValue",
            "startIndex must be an integer of at most 18 digits.",
        ),
        ([("count", "-" + HUGE)], "invalidValue", "count must be an integer of at most 18 digits."),
        ([("count", "ten")], "invalidValue", "count must be an integer of at most 18 digits."),
        ([("sortOrder", "up")], "invalidValue", "sortOrder must be ascending or descending."),
        (
            [("cursor", ""), ("startIndex", "1")],
            "invalidValue",
            "startIndex and cursor must not be given together.",
        ),
        ([("count", "1"), ("Count", "2")], "invalidValue", "The parameter Count is given twice."),
        (
            [("attributes", "a"), ("excludedAttributes", "b")],
            "invalidValue",
            "attributes and excludedAttributes must not be given together.",
        ),
    ],
)
def test_a_query_string_that_means_nothing_is_refused(
    pairs: list[tuple[str, str]], scim_type: str, detail: str
) -> None:
    with pytest.raises(ScimError) as caught:
        list_query_from_query(pairs)
    assert caught.value.status == 400
    assert (caught.value.scim_type, caught.value.detail) == (scim_type, detail)


def search(members: dict[str, Any], reading: Reading | None = None) -> ListQuery:
    body = {"schemas": [SEARCH_REQUEST_SCHEMA], **members}
    return list_query_from_search(body, reading or Reading(STRICT))


@pytest.mark.parametrize(
    ("members", "query"),
    [
        ({}, ListQuery()),
        ({"schemas": ["urn:x", SEARCH_REQUEST_SCHEMA.upper()]}, ListQuery()),
        ({"filter": None, "count": None, "unknown": {}}, ListQuery()),
        (
            {"Filter": "title pr", "startIndex": 3, "count": 2, "sortBy": "title"},
            ListQuery(filter="title pr", start_index=3, count=2, sort_by="title"),
        ),
        ({"startIndex": -3, "count": -3}, ListQuery(start_index=1, count=0)),
        (
            {"sortBy": "title", "sortOrder": "descending"},
            ListQuery(sort_by="title", descending=True),
        ),
        ({"cursor": "", "count": 5000}, ListQuery(cursor="", count=MAX_COUNT)),
        (
            {"attributes": ["userName", "title"]},
            ListQuery(projection=projection_of(["userName,title"], [])),
        ),
        (
            {"excludedAttributes": ["members"], "attributes": []},
            ListQuery(projection=projection_of([], ["members"])),
        ),
    ],
)
def test_a_search_request_is_read(members: dict[str, Any], query: ListQuery) -> None:
    assert search(members) == query


@pytest.mark.parametrize(
    ("members", "tolerance", "detail"),
    [
        (
            {"schemas": None},
            Tolerance.MISSING_SCHEMAS,
            f"schemas must contain {SEARCH_REQUEST_SCHEMA}.",
        ),
        (
            {"schemas": ["urn:x"]},
            Tolerance.MISSING_SCHEMAS,
            f"schemas must contain {SEARCH_REQUEST_SCHEMA}.",
        ),
        ({"count": "5"}, Tolerance.STRING_NUMBER, "count must be an integer, not a string."),
        (
            {"attributes": "a,b"},
            Tolerance.SINGLE_FOR_ARRAY,
            "attributes must be an array of strings.",
        ),
    ],
)
def test_a_habit_in_a_search_request_is_tolerated_or_refused(
    members: dict[str, Any], tolerance: Tolerance, detail: str
) -> None:
    reading = Reading(LENIENT)
    search(members, reading)
    assert reading.met == {tolerance}
    with pytest.raises(ScimError) as caught:
        search(members)
    assert caught.value.detail == detail


@pytest.mark.parametrize(
    ("body", "scim_type", "detail"),
    [
        ([], "invalidSyntax", "The body must be a JSON object, not an array."),
        ({"count": 1, "Count": 1}, "invalidSyntax", "'Count' occurs twice: names have no case."),
        ({"filter": ""}, "invalidFilter", "The filter is empty; leave it out to list everything."),
        ({"filter": 7}, "invalidValue", "filter must be a string, not a number."),
        ({"sortBy": ["a"]}, "invalidValue", "sortBy must be a string, not an array."),
        ({"startIndex": 1.5}, "invalidValue", "startIndex must be an integer, not a number."),
        ({"startIndex": True}, "invalidValue", "startIndex must be an integer, not a boolean."),
        (
            {"startIndex": 2**63},
            "invalidValue",
            "startIndex must be an integer of at most 18 digits.",
        ),
        ({"count": {}}, "invalidValue", "count must be an integer, not an object."),
        ({"attributes": [1]}, "invalidValue", "attributes must be an array of strings."),
        (
            {"excludedAttributes": {}},
            "invalidValue",
            "excludedAttributes must be an array of strings.",
        ),
        (
            {"cursor": "", "startIndex": 1},
            "invalidValue",
            "startIndex and cursor must not be given together.",
        ),
    ],
)
def test_a_search_request_that_means_nothing_is_refused(
    body: object, scim_type: str, detail: str
) -> None:
    with pytest.raises(ScimError) as caught:
        list_query_from_search(body, Reading(LENIENT))
    assert (caught.value.scim_type, caught.value.detail) == (scim_type, detail)


@pytest.mark.parametrize(
    ("query", "request_"),
    [
        (ListQuery(), ListUsersRequest(include_total_size=True)),
        (
            ListQuery(start_index=101, count=100),
            ListUsersRequest(include_total_size=True, skip=100, page_size=100),
        ),
        (ListQuery(count=0), ListUsersRequest(include_total_size=True, page_size=0)),
        (ListQuery(cursor=""), ListUsersRequest(include_total_size=True)),
        (
            ListQuery(cursor="k2", count=2),
            ListUsersRequest(include_total_size=True, page_token="k2", page_size=2),
        ),
    ],
)
def test_a_query_becomes_a_request(query: ListQuery, request_: ListUsersRequest) -> None:
    assert query.to_request(ListUsersRequest(), USER, Reading(STRICT)) == request_


def test_filter_and_projection_are_part_of_the_request() -> None:
    query = ListQuery(filter='displayName eq "Analysts"', projection=projection_of([], ["members"]))
    request = query.to_request(ListGroupsRequest(), GROUP, Reading(STRICT))
    assert request.filter.comparison.path.attribute == "displayName"
    assert request.filter.comparison.value.string == "Analysts"
    assert "members" not in request.read_mask.paths
    assert "display_name" in request.read_mask.paths


def test_a_bad_filter_is_refused() -> None:
    with pytest.raises(ScimError) as caught:
        ListQuery(filter="userName eq").to_request(ListUsersRequest(), USER, Reading(LENIENT))
    assert caught.value.scim_type == "invalidFilter"


@pytest.mark.parametrize(
    ("sort_by", "path"),
    [
        ("userName", AttributePath(attribute="userName")),
        ("USERNAME", AttributePath(attribute="userName")),
        ("name.familyName", AttributePath(attribute="name", sub_attribute="familyName")),
        ("emails", AttributePath(attribute="emails", sub_attribute="value")),
        ("emails.type", AttributePath(attribute="emails", sub_attribute="type")),
        ("meta.lastModified", AttributePath(attribute="meta", sub_attribute="lastModified")),
        (f"{ENTERPRISE}:department", AttributePath(schema=ENTERPRISE, attribute="department")),
    ],
)
def test_lists_are_sorted_by_a_single_value(sort_by: str, path: AttributePath) -> None:
    query = ListQuery(sort_by=sort_by, descending=True)
    order = query.to_request(ListUsersRequest(), USER, Reading(STRICT)).order_by
    assert order.path == path
    assert order.descending


@pytest.mark.parametrize(
    ("sort_by", "detail"),
    [
        ("nope", "sortBy names no attribute of a User: 'nope'."),
        ("name.nope", "sortBy names no attribute of a User: 'name.nope'."),
        ("a b[", "sortBy names no attribute of a User: 'a b['."),
        (ENTERPRISE, f"sortBy names no attribute of a User: {ENTERPRISE!r}."),
        ("schemas", "sortBy names no attribute of a User: 'schemas'."),
        ("name", "sortBy must name a sub-attribute of name."),
        ("meta", "sortBy must name a sub-attribute of meta."),
        ("addresses", "sortBy must name a sub-attribute of addresses."),
        ("password", "Resources cannot be sorted by password."),
    ],
)
def test_lists_cannot_be_sorted_by_what_is_no_value(sort_by: str, detail: str) -> None:
    with pytest.raises(ScimError) as caught:
        ListQuery(sort_by=sort_by).to_request(ListUsersRequest(), USER, Reading(LENIENT))
    assert (caught.value.scim_type, caught.value.detail) == ("invalidValue", detail)


def test_an_index_page_tells_where_it_begins_and_has_no_cursors() -> None:
    response = list_response(ListQuery(start_index=3, count=2), [{"id": "1"}], 3, "next", "back")
    assert response == {
        "schemas": [LIST_RESPONSE_SCHEMA],
        "totalResults": 3,
        "startIndex": 3,
        "itemsPerPage": 1,
        "Resources": [{"id": "1"}],
    }


def test_an_empty_list_has_its_resources_all_the_same() -> None:
    response = list_response(ListQuery(), [], 0)
    assert response["Resources"] == []
    assert response["itemsPerPage"] == 0


@pytest.mark.parametrize(
    ("cursors", "members"),
    [
        (("", ""), {}),
        (("n", ""), {"nextCursor": "n"}),
        (("n", "p"), {"nextCursor": "n", "previousCursor": "p"}),
        (("", "p"), {"previousCursor": "p"}),
    ],
)
def test_a_cursor_page_has_cursors_and_no_start_index(
    cursors: tuple[str, str], members: dict[str, str]
) -> None:
    response = list_response(ListQuery(cursor=""), [], 5, *cursors)
    assert response == {
        "schemas": [LIST_RESPONSE_SCHEMA],
        "totalResults": 5,
        "itemsPerPage": 0,
        "Resources": [],
        **members,
    }
