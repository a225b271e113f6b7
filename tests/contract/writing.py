"""Cases of creating, reading, replacing and deleting (RFC 7644 §3.3–3.6)."""

from __future__ import annotations

from typing import Final

from tests.contract.case import Case, Create, Delete, Get, Replace, unset
from tests.contract.people import ADA, BOB, CLEO, HOME, STAFF, WORK, direct, user_member
from tests.harness.representation import ENTERPRISE_SCHEMA

GIVEN: Final = {"ada": ADA, "bob": BOB}
TEAM: Final = {**STAFF, "members": [{"value": "@ada"}]}
ADA_MEMBER: Final = user_member("ada", "Ada King")
BOB_MEMBER: Final = user_member("bob", "Bob")

CREATION: Final = (
    Case("a user is stored as sent", Create(ADA), then={"new": ADA}),
    Case("a group is stored as sent", Create(STAFF), then={"new": STAFF}),
    Case(
        "a group with members shows who they are",
        Create({**STAFF, "members": [{"value": "@bob"}, {"value": "@ada"}]}),
        given=GIVEN,
        then={
            "new": {**STAFF, "members": [ADA_MEMBER, BOB_MEMBER]},
            "ada": {**ADA, "groups": [direct("new", "Staff")]},
            "bob": {**BOB, "groups": [direct("new", "Staff")]},
        },
    ),
    Case(
        "a member that is listed twice is one",
        Create({**STAFF, "members": [{"value": "@ada"}, {"value": "@ada"}]}),
        given={"ada": ADA},
        then={
            "new": {**STAFF, "members": [ADA_MEMBER]},
            "ada": {**ADA, "groups": [direct("new", "Staff")]},
        },
    ),
    Case(
        "what only the service sets is ignored",
        Create(
            {
                **BOB,
                "id": "mine",
                "meta": {"version": 'W/"77"', "resourceType": "Group"},
                "groups": [{"value": "@ada"}],
            }
        ),
        given={"ada": ADA},
        then={"new": BOB},
    ),
    Case(
        "a user is active unless it says otherwise",
        Create(unset(BOB, "active")),
        then={"new": BOB},
    ),
    Case(
        "a password is never shown",
        Create({**BOB, "password": "correct horse battery staple"}),
        then={"new": BOB},
    ),
    Case(
        "a manager need not exist",
        Create({**BOB, ENTERPRISE_SCHEMA: {"manager": {"value": "@nobody"}}}),
        then={"new": {**BOB, ENTERPRISE_SCHEMA: {"manager": {"value": "@nobody"}}}},
    ),
    Case(
        "a manager is shown with the name it has",
        Create(
            {
                **BOB,
                ENTERPRISE_SCHEMA: {"manager": {"value": "@ada", "displayName": "Someone"}},
            }
        ),
        given={"ada": ADA},
        then={
            "new": {
                **BOB,
                ENTERPRISE_SCHEMA: {"manager": {"value": "@ada", "displayName": "Ada King"}},
            }
        },
    ),
    Case("a user needs a userName", Create(unset(BOB, "userName")), fails="INVALID_VALUE"),
    Case("a blank userName is none", Create({**BOB, "userName": " \t"}), fails="INVALID_VALUE"),
    Case("a group needs a displayName", Create({"externalId": "g"}), fails="INVALID_VALUE"),
    Case("a userName has a limit", Create({**BOB, "userName": "b" * 513}), fails="INVALID_VALUE"),
    Case(
        "a userName may be as long as the limit",
        Create({**BOB, "userName": "b" * 512}),
        then={"new": {**BOB, "userName": "b" * 512}},
    ),
    Case(
        "a userName of many characters in every script",
        Create({**BOB, "userName": "Ærøskøbing-日本語-𝔘𝔫𝔦"}),
        then={"new": {**BOB, "userName": "Ærøskøbing-日本語-𝔘𝔫𝔦"}},
    ),
    Case("no text holds NUL", Create({**BOB, "title": "a\0b"}), fails="INVALID_VALUE"),
    Case(
        "one element is primary",
        Create({**BOB, "emails": [WORK, {**HOME, "primary": True}]}),
        fails="INVALID_VALUE",
        only="grpc",
    ),
    Case(
        "a member exists",
        Create({**STAFF, "members": [{"value": "@ada"}, {"value": "@nobody"}]}),
        given={"ada": ADA},
        fails="INVALID_VALUE",
    ),
    Case(
        "a member's id is an id",
        Create({**STAFF, "members": [{"value": "@nonsense"}]}),
        fails="INVALID_VALUE",
    ),
    Case("a userName is taken once", Create(BOB), given={"bob": BOB}, fails="UNIQUENESS"),
    Case(
        "a userName is taken in every case",
        Create({**BOB, "userName": "BOB@ACME.example"}),
        given={"bob": BOB},
        fails="UNIQUENESS",
    ),
    Case(
        "a userName is taken in every spelling that folds alike",
        Create({**BOB, "userName": "STRASSE"}),
        given={"bob": {**BOB, "userName": "straße"}},
        fails="UNIQUENESS",
    ),
    Case(
        "a userName is taken in every width",
        Create({**BOB, "userName": "ｂｏｂ"}),
        given={"bob": {**BOB, "userName": "bob"}},
        fails="UNIQUENESS",
    ),
    Case(
        "a deactivated user keeps its name",
        Create({**BOB, "userName": "cleo"}),
        given={"cleo": CLEO},
        fails="UNIQUENESS",
    ),
    Case(
        "groups may have the same name",
        Create(STAFF),
        given={"staff": STAFF},
        then={"new": STAFF},
    ),
    Case(
        "users may have the same externalId",
        Create({**BOB, "externalId": "emp-1815"}),
        given={"ada": ADA},
        then={"new": {**BOB, "externalId": "emp-1815"}},
    ),
)

