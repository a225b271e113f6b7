"""Cases of service accounts: what they share with users, and their owners."""

from __future__ import annotations

from typing import Final

from tests.contract.case import Case, Create, Delete, Find, Get, Patch, Replace, unset
from tests.contract.patching import add, remove, replace
from tests.contract.people import ADA, BOB, STAFF, direct, indirect
from tests.harness.operations import Comparison, Document, Listing

BOT: Final[Document] = {
    "displayName": "ci-bot",
    "description": "Builds what was merged",
    "externalId": "bot-1",
    "active": True,
    "roles": [{"type": "workspace_prod", "value": "consumer"}],
}

IDLE: Final[Document] = {
    "displayName": "Backup",
    "description": "Copies the night away",
    "active": False,
}

OWNED: Final[Document] = {**BOT, "owner": {"value": "@ada"}}
SHOWN: Final[Document] = {**BOT, "owner": {"value": "@ada", "display": "Ada King"}}
GIVEN: Final = {"ada": ADA, "bob": BOB, "bot": OWNED}
BOTS: Final = {"ada": ADA, "bot": OWNED, "idle": IDLE}


def member(name: str, display: str) -> Document:
    """A service account as groups show it."""
    return {"value": f"@{name}", "type": "ServiceAccount", "display": display}


def finds(title: str, where: Comparison, *names: str) -> Case:
    """A list of service accounts."""
    listing = Listing(where=(where,))
    return Case(title, Find(listing, "ServiceAccount"), given=BOTS, finds=names, total=len(names))


