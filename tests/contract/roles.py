"""Cases of roles, where there is no catalogue: what sources make of one another is not here."""

from __future__ import annotations

from typing import Final

from tests.contract.case import Case, Create, Patch, Replace
from tests.contract.patching import add, remove, replace
from tests.contract.people import BOB, STAFF
from tests.contract.service_accounts import BOT

LEAD: Final = {"type": "desk", "value": "Lead", "display": "Lead of the desk", "primary": True}
HELP: Final = {"type": "desk", "value": "helper"}
GUEST: Final = {"value": "guest"}
GIVEN: Final = {"bob": BOB, "staff": STAFF}

ROLES: Final = (
    Case(
        "roles are stored as sent",
        Create({**BOB, "roles": [LEAD, HELP, GUEST]}),
        then={"new": {**BOB, "roles": [LEAD, HELP, GUEST]}},
    ),
    Case(
        "a role without a value is none",
        Create({**BOB, "roles": [{"type": "desk", "display": "Nothing"}, GUEST]}),
        then={"new": {**BOB, "roles": [GUEST]}},
    ),
    Case(
        "a group has roles",
        Create({**STAFF, "roles": [LEAD]}),
        then={"new": {**STAFF, "roles": [LEAD]}},
    ),
    Case(
        "a service account has roles",
        Create({**BOT, "roles": [LEAD]}),
        then={"new": {**BOT, "roles": [LEAD]}},
    ),
    Case(
        "a replacement gives roles",
        Replace("bob", {**BOB, "roles": [HELP, LEAD]}),
        given=GIVEN,
        then={"bob": {**BOB, "roles": [HELP, LEAD]}},
    ),
    Case(
        "a replacement of a group gives roles",
        Replace("staff", {**STAFF, "roles": [GUEST]}, kind="Group"),
        given=GIVEN,
        then={"staff": {**STAFF, "roles": [GUEST]}},
    ),
    Case(
        "roles that differ in case alone are one",
        Patch("bob", (add("roles", [GUEST]), add("roles", [{"value": "GUEST"}]))),
        given=GIVEN,
        then={"bob": {**BOB, "roles": [GUEST]}},
    ),
    Case(
        "a role is made of what a path says",
        Patch("bob", (replace("roles", "helper", "value", type="desk"),)),
        given=GIVEN,
        then={"bob": {**BOB, "roles": [HELP]}},
    ),
    Case(
        "a role without its value is gone",
        Patch("bob", (add("roles", [HELP, GUEST]), remove("roles", "value", type="desk"))),
        given=GIVEN,
        then={"bob": {**BOB, "roles": [GUEST]}},
    ),
    Case(
        "a group is given roles and loses them",
        Patch("staff", (add("roles", [HELP, GUEST]), remove("roles", value="guest")), "Group"),
        given=GIVEN,
        then={"staff": {**STAFF, "roles": [HELP]}},
    ),
    Case(
        "two primary roles contradict each other",
        Create({**BOB, "roles": [LEAD, {**HELP, "primary": True}]}),
        fails="INVALID_VALUE",
        only="grpc",
    ),
    Case(
        "a role is not longer than an index takes",
        Create({**BOB, "roles": [{"type": "x" * 900, "value": "y" * 900}]}),
        fails="INVALID_VALUE",
    ),
)