READING: Final = (
    Case("a user is read", Get("ada"), given=GIVEN),
    Case("a group is read", Get("staff", "Group"), given={"staff": STAFF}),
    Case("an unknown user is not found", Get("nobody"), fails="USER_NOT_FOUND"),
    Case("an unknown group is not found", Get("nobody", "Group"), fails="GROUP_NOT_FOUND"),
    Case("an id that is no UUID is not found", Get("nonsense"), fails="USER_NOT_FOUND"),
    Case("a group is no user", Get("staff"), given={"staff": STAFF}, fails="USER_NOT_FOUND"),
    Case("a user is no group", Get("ada", "Group"), given=GIVEN, fails="GROUP_NOT_FOUND"),
)

REPLACEMENT: Final = (
    Case("the same again changes nothing", Replace("ada", ADA), given=GIVEN),
    Case(
        "what is left out is cleared, save active",
        Replace("cleo", {"userName": "Cleo"}),
        given={"cleo": CLEO},
        then={"cleo": {"userName": "Cleo", "active": False}},
    ),
    Case(
        "the extension that is left out is cleared",
        Replace("ada", unset(ADA, ENTERPRISE_SCHEMA)),
        given=GIVEN,
        then={"ada": unset(ADA, ENTERPRISE_SCHEMA)},
    ),
    Case(
        "multi-valued attributes are replaced as a whole",
        Replace("ada", {**ADA, "emails": [HOME]}),
        given=GIVEN,
        then={"ada": {**ADA, "emails": [HOME]}},
    ),
    Case(
        "a complex attribute is replaced as a whole",
        Replace("ada", {**ADA, "name": {"formatted": "Countess"}}),
        given=GIVEN,
        then={"ada": {**ADA, "name": {"formatted": "Countess"}}},
    ),
    Case(
        "a user may be renamed",
        Replace("ada", {**ADA, "userName": "countess"}),
        given=GIVEN,
        then={"ada": {**ADA, "userName": "countess"}},
    ),
    Case(
        "a userName may change its case",
        Replace("ada", {**ADA, "userName": "Ada@acme.example"}),
        given=GIVEN,
        then={"ada": {**ADA, "userName": "Ada@acme.example"}},
    ),
    Case(
        "groups in a user are ignored",
        Replace("ada", {**ADA, "groups": [], "title": "Countess"}),
        given={"ada": ADA, "staff": TEAM},
        then={
            "ada": {**ADA, "title": "Countess", "groups": [direct("staff", "Staff")]},
        },
    ),
    Case(
        "the members of a group are replaced",
        Replace("staff", {**STAFF, "members": [{"value": "@bob"}]}),
        given={**GIVEN, "staff": TEAM},
        then={
            "staff": {**STAFF, "members": [BOB_MEMBER]},
            "ada": ADA,
            "bob": {**BOB, "groups": [direct("staff", "Staff")]},
        },
    ),
    Case(
        "a group without members loses them",
        Replace("staff", STAFF),
        given={"ada": ADA, "staff": TEAM},
        then={"staff": STAFF, "ada": ADA},
    ),
    Case(
        "the same members again change nothing",
        Replace("staff", TEAM),
        given={"ada": ADA, "staff": TEAM},
    ),
    Case(
        "a userName is required",
        Replace("ada", unset(ADA, "userName")),
        given=GIVEN,
        fails="INVALID_VALUE",
    ),
    Case(
        "the userName of another is taken",
        Replace("ada", {**ADA, "userName": "BOB@acme.example"}),
        given=GIVEN,
        fails="UNIQUENESS",
    ),
    Case(
        "a member that does not exist leaves the members as they were",
        Replace("staff", {**STAFF, "members": [{"value": "@nobody"}]}),
        given={"ada": ADA, "staff": TEAM},
        fails="INVALID_VALUE",
    ),
    Case("nothing is created", Replace("nobody", ADA), fails="USER_NOT_FOUND"),
    Case("no group is created", Replace("nobody", STAFF), fails="GROUP_NOT_FOUND"),
    Case(
        "no user becomes a group",
        Replace("ada", STAFF),
        given=GIVEN,
        fails="GROUP_NOT_FOUND",
    ),
)

DELETION: Final = (
    Case("a user is gone", Delete("bob"), given=GIVEN, then={"bob": None}),
    Case("a group is gone", Delete("staff", "Group"), given={"staff": STAFF}, then={"staff": None}),
    Case(
        "a deleted user is no member",
        Delete("ada"),
        given={**GIVEN, "staff": {**STAFF, "members": [{"value": "@ada"}, {"value": "@bob"}]}},
        then={"ada": None, "staff": {**STAFF, "members": [BOB_MEMBER]}},
    ),
    Case(
        "a deleted group is nobody's group",
        Delete("staff", "Group"),
        given={"ada": ADA, "staff": TEAM},
        then={"staff": None, "ada": ADA},
    ),
    Case(
        "a deleted user is nobody's manager",
        Delete("ada"),
        given={
            "ada": ADA,
            "bob": {
                **BOB,
                ENTERPRISE_SCHEMA: {"department": "Engines", "manager": {"value": "@ada"}},
            },
        },
        then={"ada": None, "bob": {**BOB, ENTERPRISE_SCHEMA: {"department": "Engines"}}},
    ),
    Case("an unknown user is not found", Delete("nobody"), fails="USER_NOT_FOUND"),
    Case("an unknown group is not found", Delete("nobody", "Group"), fails="GROUP_NOT_FOUND"),
    Case("a group is no user", Delete("staff"), given={"staff": STAFF}, fails="USER_NOT_FOUND"),
)
