"""Cases of patches to users: the result table of RFC 7644 §3.5.2, by the kind of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from tests.contract.case import Case, Patch, unset
from tests.contract.people import ADA, BOB, HOME, WORK
from tests.harness.operations import Change, Target
from tests.harness.representation import ENTERPRISE_SCHEMA

if TYPE_CHECKING:
    from tests.harness.operations import Document

ENGINES: Final = ADA[ENTERPRISE_SCHEMA]
OTHER: Final = {"value": "ada@other.example", "type": "other"}


def add(attribute: str, value: Any, sub: str = "", /, *, schema: str = "", **where: Any) -> Change:
    """An `add`; the keywords are the equality terms of the path's filter."""
    return Change("add", Target(attribute, sub, schema, where or None), value)


def replace(
    attribute: str, value: Any, sub: str = "", /, *, schema: str = "", **where: Any
) -> Change:
    """A `replace`."""
    return Change("replace", Target(attribute, sub, schema, where or None), value)


def remove(attribute: str, sub: str = "", /, *, schema: str = "", **where: Any) -> Change:
    """A `remove`."""
    return Change("remove", Target(attribute, sub, schema, where or None))


def remove_listed(attribute: str, value: Any) -> Change:
    """A `remove` that lists elements."""
    return Change("remove", Target(attribute), value)


def changed(what: str, /, *changes: Change, **attributes: Any) -> Case:
    """A patch of Ada after which these attributes are different; None for unassigned."""
    document: Document = {**ADA, **attributes}
    gone = [name for name, value in attributes.items() if value is None]
    return Case(
        what, Patch("ada", changes), given={"ada": ADA}, then={"ada": unset(document, *gone)}
    )


def extended(what: str, /, *changes: Change, **attributes: Any) -> Case:
    """A patch of Ada after which these attributes of her extension are different."""
    extension = {**ENGINES, **attributes}
    gone = [name for name, value in attributes.items() if value is None]
    return changed(what, *changes, **{ENTERPRISE_SCHEMA: unset(extension, *gone) or None})


def unchanged(title: str, *changes: Change) -> Case:
    """A patch of Ada that changes nothing, not even the version."""
    return Case(title, Patch("ada", changes), given={"ada": ADA})


def refused(title: str, reason: str, *changes: Change, only: Literal["", "grpc"] = "") -> Case:
    """A patch of Ada that fails."""
    given = {"ada": ADA, "bob": BOB}
    return Case(title, Patch("ada", changes), given=given, fails=reason, only=only)


SINGULAR: Final = (
    changed("add sets a singular attribute", add("nickName", "Countess"), nickName="Countess"),
    changed("add overwrites a singular attribute", add("title", "Countess"), title="Countess"),
    unchanged("add of the value there is", add("title", "Analyst")),
    changed("replace sets what is missing", replace("nickName", "Ada"), nickName="Ada"),
    changed("replace overwrites", replace("title", "Countess"), title="Countess"),
    unchanged("replace by the value there is", replace("active", True)),
    changed("replace of a boolean by false", replace("active", False), active=False),
    changed("replace by null clears", replace("title", None), title=None),
    changed("replace by an empty string clears", replace("title", ""), title=None),
    changed("add of null clears", add("title", None), title=None),
    changed("remove clears", remove("title"), title=None),
    unchanged("remove of what is missing", remove("nickName")),
    changed("names have no case", replace("TITLE", "Countess"), title="Countess"),
    changed("externalId may change", replace("externalId", "emp-2"), externalId="emp-2"),
    Case(
        "a password is set unseen",
        Patch("ada", (replace("password", "correct horse battery staple"),)),
        given={"ada": ADA},
        then={"ada": ADA},
        touches=frozenset({"ada"}),
    ),
    refused("userName cannot be removed", "MUTABILITY", remove("userName")),
    refused("userName cannot be cleared", "MUTABILITY", replace("userName", None)),
    refused("userName cannot be blank", "INVALID_VALUE", replace("userName", " ")),
    refused(
        "userName cannot be that of another", "UNIQUENESS", replace("userName", "BOB@acme.example")
    ),
    refused("id is read-only", "MUTABILITY", replace("id", "mine")),
    refused("meta is read-only", "MUTABILITY", remove("meta")),
    refused("a part of meta is read-only", "MUTABILITY", replace("meta", "User", "resourceType")),
    refused("groups are read-only", "MUTABILITY", add("groups", [{"value": "@bob"}])),
    refused("groups cannot be removed", "MUTABILITY", remove("groups")),
    refused("a text may be too long", "INVALID_VALUE", replace("title", "x" * 513)),
    refused("a text holds no NUL", "INVALID_VALUE", replace("title", "a\0b")),
)