SERVICE_ACCOUNTS: Final = (
    Case("one is stored as sent", Create(BOT), then={"new": BOT}),
    Case("one is active unless it says otherwise", Create(unset(BOT, "active")), then={"new": BOT}),
    Case(
        "its owner is shown with the name that user has",
        Create({**BOT, "owner": {"value": "@ada", "display": "Someone", "active": False}}),
        given={"ada": ADA},
        then={"new": SHOWN},
    ),
    Case(
        "an owner has to exist",
        Create({**BOT, "owner": {"value": "@nobody"}}),
        fails="INVALID_VALUE",
    ),
    Case(
        "an owner is a user",
        Create({**BOT, "owner": {"value": "@staff"}}),
        given={"staff": STAFF},
        fails="INVALID_VALUE",
    ),
    Case(
        "an owner without an id is none",
        Create({**BOT, "owner": {"value": ""}}),
        fails="INVALID_VALUE",
        only="grpc",
    ),
    Case("a name is required", Create(unset(BOT, "displayName")), fails="INVALID_VALUE"),
    Case(
        "a name is unique in any case",
        Create({**IDLE, "displayName": "CI-Bot"}),
        given={"bot": BOT},
        fails="UNIQUENESS",
    ),
    Case(
        "a user or a group may have the same name",
        Create(BOT),
        given={
            "user": {**BOB, "displayName": "ci-bot"},
            "group": {**STAFF, "displayName": "ci-bot"},
        },
        then={"new": BOT},
    ),
    Case(
        "reading one that is not there",
        Get("nobody", "ServiceAccount"),
        fails="SERVICE_ACCOUNT_NOT_FOUND",
    ),
    Case(
        "a user is no service account",
        Get("ada", "ServiceAccount"),
        given={"ada": ADA},
        fails="SERVICE_ACCOUNT_NOT_FOUND",
    ),
    Case(
        "a replacement drops what it leaves out, save the state of the account",
        Replace("idle", unset(IDLE, "active")),
        given={"idle": IDLE},
        then={"idle": IDLE},
    ),
    Case(
        "a replacement changes description and owner",
        Replace("bot", {**BOT, "description": "Builds", "owner": {"value": "@bob"}}),
        given=GIVEN,
        then={
            "bot": {
                **BOT,
                "description": "Builds",
                "owner": {"value": "@bob", "display": "Bob"},
            }
        },
    ),
    Case(
        "a replacement may not take another's name",
        Replace("idle", {**IDLE, "displayName": "CI-BOT"}),
        given={"bot": BOT, "idle": IDLE},
        fails="UNIQUENESS",
    ),
    Case(
        "a patch renames it",
        Patch("bot", (replace("displayName", "cd-bot"),), "ServiceAccount"),
        given=GIVEN,
        then={"bot": {**SHOWN, "displayName": "cd-bot"}},
    ),
    Case(
        "a patch deactivates it",
        Patch("bot", (replace("active", False),), "ServiceAccount"),
        given=GIVEN,
        then={"bot": {**SHOWN, "active": False}},
    ),
    Case(
        "a patch gives it an owner",
        Patch("idle", (add("owner", {"value": "@ada"}),), "ServiceAccount"),
        given=BOTS,
        then={"idle": {**IDLE, "owner": {"value": "@ada", "display": "Ada King"}}},
    ),
    Case(
        "a patch takes its owner away",
        Patch("bot", (remove("owner"),), "ServiceAccount"),
        given=GIVEN,
        then={"bot": BOT},
    ),
    Case(
        "a patch cannot give it a group for an owner",
        Patch("bot", (replace("owner", {"value": "@staff"}),), "ServiceAccount"),
        given={**GIVEN, "staff": STAFF},
        fails="INVALID_VALUE",
    ),
    Case(
        "a patch cannot set what is derived",
        Patch("bot", (replace("owner", "Someone", "display"),), "ServiceAccount"),
        given=GIVEN,
        fails="MUTABILITY",
    ),
    Case(
        "it outlives its owner",
        Delete("ada"),
        given=GIVEN,
        then={"ada": None, "bot": BOT},
    ),
    Case(
        "deleting one ends its memberships",
        Delete("bot", "ServiceAccount"),
        given={**GIVEN, "staff": {**STAFF, "members": [{"value": "@bot"}, {"value": "@bob"}]}},
        then={
            "bot": None,
            "staff": {**STAFF, "members": [{"value": "@bob", "type": "User", "display": "Bob"}]},
        },
    ),
    Case(
        "it is a member as users are",
        Create({**STAFF, "members": [{"value": "@idle"}, {"value": "@bot"}]}),
        given=BOTS,
        then={
            "new": {**STAFF, "members": [member("idle", "Backup"), member("bot", "ci-bot")]},
            "bot": {**SHOWN, "groups": [direct("new", "Staff")]},
            "idle": {**IDLE, "groups": [direct("new", "Staff")]},
        },
    ),
    Case(
        "it is shown groups of groups",
        Create({"displayName": "Everyone", "members": [{"value": "@staff"}]}),
        given={"idle": IDLE, "staff": {**STAFF, "members": [{"value": "@idle"}]}},
        then={
            "new": {
                "displayName": "Everyone",
                "members": [{"value": "@staff", "type": "Group", "display": "Staff"}],
            },
            "idle": {**IDLE, "groups": [direct("staff", "Staff"), indirect("new", "Everyone")]},
        },
    ),
    finds("by name", Comparison("displayName", "eq", "CI-BOT"), "bot"),
    finds("by a prefix of the name", Comparison("displayName", "sw", "back"), "idle"),
    finds("by part of the name", Comparison("displayName", "co", "-B"), "bot"),
    finds("by external id", Comparison("externalId", "eq", "bot-1"), "bot"),
    finds("by description", Comparison("description", "co", "night"), "idle"),
    finds("by state", Comparison("active", "eq", value=False), "idle"),
    finds("by role", Comparison("roles.value", "eq", "consumer"), "bot"),
    finds("by owner", Comparison("owner.value", "eq", "@ada"), "bot"),
    finds("by the owner's name", Comparison("owner.display", "eq", "ada king"), "bot"),
    finds("by the state of the owner", Comparison("owner.active", "eq", value=True), "bot"),
    Case(
        "those whose owner has left",
        Find(Listing(where=(Comparison("owner.active", "eq", value=False),)), "ServiceAccount"),
        given={**BOTS, "ada": {**ADA, "active": False}},
        finds=("bot",),
        total=1,
    ),
    Case(
        "in the order of their names",
        Find(Listing(order_by="displayName"), "ServiceAccount"),
        given=BOTS,
        finds=("idle", "bot"),
        total=2,
    ),
)
