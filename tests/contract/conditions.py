"""Cases of conditional writes (RFC 7644 §3.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.contract.case import Case, Delete, Patch, Replace
from tests.contract.people import ADA, BOB, STAFF, direct, user_member
from tests.harness.operations import Change, Target

if TYPE_CHECKING:
    from collections.abc import Callable

RETITLED: Final = {**ADA, "title": "Countess"}
RETITLE: Final = Patch("ada", (Change("replace", Target("title"), "Countess"),))
JOIN: Final = Patch("staff", (Change("add", Target("members"), [{"value": "@ada"}]),), kind="Group")

MATCHING: Final[dict[str, Callable[[str], str]]] = {
    "its tag": lambda tag: tag,
    "any tag": lambda _: "*",
    "its tag without the mark of weakness": lambda tag: tag.removeprefix("W/"),
    "its tag without quotes": lambda tag: tag.removeprefix("W/").strip('"'),
    "its tag among others": lambda tag: f'"other", {tag}',
}

STALE: Final[dict[str, Callable[[str], str]]] = {
    "another tag": lambda _: 'W/"no-such-version"',
    "the tag that will be": lambda tag: tag.replace("1", "2"),
    "several other tags": lambda _: '"a", W/"b"',
    "what is no tag": lambda _: "W/",
}

CONDITIONS: Final = (
    *(
        Case(
            f"a patch is made on {name}",
            RETITLE,
            given={"ada": ADA},
            then={"ada": RETITLED},
            etag=etag,
        )
        for name, etag in MATCHING.items()
    ),
    *(
        Case(
            f"a patch is refused on {name}",
            RETITLE,
            given={"ada": ADA},
            fails="ETAG_MISMATCH",
            etag=etag,
        )
        for name, etag in STALE.items()
    ),
    Case(
        "a replacement is made on its tag",
        Replace("ada", RETITLED),
        given={"ada": ADA},
        then={"ada": RETITLED},
        etag=MATCHING["its tag"],
    ),
    Case(
        "a replacement is refused on another tag",
        Replace("ada", RETITLED),
        given={"ada": ADA},
        fails="ETAG_MISMATCH",
        etag=STALE["another tag"],
    ),
    Case(
        "a deletion is made on its tag",
        Delete("ada"),
        given={"ada": ADA},
        then={"ada": None},
        etag=MATCHING["its tag"],
    ),
    Case(
        "a deletion is refused on another tag",
        Delete("ada"),
        given={"ada": ADA},
        fails="ETAG_MISMATCH",
        etag=STALE["another tag"],
    ),
    Case(
        "a member is added on the group's tag",
        JOIN,
        given={"ada": ADA, "staff": STAFF},
        then={
            "staff": {**STAFF, "members": [user_member("ada", "Ada King")]},
            "ada": {**ADA, "groups": [direct("staff", "Staff")]},
        },
        etag=MATCHING["its tag"],
    ),
    Case(
        "a member is not added on another tag",
        JOIN,
        given={"ada": ADA, "staff": STAFF},
        fails="ETAG_MISMATCH",
        etag=STALE["another tag"],
    ),
    Case(
        "a condition on what does not exist is not what is wrong",
        Patch("nobody", RETITLE.changes),
        given={"bob": BOB},
        fails="USER_NOT_FOUND",
        etag=MATCHING["any tag"],
    ),
)