COMPLEX: Final = (
    changed(
        "add to a complex attribute merges",
        add("name", {"familyName": "King", "middleName": "Augusta"}),
        name={"givenName": "Ada", "familyName": "King", "middleName": "Augusta"},
    ),
    changed(
        "replace of a complex attribute merges",
        replace("name", {"familyName": "King"}),
        name={"givenName": "Ada", "familyName": "King"},
    ),
    unchanged("replace of a part by what it is", replace("name", {"familyName": "Byron"})),
    changed(
        "a part is added",
        add("name", "Countess", "honorificPrefix"),
        name={"givenName": "Ada", "familyName": "Byron", "honorificPrefix": "Countess"},
    ),
    changed(
        "a part is replaced",
        replace("name", "King", "familyName"),
        name={"givenName": "Ada", "familyName": "King"},
    ),
    changed(
        "a part is removed",
        remove("name", "familyName"),
        name={"givenName": "Ada"},
    ),
    changed(
        "a part is cleared by null",
        replace("name", None, "familyName"),
        name={"givenName": "Ada"},
    ),
    changed(
        "without parts the whole is unassigned",
        remove("name", "familyName"),
        remove("name", "givenName"),
        name=None,
    ),
    changed("the whole is removed", remove("name"), name=None),
    changed("the whole is cleared by null", replace("name", None), name=None),
    Case(
        "a part creates the whole",
        Patch("bob", (remove("name"), replace("name", "Bob", "formatted"))),
        given={"bob": BOB},
        then={"bob": {**BOB, "name": {"formatted": "Bob"}}},
    ),
)

MULTI_VALUED: Final = (
    changed("add appends an element", add("emails", [OTHER]), emails=[WORK, HOME, OTHER]),
    changed("add appends one element alone", add("emails", OTHER), emails=[WORK, HOME, OTHER]),
    changed(
        "add appends several",
        add("emails", [OTHER, {"value": "x@y.example"}]),
        emails=[WORK, HOME, OTHER, {"value": "x@y.example"}],
    ),
    unchanged("add of an element there is", add("emails", [HOME])),
    unchanged(
        "add of an element there is, in other case",
        add("emails", [{"value": "ada@home.example", "type": "home"}]),
    ),
    changed(
        "add of a primary element makes the others secondary",
        add("emails", [{**OTHER, "primary": True}]),
        emails=[{**WORK, "primary": False}, HOME, {**OTHER, "primary": True}],
    ),
    changed("replace replaces the whole", replace("emails", [OTHER]), emails=[OTHER]),
    changed("replace by one element alone", replace("emails", OTHER), emails=[OTHER]),
    changed("replace by nothing clears", replace("emails", []), emails=None),
    changed("replace of all by null clears", replace("emails", None), emails=None),
    unchanged("replace by what there is", replace("emails", [WORK, HOME])),
    changed("remove of all clears", remove("emails"), emails=None),
    changed(
        "remove of listed elements leaves the others",
        remove_listed("emails", [{"value": "ada@home.example"}]),
        emails=[WORK],
    ),
    changed(
        "remove of one listed element leaves the others",
        remove_listed("emails", {"value": "ADA@WORK.EXAMPLE", "type": "work"}),
        emails=[HOME],
    ),
    unchanged(
        "remove of a listed element that is not there",
        remove_listed("emails", [{"value": "nobody@home.example"}]),
    ),
    changed(
        "a part of all elements is set",
        replace("emails", "Ada", "display"),
        emails=[{**WORK, "display": "Ada"}, {**HOME, "display": "Ada"}],
    ),
    changed(
        "a part of all elements is removed",
        remove("emails", "type"),
        emails=[unset(WORK, "type"), unset(HOME, "type")],
    ),
    refused("a part of no element", "NO_TARGET", replace("phoneNumbers", "Ada", "display")),
    refused(
        "two primary elements at once",
        "INVALID_VALUE",
        replace("emails", [WORK, {**HOME, "primary": True}]),
        only="grpc",
    ),
    changed(
        "a role is added",
        add("roles", [{"value": "admin"}]),
        roles=[{"value": "owner"}, {"value": "admin"}],
    ),
)

