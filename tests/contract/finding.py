"""Cases of lists: filters, order and pages (RFC 7644 §3.4.2)."""

from __future__ import annotations

from typing import Any, Final

from tests.contract.case import Case, Find
from tests.contract.people import ADA, BOB, CLEO, STAFF
from tests.harness.operations import NO_VALUE, Comparison, Listing
from tests.harness.representation import ENTERPRISE_SCHEMA, USER_SCHEMA

GIVEN: Final = {
    "ada": ADA,
    "bob": BOB,
    "cleo": CLEO,
    "staff": {**STAFF, "members": [{"value": "@ada"}, {"value": "@bob"}]},
    "crew": {"displayName": "Crew", "members": [{"value": "@staff"}]},
}


def found(
    attribute: str, operator: str, value: Any = NO_VALUE, *names: str, schema: str = ""
) -> Case:
    """A list of users by one comparison."""
    shown = "" if value is NO_VALUE else f" {value!r}"
    return Case(
        f"users: {attribute} {operator}{shown}",
        Find(Listing(where=(Comparison(attribute, operator, value, schema),))),
        given=GIVEN,
        finds=names,
        total=len(names),
    )


def refused(attribute: str, operator: str, value: Any = NO_VALUE) -> Case:
    """A comparison that is not allowed."""
    return Case(
        f"users: {attribute} {operator} {value!r} is refused",
        Find(Listing(where=(Comparison(attribute, operator, value),))),
        given=GIVEN,
        fails="INVALID_FILTER",
    )


def groups_found(attribute: str, operator: str, value: Any, *names: str) -> Case:
    """A list of groups by one comparison."""
    return Case(
        f"groups: {attribute} {operator} {value!r}",
        Find(Listing(where=(Comparison(attribute, operator, value),)), "Group"),
        given=GIVEN,
        finds=names,
        total=len(names),
    )


def page(title: str, names: tuple[str, ...], listing: Listing, total: int = 3) -> Case:
    """A page of the users."""
    return Case(title, Find(listing), given=GIVEN, finds=names, total=total)


