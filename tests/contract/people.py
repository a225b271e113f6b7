"""The resources that the cases begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.harness.representation import ENTERPRISE_SCHEMA

if TYPE_CHECKING:
    from tests.harness.operations import Document

WORK: Final = {"value": "ada@work.example", "type": "work", "primary": True}
HOME: Final = {"value": "ada@home.example", "type": "home"}

ADA: Final[Document] = {
    "userName": "ada@acme.example",
    "externalId": "emp-1815",
    "active": True,
    "displayName": "Ada King",
    "title": "Analyst",
    "name": {"givenName": "Ada", "familyName": "Byron"},
    "emails": [WORK, HOME],
    "roles": [{"value": "owner"}],
    ENTERPRISE_SCHEMA: {"department": "Engines", "employeeNumber": "1815"},
}

BOB: Final[Document] = {
    "userName": "bob@acme.example",
    "active": True,
    "displayName": "Bob",
    "name": {"givenName": "bob"},
}

CLEO: Final[Document] = {
    "userName": "Cleo",
    "externalId": "EMP-1815",
    "active": False,
    "title": "analyst",
    "emails": [{"value": "CLEO@WORK.EXAMPLE", "type": "home"}],
}

STAFF: Final[Document] = {"displayName": "Staff", "externalId": "g-1"}


def user_member(name: str, display: str | None) -> Document:
    """A member as groups show it: by its display name, if it has one."""
    shown = {"display": display} if display else {}
    return {"value": f"@{name}", "type": "User", **shown}


def group_member(name: str, display: str) -> Document:
    """A group that is a member, as groups show it."""
    return {"value": f"@{name}", "type": "Group", "display": display}


def direct(name: str, display: str) -> Document:
    """A group as its members show it."""
    return {"value": f"@{name}", "type": "direct", "display": display}


def indirect(name: str, display: str) -> Document:
    """A group as the members of a group in it show it."""
    return {"value": f"@{name}", "type": "indirect", "display": display}