VALUE_PATH: Final = (
    changed(
        "a part of the selected element is replaced",
        replace("emails", "ada@new.example", "value", type="work"),
        emails=[{**WORK, "value": "ada@new.example"}, HOME],
    ),
    changed(
        "a part of the selected element is added",
        add("emails", "Home", "display", type="home"),
        emails=[WORK, {**HOME, "display": "Home"}],
    ),
    changed(
        "several terms select together",
        replace("emails", "Home", "display", type="home", value="ADA@home.example"),
        emails=[WORK, {**HOME, "display": "Home"}],
    ),
    changed(
        "the selected element becomes the primary one",
        replace("emails", True, "primary", type="home"),
        emails=[{**WORK, "primary": False}, {**HOME, "primary": True}],
    ),
    changed(
        "add merges into the selected element",
        add("emails", {"display": "Home"}, type="home"),
        emails=[WORK, {**HOME, "display": "Home"}],
    ),
    changed(
        "replace replaces the selected element but what selected it",
        replace("emails", {"value": "ada@new.example"}, type="work"),
        emails=[{"value": "ada@new.example", "type": "work"}, HOME],
    ),
    changed("the selected element is removed", remove("emails", type="work"), emails=[HOME]),
    changed(
        "a part of the selected element is removed",
        remove("emails", "primary", type="work"),
        emails=[unset(WORK, "primary"), HOME],
    ),
    unchanged("remove of what is not selected", remove("emails", type="pager")),
    unchanged("remove of a part of what is not selected", remove("emails", "value", type="pager")),
    changed(
        "add creates the element that is not there",
        add("phoneNumbers", "+44 20 5550 0100", "value", type="work"),
        phoneNumbers=[{"type": "work", "value": "+44 20 5550 0100"}],
    ),
    changed(
        "replace creates the element that is not there",
        replace("emails", "ada@other.example", "value", type="other"),
        emails=[WORK, HOME, OTHER],
    ),
    changed(
        "add of an object creates the element that is not there",
        add("addresses", {"locality": "London"}, type="work"),
        addresses=[{"type": "work", "locality": "London"}],
    ),
    changed(
        "what is created has every term",
        add("emails", "ada@other.example", "value", type="other", display="Other"),
        emails=[WORK, HOME, {**OTHER, "display": "Other"}],
    ),
    refused(
        "an element has no such part",
        "INVALID_PATH",
        remove("emails", "nope", type="work"),
        only="grpc",
    ),
    refused(
        "the filter names no such part",
        "INVALID_FILTER",
        remove("emails", nope="work"),
        only="grpc",
    ),
)

EXTENSION: Final = (
    extended(
        "an attribute is set",
        replace("department", "Looms", schema=ENTERPRISE_SCHEMA),
        department="Looms",
    ),
    extended(
        "an attribute is added",
        add("costCenter", "4711", schema=ENTERPRISE_SCHEMA),
        costCenter="4711",
    ),
    extended(
        "an attribute is removed", remove("department", schema=ENTERPRISE_SCHEMA), department=None
    ),
    extended(
        "the extension is merged",
        add("", {"division": "Mills"}, schema=ENTERPRISE_SCHEMA),
        division="Mills",
    ),
    extended(
        "the extension is merged by replace, too",
        replace("", {"department": "Looms"}, schema=ENTERPRISE_SCHEMA),
        department="Looms",
    ),
    extended(
        "the extension is removed",
        remove("", schema=ENTERPRISE_SCHEMA),
        department=None,
        employeeNumber=None,
    ),
    extended(
        "without attributes the extension is gone",
        remove("department", schema=ENTERPRISE_SCHEMA),
        remove("employeeNumber", schema=ENTERPRISE_SCHEMA),
        department=None,
        employeeNumber=None,
    ),
    Case(
        "an attribute brings the extension",
        Patch("bob", (add("department", "Looms", schema=ENTERPRISE_SCHEMA),)),
        given={"bob": BOB},
        then={"bob": {**BOB, ENTERPRISE_SCHEMA: {"department": "Looms"}}},
    ),
    Case(
        "a manager is set by id",
        Patch("bob", (replace("manager", "@ada", "value", schema=ENTERPRISE_SCHEMA),)),
        given={"ada": ADA, "bob": BOB},
        then={
            "bob": {
                **BOB,
                ENTERPRISE_SCHEMA: {"manager": {"value": "@ada", "displayName": "Ada King"}},
            }
        },
    ),
    refused(
        "the name of a manager is read-only",
        "MUTABILITY",
        replace("manager", "Someone", "displayName", schema=ENTERPRISE_SCHEMA),
    ),
)

SEVERAL: Final = (
    changed(
        "each operation sees what the one before did",
        add("nickName", "A"),
        replace("nickName", "B"),
        add("emails", [OTHER]),
        replace("emails", "Other", "display", type="other"),
        nickName="B",
        emails=[WORK, HOME, {**OTHER, "display": "Other"}],
    ),
    unchanged("changes that undo each other", replace("title", "X"), replace("title", "Analyst")),
    refused(
        "all or none: read-only last",
        "MUTABILITY",
        replace("title", "Countess"),
        replace("id", "mine"),
    ),
    refused(
        "all or none: required last",
        "MUTABILITY",
        replace("displayName", "X"),
        remove("emails"),
        remove("userName"),
    ),
    refused(
        "all or none: taken first",
        "UNIQUENESS",
        replace("userName", "bob@acme.example"),
        replace("title", "Countess"),
    ),
    Case(
        "an unknown user is not found",
        Patch("nobody", (replace("title", "X"),)),
        fails="USER_NOT_FOUND",
    ),
    Case(
        "a group is no user",
        Patch("staff", (replace("title", "X"),)),
        given={"staff": {"displayName": "Staff"}},
        fails="USER_NOT_FOUND",
    ),
)

PATCHES: Final = (
    *SINGULAR,
    *COMPLEX,
    *MULTI_VALUED,
    *VALUE_PATH,
    *EXTENSION,
    *SEVERAL,
)