FILTERS: Final = (
    found("userName", "eq", "ADA@ACME.EXAMPLE", "ada"),
    found("USERNAME", "eq", "cleo", "cleo"),
    found("userName", "ne", "cleo", "ada", "bob"),
    found("userName", "co", "ACME", "ada", "bob"),
    found("userName", "sw", "C", "cleo"),
    found("userName", "ew", ".Example", "ada", "bob"),
    found("userName", "gt", "bob@acme.example", "cleo"),
    found("userName", "ge", "bob@acme.example", "bob", "cleo"),
    found("userName", "lt", "B", "ada"),
    found("userName", "le", "bob@acme.example", "ada", "bob"),
    found("userName", "co", "", "ada", "bob", "cleo"),
    found("userName", "co", "%"),
    found("userName", "sw", "_"),
    found("userName", "eq", "nobody"),
    found("externalId", "eq", "emp-1815", "ada"),
    found("externalId", "eq", "EMP-1815", "cleo"),
    found("externalId", "sw", "EMP", "cleo"),
    found("title", "eq", "ANALYST", "ada", "cleo"),
    found("title", "ne", "analyst", "bob"),
    found("title", "pr", NO_VALUE, "ada", "cleo"),
    found("title", "eq", None, "bob"),
    found("title", "ne", None, "ada", "cleo"),
    found("active", "eq", True, "ada", "bob"),
    found("active", "eq", False, "cleo"),
    found("active", "ne", True, "cleo"),
    found("active", "pr", NO_VALUE, "ada", "bob", "cleo"),
    found("name.givenName", "eq", "BOB", "bob"),
    found("name.familyName", "pr", NO_VALUE, "ada"),
    found("name", "pr", NO_VALUE, "ada", "bob"),
    found("emails.value", "eq", "ada@work.example", "ada"),
    found("emails.value", "sw", "cleo@", "cleo"),
    found("emails", "co", "work.example", "ada", "cleo"),
    found("emails.type", "eq", "home", "ada", "cleo"),
    found("emails.type", "ne", "home", "ada", "bob"),
    found("emails.primary", "eq", True, "ada"),
    found("emails", "pr", NO_VALUE, "ada", "cleo"),
    found("emails", "eq", None, "bob"),
    found("roles.value", "eq", "owner", "ada"),
    found("department", "eq", "engines", "ada", schema=ENTERPRISE_SCHEMA),
    found("department", "pr", NO_VALUE, "ada", schema=ENTERPRISE_SCHEMA),
    found("userName", "sw", "ada", "ada", schema=USER_SCHEMA),
    found("meta.resourceType", "eq", "User", "ada", "bob", "cleo"),
    found("meta.resourceType", "eq", "Group"),
    found("meta.created", "gt", "2020-01-01T00:00:00Z", "ada", "bob", "cleo"),
    found("meta.lastModified", "lt", "2020-01-01T00:00:00Z"),
    found("groups.value", "eq", "@staff", "ada", "bob"),
    found("groups", "pr", NO_VALUE, "ada", "bob"),
    found("id", "eq", "@bob", "bob"),
    found("id", "eq", "qwertyuiop"),
    refused("active", "gt", value=False),
    refused("active", "co", "tr"),
    refused("meta.created", "co", "2020-01-01T00:00:00Z"),
    refused("userName", "gt", None),
    refused("name", "eq", "Ada"),
    refused("password", "eq", "secret"),
    Case(
        "several terms hold together",
        Find(
            Listing(
                where=(Comparison("title", "eq", "Analyst"), Comparison("active", "eq", value=True))
            )
        ),
        given=GIVEN,
        finds=("ada",),
        total=1,
    ),
    groups_found("displayName", "eq", "STAFF", "staff"),
    groups_found("displayName", "co", "r", "crew"),
    groups_found("externalId", "eq", "g-1", "staff"),
    groups_found("members.value", "eq", "@ada", "staff"),
    groups_found("members", "eq", "@bob", "staff"),
    groups_found("members.value", "eq", "@staff", "crew"),
    groups_found("members.value", "eq", "@cleo"),
    groups_found("meta.resourceType", "eq", "Group", "staff", "crew"),
)

PAGES: Final = (
    page("everyone, oldest first", ("ada", "bob", "cleo"), Listing()),
    page("by userName", ("ada", "bob", "cleo"), Listing(order_by="userName")),
    page(
        "by userName, descending",
        ("cleo", "bob", "ada"),
        Listing(order_by="userName", descending=True),
    ),
    page(
        "by given name, the missing last",
        ("ada", "bob", "cleo"),
        Listing(order_by="name.givenName"),
    ),
    page(
        "by given name descending, the missing first",
        ("cleo", "bob", "ada"),
        Listing(order_by="name.givenName", descending=True),
    ),
    page(
        "by the first e-mail, the missing last",
        ("ada", "cleo", "bob"),
        Listing(order_by="emails.value"),
    ),
    page("false comes before true", ("cleo", "ada", "bob"), Listing(order_by="active")),
    page(
        "by time of creation, descending",
        ("cleo", "bob", "ada"),
        Listing(order_by="meta.created", descending=True),
    ),
    page("the first two", ("ada", "bob"), Listing(count=2)),
    page("the last one", ("cleo",), Listing(start=3, count=2)),
    page("beyond the end", (), Listing(start=4)),
    page("far beyond the end", (), Listing(start=10**6, count=10)),
    page("the total alone", (), Listing(count=0)),
    page(
        "the second in an order",
        ("bob",),
        Listing(order_by="userName", descending=True, start=2, count=1),
    ),
    page(
        "a page of some",
        ("cleo",),
        Listing(where=(Comparison("title", "pr"),), start=2, count=5),
        total=2,
    ),
    Case(
        "groups by name",
        Find(Listing(order_by="displayName"), "Group"),
        given=GIVEN,
        finds=("crew", "staff"),
        total=2,
    ),
)
