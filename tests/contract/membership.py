"""Cases of patches to groups and of groups in groups (RFC 7643 §4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.contract.case import Case, Create, Delete, Patch
from tests.contract.patching import add, remove, remove_listed, replace
from tests.contract.people import (
    ADA,
    BOB,
    CLEO,
    STAFF,
    direct,
    group_member,
    indirect,
    user_member,
)

if TYPE_CHECKING:
    from tests.harness.operations import Change, Document

ADA_MEMBER: Final = user_member("ada", "Ada King")
BOB_MEMBER: Final = user_member("bob", "Bob")
CLEO_MEMBER: Final = user_member("cleo", None)
IN_STAFF: Final = [direct("staff", "Staff")]

TEAM: Final = {**STAFF, "members": [{"value": "@ada"}, {"value": "@bob"}]}
GIVEN: Final[dict[str, Document]] = {"ada": ADA, "bob": BOB, "cleo": CLEO, "staff": TEAM}
SHOWN: Final[dict[str, Document]] = {
    "ada": {**ADA, "groups": IN_STAFF},
    "bob": {**BOB, "groups": IN_STAFF},
}


def staff_becomes(title: str, members: tuple[str, ...], *changes: Change) -> Case:
    """A patch of the staff, that is Ada and Bob, after which these are its members."""
    everyone = {"ada": (ADA, ADA_MEMBER), "bob": (BOB, BOB_MEMBER), "cleo": (CLEO, CLEO_MEMBER)}
    shown = [everyone[name][1] for name in members]
    users = {
        name: {**document, "groups": IN_STAFF} if name in members else document
        for name, (document, _) in everyone.items()
    }
    return Case(
        title,
        Patch("staff", changes, kind="Group"),
        given=GIVEN,
        then={"staff": {**STAFF, "members": shown} if shown else STAFF, **users},
    )


def staff_stays(title: str, *changes: Change, fails: str = "") -> Case:
    """A patch of the staff that changes nothing, not even the version."""
    return Case(title, Patch("staff", changes, kind="Group"), given=GIVEN, fails=fails)


MEMBERS: Final = (
    staff_becomes("add", ("ada", "bob", "cleo"), add("members", [{"value": "@cleo"}])),
    staff_becomes("add of one alone", ("ada", "bob", "cleo"), add("members", {"value": "@cleo"})),
    staff_becomes(
        "add of one that is there and one that is not",
        ("ada", "bob", "cleo"),
        add("members", [{"value": "@ada"}, {"value": "@cleo"}, {"value": "@cleo"}]),
    ),
    staff_becomes(
        "what the client says of a member does not count",
        ("ada", "bob", "cleo"),
        add("members", [{"value": "@cleo", "display": "Nobody", "type": "Group"}]),
    ),
    staff_stays(
        "add of those who are there", add("members", [{"value": "@bob"}, {"value": "@ada"}])
    ),
    staff_becomes("remove by filter", ("ada",), remove("members", value="@bob")),
    staff_stays("remove of who is not there by filter", remove("members", value="@cleo")),
    staff_stays("remove of nobody by filter", remove("members", value="@nobody")),
    staff_becomes("remove of listed", ("bob",), remove_listed("members", [{"value": "@ada"}])),
    staff_becomes(
        "remove of one listed alone", ("bob",), remove_listed("members", {"value": "@ada"})
    ),
    staff_becomes(
        "remove of listed, one of whom is not there",
        ("ada",),
        remove_listed("members", [{"value": "@bob"}, {"value": "@cleo"}, {"value": "@nobody"}]),
    ),
    staff_stays(
        "remove of listed who are not there", remove_listed("members", [{"value": "@cleo"}])
    ),
    staff_becomes("remove of all", (), remove("members")),
    staff_becomes(
        "replace", ("bob", "cleo"), replace("members", [{"value": "@cleo"}, {"value": "@bob"}])
    ),
    staff_becomes("replace by nobody", (), replace("members", [])),
    staff_stays("replace by the same", replace("members", [{"value": "@bob"}, {"value": "@ada"}])),
    staff_becomes(
        "one leaves and one comes",
        ("bob", "cleo"),
        remove("members", value="@ada"),
        add("members", [{"value": "@cleo"}]),
    ),
    staff_stays(
        "one comes and leaves",
        add("members", [{"value": "@cleo"}]),
        remove("members", value="@cleo"),
    ),
    staff_becomes(
        "operations run in order",
        ("cleo",),
        replace("members", []),
        add("members", [{"value": "@cleo"}]),
    ),
    staff_stays(
        "add of an unknown id",
        add("members", [{"value": "@cleo"}, {"value": "@nobody"}]),
        fails="INVALID_VALUE",
    ),
    staff_stays("add of no id", add("members", [{"display": "Ada"}]), fails="INVALID_VALUE"),
    staff_stays(
        "a member cannot be edited",
        replace("members", "Countess", "display", value="@ada"),
        fails="MUTABILITY",
    ),
    staff_stays(
        "a member cannot become another",
        replace("members", {"value": "@bob"}, value="@ada"),
        fails="MUTABILITY",
    ),
    staff_stays(
        "a member stays by filter and value", replace("members", {"value": "@ada"}, value="@ada")
    ),
    staff_stays(
        "all or none",
        add("members", [{"value": "@cleo"}]),
        remove("displayName"),
        fails="MUTABILITY",
    ),
    Case(
        "a rename keeps the members and is seen by them",
        Patch("staff", (replace("displayName", "Crew"),), kind="Group"),
        given=GIVEN,
        then={
            "staff": {**STAFF, "displayName": "Crew", "members": [ADA_MEMBER, BOB_MEMBER]},
            "ada": {**ADA, "groups": [direct("staff", "Crew")]},
            "bob": {**BOB, "groups": [direct("staff", "Crew")]},
        },
    ),
    Case(
        "a rename of a member is seen by the group",
        Patch("ada", (replace("displayName", "Countess"),)),
        given=GIVEN,
        then={
            "ada": {**SHOWN["ada"], "displayName": "Countess"},
            "staff": {**STAFF, "members": [user_member("ada", "Countess"), BOB_MEMBER]},
        },
    ),
    Case(
        "an unknown group is not found",
        Patch("nobody", (add("members", [{"value": "@ada"}]),), kind="Group"),
        given={"ada": ADA},
        fails="GROUP_NOT_FOUND",
    ),
)

NESTED: Final[dict[str, Document]] = {
    "ada": ADA,
    "staff": {**STAFF, "members": [{"value": "@ada"}]},
    "all": {"displayName": "All", "members": [{"value": "@staff"}]},
}

GROUPS_IN_GROUPS: Final = (
    Case(
        "members of a group in a group belong to both",
        Create({"displayName": "World", "members": [{"value": "@all"}]}, name="world"),
        given=NESTED,
        then={
            "world": {"displayName": "World", "members": [group_member("all", "All")]},
            "ada": {
                **ADA,
                "groups": [
                    direct("staff", "Staff"),
                    indirect("all", "All"),
                    indirect("world", "World"),
                ],
            },
        },
    ),
    Case(
        "a direct member is not an indirect one, too",
        Patch("all", (add("members", [{"value": "@ada"}]),), kind="Group"),
        given=NESTED,
        then={
            "all": {"displayName": "All", "members": [ADA_MEMBER, group_member("staff", "Staff")]},
            "ada": {**ADA, "groups": [direct("staff", "Staff"), direct("all", "All")]},
        },
    ),
    Case(
        "who leaves the inner group leaves the outer one",
        Patch("staff", (remove("members", value="@ada"),), kind="Group"),
        given=NESTED,
        then={"staff": STAFF, "ada": ADA},
    ),
    Case(
        "without the inner group its members leave the outer one",
        Delete("staff", "Group"),
        given=NESTED,
        then={"staff": None, "all": {"displayName": "All"}, "ada": ADA},
    ),
)
